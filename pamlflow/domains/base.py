"""What a task domain is: anything that can be excited, run, and read as transitions."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from pamlflow.tasks import Variable, read_only
from pamlflow.types import FloatArray


class SimulationError(RuntimeError):
    """A task that could not be simulated; the message names its parameters."""


@dataclass(frozen=True, eq=False)
class Excitation:
    """What is done to a task: controls [K, U], one row per control step, from an initial state [E].

    Raises ValueError when a value is not finite.
    """

    controls: FloatArray
    initial_state: FloatArray

    def __post_init__(self) -> None:
        """Copy, freeze and check the arrays."""
        for name in ("controls", "initial_state"):
            values = read_only(getattr(self, name), np.float64)
            object.__setattr__(self, name, values)
            if not np.isfinite(values).all():
                raise ValueError(f"excitation: {name} must be finite, found {values}")


@runtime_checkable
class TaskDomain(Protocol):
    """A family of tasks that differ in D parameters and share everything else."""

    @property
    def parameter_variables(self) -> tuple[Variable, ...]:
        """The D parameters in which the tasks differ."""

    @property
    def input_variables(self) -> tuple[Variable, ...]:
        """The Dx dynamics inputs."""

    @property
    def output_variables(self) -> tuple[Variable, ...]:
        """The P dynamics outputs."""

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """Draw the excitation of a trial, which all of its tasks share."""

    def simulate(self, parameters: FloatArray, excitation: Excitation) -> FloatArray:
        """Run the task with parameters [D] and return its states [K + 1, E].

        Raises SimulationError, naming the parameters, when the simulation is unstable.
        """

    def transitions(
        self, states: FloatArray, controls: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the inputs [K, Dx] and outputs [K, P] in states [K + 1, E], controls [K, U]."""


@runtime_checkable
class PicturedDomain(TaskDomain, Protocol):
    """A task domain that can show what its tasks look like."""

    def picture(
        self, parameters: FloatArray, size: int, height: float, renderer: str
    ) -> FloatArray:
        """Return a picture [size, size, 1], in 0..1, of the task with parameters [D], upright.

        Its field of view is `height` m high. Raises ValueError when the renderer cannot be used.
        """


def state_transitions(
    states: FloatArray, controls: FloatArray, angles: Collection[int]
) -> tuple[FloatArray, FloatArray]:
    """Return the inputs [K, Dx] and outputs [K, E] of states [K + 1, E] and controls [K, U].

    Inputs are the state variables, each of the `angles` (columns of the states) as its cosine and
    sine, then the controls. Outputs are the state differences, for which angles must not be wrapped.
    """
    columns: list[FloatArray] = []
    for index, column in enumerate(states[:-1].T):
        columns += [np.cos(column), np.sin(column)] if index in angles else [column]
    return np.column_stack([*columns, controls]), np.diff(states, axis=0)
