"""Tasks that were recorded: each is found by what is known of it, and none can be run again."""

from dataclasses import dataclass

import numpy as np

from pamlflow.domains.base import Transitions
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet, Variable, with_units
from pamlflow.types import FloatArray


@dataclass(frozen=True, eq=False)
class Records:
    """The tasks of a recorded domain, whose parameters [D] are what is known of them: their descriptors.

    Raises ValueError when descriptors are pictures, or those of two tasks are alike.
    """

    tasks: TaskSet

    def __post_init__(self) -> None:
        """Refuse tasks that their parameters do not tell apart."""
        if self.tasks.has_pictures:
            raise ValueError("tasks: expected descriptors that are numbers, found pictures")
        different, counts = np.unique(self.parameters, axis=0, return_counts=True)
        if (counts > 1).any():
            task = with_units(self.parameter_variables, different[np.argmax(counts)])
            text = "put what was recorded of one task together, or tell them apart by a descriptor"
            raise ValueError(f"tasks: {counts.max()} of them have {task}; {text} that is hidden")

    @property
    def parameter_variables(self) -> tuple[Variable, ...]:
        """The D quantities that are known of each task."""
        return self.tasks.descriptor_variables

    @property
    def input_variables(self) -> tuple[Variable, ...]:
        """The Dx dynamics inputs."""
        return self.tasks.input_variables

    @property
    def output_variables(self) -> tuple[Variable, ...]:
        """The P dynamics outputs."""
        return self.tasks.output_variables

    @property
    def parameters(self) -> FloatArray:
        """What is known of all tasks [N, D]."""
        return self.tasks.descriptors

    def record(self, parameters: FloatArray) -> Transitions:
        """Return what was recorded of the task with parameters [D]; ValueError where there is none."""
        rows = np.flatnonzero((self.parameters == parameters).all(axis=1))
        if rows.size == 0:
            text = with_units(self.parameter_variables, parameters)
            raise ValueError(f"no task with {text} was recorded; have the recordings changed?")
        task = self.tasks.subset(rows)
        return Transitions(task.inputs, task.outputs)

    def others(self, parameters: FloatArray) -> FloatArray:
        """Return the parameters [N - M, D] of all tasks but those with these parameters [M, D]."""
        same = (self.parameters[:, None] == parameters[None]).all(axis=2).any(axis=1)
        left: FloatArray = self.parameters[~same]
        return left

    def require_within(self, space: Box) -> None:
        """Raise ValueError, naming a task, unless all of them lie in the box."""
        outside = ~space.contains(self.parameters)
        if outside.any():
            task = with_units(self.parameter_variables, self.parameters[np.argmax(outside)])
            raise ValueError(
                f"space: a recorded task has {task}, which is outside; widen the space"
            )


def drawn(parameters: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """Return `count` different rows of parameters [N, D], drawn at random, in their order.

    Raises ValueError when there are fewer.
    """
    if count > len(parameters):
        raise ValueError(f"expected at least {count} recorded tasks, found {len(parameters)}")
    return parameters[np.sort(rng.choice(len(parameters), count, replace=False))]
