"""What a configuration says of an environment: the key `options` of an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pamlflow.domains.policies import HELD, Policy
from pamlflow.settings import Bounds, Settings


@dataclass(frozen=True)
class Parameter(Settings):
    """A parameter of tasks, and the attribute, or `arguments.<name>`, that it sets."""

    unit: str = "1"
    sets: str = ""


@dataclass(frozen=True)
class StateVariable(Settings):
    """A variable of the state: a formula of attributes or of `observation`; an angle is in rad."""

    value: str = ""
    unit: str = "1"
    angle: bool = False


@dataclass(frozen=True)
class Control(Settings):
    """One number of an action: its unit, and its range or, of a discrete action, the value of each choice."""

    unit: str = "1"
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class GymnasiumSettings(Settings):
    """What a configuration says of an environment; docs/own_environment.md explains it.

    Attributes:
        environment: the id of a registered one, `module:Id`, or the class `package.module:Name`.
        arguments: what it is made with.
        parameters: the parameters of tasks.
        derived: attributes that follow from others, each with its formula of parameters and attributes.
        state: the state variables.
        controls: the numbers of an action, in their order; by default those of the environment.
        policy: how controls are drawn.
        start: the initial state, to which `initial_noise` is added; by default the environment draws it.
        ended: what happens when an episode ends before its run: `reset` begins another one, `continue` goes
            on, and `stop` fails the task.
        repeat: steps of the environment within one control step.
    """

    environment: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, StateVariable] = field(default_factory=dict)
    controls: Mapping[str, Control] = field(default_factory=dict)
    policy: Policy = HELD
    start: Mapping[str, float] = field(default_factory=dict)
    ended: Literal["reset", "continue", "stop"] = "reset"
    repeat: Annotated[int, Bounds(1, 100_000)] = 1
