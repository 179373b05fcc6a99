"""Environments that are made for a task: its parameters are set, and its state is read, as options say."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from pamlflow import plugins
from pamlflow.domains.base import SimulationError
from pamlflow.domains.gymnasium.actions import Actions
from pamlflow.domains.gymnasium.formulas import Formula, FormulaError
from pamlflow.domains.gymnasium.options import GymnasiumSettings
from pamlflow.settings import SettingError
from pamlflow.types import FloatArray
from pamlflow.wording import Key, nearest

ARGUMENTS = "arguments."
OBSERVATION, TIME_STEP = "observation", "time_step"
ROUNDING = 1e-6  # of what is set, in an attribute of single precision


def make(name: str, arguments: dict[str, Any]) -> Any:
    """Return the environment of this name, without a limit of time.

    Raises PartError when gymnasium is not installed, SettingError when there is no such environment, or it does
    not take these arguments.
    """
    with plugins.needs("the domain 'gymnasium'", "gymnasium"):
        import gymnasium
    key = ("environment",)
    made: Any
    try:
        if plugins.NAME.fullmatch(name):
            made = plugins.load(name, {}, "environment")(**arguments)
        else:
            limits = {"max_episode_steps": -1, "disable_env_checker": True}
            made = gymnasium.make(name, **{**limits, **arguments})
    except plugins.PartError as error:
        raise SettingError(key, str(error)) from error
    except gymnasium.error.Error as error:
        raise SettingError(key, " ".join(str(error).split())) from error
    except (Exception, SystemExit) as error:
        text = f"'{name}' cannot be made with {arguments or 'no arguments'}: {plugins.told(error)}"
        raise SettingError(key, text) from error
    if not isinstance(made, gymnasium.Env):
        raise SettingError(key, f"expected a gymnasium.Env, found {type(made).__name__}")
    return made


class Environment:
    """An environment in which attributes are set for a task; they are set again after each reset."""

    def __init__(self, made: Any, blueprint: Blueprint, names: SimpleNamespace) -> None:
        self._made, self._blueprint, self._names = made, blueprint, names
        self._attributes: list[tuple[Formula, Any]] = []

    def set(self, path: Formula, value: Any) -> None:
        """Set an attribute, which stays a whole number if it is one.

        Raises SimulationError if it does not keep what it is set to.
        """
        root = self._made.unwrapped
        if isinstance(path.value(root), int) and float(value).is_integer():
            value = int(value)
        path.assign(root, value)
        found = path.value(root)
        if not np.allclose(found, value, rtol=ROUNDING, atol=0.0):
            raise SimulationError(f"`{path.text}` is {found} after it was set to {value}")

    def set_for_task(self, path: Formula, value: Any) -> None:
        """Set an attribute for all episodes; a formula may name parameters and attributes."""
        if isinstance(value, Formula):
            value = value.value(self._names, self._made.unwrapped)
        self.set(path, value)
        self._attributes.append((path, value))

    def reset(self, seed: int, start: FloatArray) -> FloatArray:
        """Begin an episode, at the values `start` of the options of that name; return the state [E]."""
        observation, _ = self._made.reset(seed=seed)
        for path, value in self._attributes:
            self.set(path, value)
        for path, value in zip(self._blueprint.start, start, strict=True):
            path.assign(self._made.unwrapped, float(value))
        return self._state(observation)

    def step(self, control: FloatArray) -> tuple[FloatArray, bool]:
        """Take one step; return the state [E], and whether the episode has ended."""
        action = self._blueprint.actions.action(control)
        observation, _, terminated, truncated, _ = self._made.step(action)
        return self._state(observation), bool(terminated or truncated)

    def _state(self, observation: Any) -> FloatArray:
        scopes = SimpleNamespace(observation=observation), self._made.unwrapped
        return np.array([float(each.value(*scopes)) for each in self._blueprint.state])

    def close(self) -> None:
        """Close the environment."""
        self._made.close()


@dataclass(frozen=True, eq=False)
class Blueprint:
    """How an environment is made for a task, all formulas of its options read and looked for."""

    options: GymnasiumSettings
    time_step: float
    targets: dict[str, Formula]  # by the name of the parameter that sets it
    derived: dict[Formula, Formula]
    state: tuple[Formula, ...]
    start: tuple[Formula, ...]
    actions: Actions

    @classmethod
    def of(cls, options: GymnasiumSettings, time_step: float) -> Self:
        """Return the blueprint of these options, of which an environment was made.

        Raises SettingError when an option is missing, or names what is not there; PartError as `make` does.
        """
        for key in ("environment", "parameters", "state"):
            if not getattr(options, key):
                raise SettingError((key,), "missing; docs/own_environment.md has an example")
        targets = {
            name: _formula(("parameters", name, "sets"), parameter.sets)
            for name, parameter in options.parameters.items()
            if parameter.sets and not parameter.sets.startswith(ARGUMENTS)
        }
        derived = {
            _formula(("derived", target), target): _formula(("derived", target), formula)
            for target, formula in options.derived.items()
        }
        state = {
            name: _formula(("state", name, "value"), variable.value)
            for name, variable in options.state.items()
        }
        _require_used(options, derived)
        start = _starts(options, state)
        made = make(options.environment, copy.deepcopy(dict(options.arguments)))
        try:
            actions = Actions.of(made.action_space, options.controls)
            own = SimpleNamespace(**dict.fromkeys(options.parameters, 1.0), time_step=time_step)
            _look(made, own, targets, derived, state)
        finally:
            made.close()
        return cls(options, time_step, targets, derived, tuple(state.values()), start, actions)

    def environment(self, parameters: FloatArray) -> Environment:
        """Return the environment of the task with parameters [D].

        Raises SimulationError when an attribute does not keep what it is set to.
        """
        values = dict(zip(self.options.parameters, map(float, parameters), strict=True))
        arguments = copy.deepcopy(dict(self.options.arguments))
        for name, parameter in self.options.parameters.items():
            if parameter.sets.startswith(ARGUMENTS):
                arguments[parameter.sets.removeprefix(ARGUMENTS)] = values[name]
        names = SimpleNamespace(**values, time_step=self.time_step)
        environment = Environment(make(self.options.environment, arguments), self, names)
        try:
            for name, target in self.targets.items():
                environment.set_for_task(target, values[name])
            for target, formula in self.derived.items():
                environment.set_for_task(target, formula)
        except BaseException:
            environment.close()
            raise
        return environment


def _formula(key: Key, text: str) -> Formula:
    if not text:
        raise SettingError(key, "missing, expected an attribute such as `state[0]`")
    try:
        return Formula(text)
    except FormulaError as error:
        raise SettingError(key, str(error)) from error


def _require_used(options: GymnasiumSettings, derived: dict[Formula, Formula]) -> None:
    """Refuse a parameter that sets nothing, and an attribute or an argument that is set twice."""
    used = frozenset().union(*(formula.names for formula in derived.values()))
    seen: dict[str, str] = {}
    if TIME_STEP in options.parameters:
        text = "formulas have this name for that of `simulation`; choose another one"
        raise SettingError(("parameters", TIME_STEP), text)
    for name, parameter in options.parameters.items():
        key = ("parameters", name, "sets")
        if not parameter.sets and name not in used:
            text = "missing, expected the attribute that it sets, or a formula of it in `derived`"
            raise SettingError(key, text)
        argument = parameter.sets.removeprefix(ARGUMENTS)
        if argument != parameter.sets and not argument.isidentifier():
            raise SettingError(key, f"expected {ARGUMENTS}<name>, found {parameter.sets!r}")
        if parameter.sets and parameter.sets in seen:
            raise SettingError(
                key, f"'{seen[parameter.sets]}' sets {parameter.sets}, too; keep one"
            )
        seen[parameter.sets] = name
    for target in derived:
        if target.text in seen:
            text = f"the parameter '{seen[target.text]}' sets it; keep one of them"
            raise SettingError(("derived", target.text), text)


def _starts(options: GymnasiumSettings, state: dict[str, Formula]) -> tuple[Formula, ...]:
    """What `start` sets; all of the state must be read from attributes, or its first row would be stale."""
    for name in options.start:
        if name not in state:
            text = f"no variable of `state`{nearest(name, state)} (known: {', '.join(state)})"
            raise SettingError(("start", name), text)
        if not state[name].is_path:
            text = f"`{state[name].text}` cannot be set; read it from one attribute"
            raise SettingError(("start", name), text)
    for name, formula in state.items():
        if options.start and OBSERVATION in formula.names:
            text = "with `start`, an observation is of before it; read an attribute in its place"
            raise SettingError(("state", name, "value"), text)
    return tuple(state[name] for name in options.start)


def _look(
    made: Any,
    own: SimpleNamespace,
    targets: dict[str, Formula],
    derived: dict[Formula, Formula],
    state: dict[str, Formula],
) -> None:
    """Look in an environment for what formulas name; SettingError where it is not."""
    observation, _ = made.reset(seed=0)
    root, seen = made.unwrapped, SimpleNamespace(observation=observation)
    paths: dict[Key, Formula] = {
        ("parameters", name, "sets"): path for name, path in targets.items()
    }
    paths |= {("derived", path.text): path for path in derived}
    for key, path in paths.items():
        if not path.is_path:
            text = "expected one attribute, such as `state[0]`, which can be set"
            raise SettingError(key, f"{text}, found {path.text!r}")
        _value(key, path, root)
    for path, formula in derived.items():
        _value(("derived", path.text), formula, own, root)
    for name, formula in state.items():
        key = ("state", name, "value")
        found = _value(key, formula, seen, root)
        if np.ndim(found) != 0 or np.asarray(found).dtype.kind not in "fiub":
            text = f"expected a number, found {type(found).__name__} {found!r}"
            raise SettingError(key, f"{text}; name one entry, such as `{formula.text}[0]`")


def _value(key: Key, formula: Formula, *scopes: object) -> Any:
    """The value of a formula; SettingError where it names what is not there."""
    try:
        return formula.value(*scopes)
    except FormulaError as error:
        raise SettingError(key, str(error)) from error
    except ArithmeticError:  # of parameters that are nothing yet
        return None
