"""What a task domain is: a simulator that runs any task, or a list of tasks that were recorded."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from pamlflow.arrays import check_shape, indices, labels, numbers, read_only
from pamlflow.errors import UserError
from pamlflow.tasks import TaskSet, Variable
from pamlflow.types import FloatArray


class SimulationError(UserError):
    """A task that could not be simulated; the message names its parameters."""


class EndedEarly(SimulationError):
    """A run that ended before its last step."""


class NotFinite(SimulationError):
    """A run in which a number is not finite."""


@dataclass(frozen=True, eq=False)
class Excitation:
    """What is done to a task: controls [K, U], one row per control step, from an initial state [E].

    Raises ValueError when a shape is wrong, or a value is no real number or not finite.
    """

    controls: FloatArray
    initial_state: FloatArray

    def __post_init__(self) -> None:
        """Copy, freeze and check the arrays."""
        shapes: dict[str, tuple[str, ...]] = {"controls": ("K", "U"), "initial_state": ("E",)}
        for name, shape in shapes.items():
            values = read_only(f"excitation: {name}", getattr(self, name))
            check_shape(f"excitation: {name}", values, shape)
            object.__setattr__(self, name, values)
            if not np.isfinite(values).all():
                raise ValueError(f"excitation: {name} must be finite, found {values}")


class Transitions(NamedTuple):
    """What one run of a task shows: inputs [K, Dx] and outputs [K, P], one row for each step."""

    inputs: FloatArray
    outputs: FloatArray


class Domain(Protocol):
    """What describes the tasks of a domain."""

    @property
    def parameter_variables(self) -> tuple[Variable, ...]:
        """The D parameters in which the tasks differ."""

    @property
    def input_variables(self) -> tuple[Variable, ...]:
        """The Dx dynamics inputs."""

    @property
    def output_variables(self) -> tuple[Variable, ...]:
        """The P dynamics outputs."""


@runtime_checkable
class TaskDomain(Domain, Protocol):
    """A family of tasks that differ in D parameters and share everything else; any of them can be run.

    A class that takes options has an attribute `options`, its own `pamlflow.settings.Settings` with the
    defaults, and is made with the keyword `options`: the settings of the configuration. When a file changes
    that these name by `files`, what was made of it is made anew.
    """

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """Draw an excitation: of a trial, which all of its tasks share, or of one run of one task."""

    def run(self, parameters: FloatArray, excitation: Excitation) -> Transitions:
        """Run the task with parameters [D] and return its transitions, one for each control.

        Raises SimulationError when the task cannot be run. Other exceptions, and a run that ends early and
        so has fewer transitions than controls, are taken for one.
        """


@runtime_checkable
class RecordedDomain(Protocol):
    """Tasks that were recorded; there are no others, and none can be run again.

    A class may take options as that of a TaskDomain does, and is made without anything else.
    """

    @property
    def tasks(self) -> TaskSet:
        """All tasks, with what is known of each as its descriptors [N, D], in which no two are alike."""


@runtime_checkable
class PicturedDomain(TaskDomain, Protocol):
    """A task domain that can show what its tasks look like."""

    def picture(
        self, parameters: FloatArray, size: int, height: float, renderer: str
    ) -> FloatArray:
        """Return a picture [size, size, 1], in 0..1, of the task with parameters [D], upright.

        Its field of view is `height` m high. Raises ValueError when the renderer cannot be used.
        """


def cosine_and_sine(angle: str) -> tuple[Variable, Variable]:
    """Return the inputs that show the angle of this name."""
    return Variable(f"cos_{angle}", "1"), Variable(f"sin_{angle}", "1")


def change_of(state: Variable) -> Variable:
    """Return the output that is the change of a state variable within a control step."""
    return Variable(f"{state.name}_change", state.unit)


def state_transitions(
    states: FloatArray, controls: FloatArray, angles: Collection[int | str]
) -> Transitions:
    """Return the inputs [K, Dx] and outputs [K, E] of states [K + 1, E] and controls [K, U].

    Inputs are the state variables, each of the `angles` (columns of the states) as its cosine and
    sine, then the controls. Outputs are the state differences, for which angles must not be wrapped.
    A single state variable or control may have one axis. Columns stay in the order given; those of a
    data frame have names, by which `angles` may call them.

    Raises ValueError when lengths disagree, an angle is no column, or values are no real numbers.
    """
    names = labels(states) or []
    states = _table("states", states, ("K + 1", "E"))
    controls = _table("controls", controls, ("K", "U"))
    steps = len(states) - 1
    if len(controls) != steps and len(states) < states.shape[1] == len(controls) + 1:
        check_shape("states", states, (len(controls) + 1, "E"))
    if steps < 1:
        raise ValueError(f"states: expected at least two, one after another, found {len(states)}")
    if len(controls) > steps:
        text = f"controls: expected {steps} rows, one for each step between {len(states)} states"
        rest = "the one" if len(controls) == len(states) else "those"
        raise ValueError(f"{text}, found {len(controls)}; leave out {rest} after the last state")
    check_shape("controls", controls, (steps, "U"))
    are_angles = indices("angles", angles, states.shape[1], names)
    inputs: list[FloatArray] = []
    with np.errstate(invalid="ignore", over="ignore"):  # a simulation that blew up is met elsewhere
        for index, column in enumerate(states[:-1].T):
            inputs += [np.cos(column), np.sin(column)] if index in are_angles else [column]
        return Transitions(np.column_stack([*inputs, controls]), np.diff(states, axis=0))


def _table(name: str, values: Any, shape: tuple[str, str]) -> FloatArray:
    """A table with its columns in the order given; what has one axis is one column."""
    table = numbers(name, values, labels(values))
    if table.ndim == 1:
        table = table[:, None]
    check_shape(name, table, shape)
    return table
