"""The domain of an environment: its variables, its excitations and its runs.

An environment is made for each run and closed after it, so that no run changes another one. How it integrates
its motion is its own.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pamlflow.domains.base import (
    EndedEarly,
    Excitation,
    Transitions,
    change_of,
    cosine_and_sine,
    state_transitions,
)
from pamlflow.domains.gymnasium.environments import Blueprint, Environment
from pamlflow.domains.gymnasium.options import GymnasiumSettings
from pamlflow.domains.policies import draw_signals, require_policy
from pamlflow.settings import SettingError
from pamlflow.tasks import Variable, with_units
from pamlflow.types import FloatArray

SEEDS = 2**31  # an environment takes one of so many
RADIANS = ("1", "rad")
NOTHING = GymnasiumSettings()


@dataclass(frozen=True)
class Gymnasium:
    """Tasks of an environment, which differ in some of its attributes.

    A formula of the options may name `time_step`, which otherwise means nothing, as `substeps` does. Raises
    SettingError when the options and the environment do not go together, PartError when gymnasium is not
    installed.
    """

    steps: int = 100
    time_step: float = 0.05
    substeps: int = 1
    initial_noise: float = 0.05
    options: GymnasiumSettings = NOTHING

    def __post_init__(self) -> None:
        """Make an environment, and look in it for all that the options name."""
        for name, variable in self.options.state.items():
            if variable.angle and variable.unit not in RADIANS:
                text = (
                    f"an angle is in rad, found {variable.unit!r}; convert its `value`, `unit: rad`"
                )
                raise SettingError(("state", name, "unit"), text)
        require_policy(self.options.policy, self.steps, self._controls)

    @cached_property
    def _blueprint(self) -> Blueprint:
        return Blueprint.of(self.options, self.time_step)

    @property
    def _controls(self) -> int:
        return len(self._blueprint.actions.variables)

    @property
    def parameter_variables(self) -> tuple[Variable, ...]:
        """The parameters, in the order of the options."""
        return tuple(Variable(name, it.unit) for name, it in self.options.parameters.items())

    @property
    def input_variables(self) -> tuple[Variable, ...]:
        """The state variables, angles as cosine and sine, then the controls."""
        variables: list[Variable] = []
        for name, variable in self.options.state.items():
            if variable.angle:
                variables += cosine_and_sine(name)
            else:
                variables.append(Variable(name, variable.unit))
        return (*variables, *self._blueprint.actions.variables)

    @property
    def output_variables(self) -> tuple[Variable, ...]:
        """The change of each state variable within a control step."""
        return tuple(
            change_of(Variable(name, "rad" if variable.angle else variable.unit))
            for name, variable in self.options.state.items()
        )

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """Draw the controls [K, U], and the seed of the first episode with what `start` names [1 + S]."""
        signals = draw_signals(self.options.policy, self.steps, self._controls, rng)
        seed = rng.integers(SEEDS)
        middle = np.array(list(self.options.start.values()))
        start = middle + self.initial_noise * rng.standard_normal(middle.size)
        return Excitation(self._blueprint.actions.controls(signals), np.array([seed, *start]))

    def run(self, parameters: FloatArray, excitation: Excitation) -> Transitions:
        """Return the transitions of the task with `parameters` [D], of one or several episodes.

        Raises EndedEarly when an episode ends before its first step, or at all, if the options say so, and
        SimulationError when a parameter cannot be set.
        """
        controls = excitation.controls
        seed, start = int(excitation.initial_state[0]), excitation.initial_state[1:]
        parts: list[Transitions] = []
        taken = 0
        with contextlib.closing(self._blueprint.environment(parameters)) as environment:
            while taken < len(controls):
                states = self._episode(environment, controls[taken:], seed + len(parts), start)
                steps = len(states) - 1
                if steps == 0 or (self.options.ended == "stop" and taken + steps < len(controls)):
                    raise self._too_short(parameters, taken + steps)
                parts.append(self._transitions(states, controls[taken : taken + steps]))
                taken += steps
        return Transitions(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def _episode(
        self, environment: Environment, controls: FloatArray, seed: int, start: FloatArray
    ) -> FloatArray:
        """The states [T + 1, E] of an episode, which may end before all controls [K, U] were applied."""
        states = [environment.reset(seed, start)]
        for control in controls:
            ended = False
            for done in range(self.options.repeat):
                state, over = environment.step(control)
                ended = over and self.options.ended != "continue"
                if ended and done + 1 < self.options.repeat:
                    return np.array(states)  # the last step was cut short
                if ended:
                    break
            states.append(state)
            if ended:
                break
        return np.array(states)

    def _transitions(self, states: FloatArray, controls: FloatArray) -> Transitions:
        """The transitions of an episode, in which no angle turns by more than half a turn in a step."""
        angles = [i for i, it in enumerate(self.options.state.values()) if it.angle]
        if np.isfinite(states).all():
            states[:, angles] = np.unwrap(states[:, angles], axis=0)
        return state_transitions(states, controls, angles)

    def _too_short(self, parameters: FloatArray, steps: int) -> EndedEarly:
        task = with_units(self.parameter_variables, parameters)
        text = f"the environment ended the episode of the task with {task} after {steps} steps"
        remedy = "choose another value of `ended`, or change `space`, `policy` or `start`"
        return EndedEarly(f"{text}; {remedy}")
