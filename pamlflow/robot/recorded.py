"""Recordings as tasks of the robot: values, shapes and repeated runs are checked."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.screening import find_outliers, require_computable
from pamlflow.spaces import Box
from pamlflow.storage.recordings import ROUNDING, Recording, RecordingError
from pamlflow.tasks import TaskSet, Variable, columns_of
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TaskFormat:
    """The common format of all recordings of a robot: the box of descriptors and the variables.

    `time_step` in s is that of transitions which are made of logs; None where these are told.
    """

    space: Box
    inputs: tuple[Variable, ...]
    outputs: tuple[Variable, ...]
    time_step: float | None = None

    def recording(self, told: Mapping[str, Any], where: str) -> Recording:
        """Return what was told as arrays of numbers. Raises RecordingError if this is impossible."""
        arrays = {}
        for name, values in told.items():
            try:
                arrays[name] = columns_of(name, values, self._variables[name])
            except ValueError as error:
                raise RecordingError(where, str(error), "correct it") from error
            except Exception as error:  # tables of other libraries may raise anything
                problem = f"{name}: expected an array of numbers, found something else ({error})"
                raise RecordingError(where, problem, "correct it") from error
        return Recording(**arrays)

    def task(self, recording: Recording, where: str | Path, earlier: Sequence[TaskSet]) -> TaskSet:
        """Return a recording as one task, with the descriptor as parameters.

        Raises RecordingError if shapes or values are wrong, or the recording repeats one of the tasks
        `earlier`.
        """
        descriptor, steps = recording.descriptor[None], len(np.atleast_1d(recording.inputs))
        try:
            self._check_shapes(recording)
            task = TaskSet(
                recording.inputs,
                recording.outputs,
                lengths=np.array([steps]),
                descriptors=descriptor,
                parameters=descriptor,
                input_variables=self.inputs,
                output_variables=self.outputs,
                descriptor_variables=self.space.variables,
                parameter_variables=self.space.variables,
            )
        except ValueError as error:  # the message calls it task 0, since it is the only one
            problem = str(error).removeprefix("task 0").lstrip(",: ")
            raise RecordingError(where, problem, "correct it") from error
        _check_new(task, where, earlier)
        _screen(task, where, earlier)
        if not self.space.contains(task.descriptors).all():
            logger.warning("%s: %s is outside the box", where, task.descriptors[0])
        return task

    @property
    def _variables(self) -> dict[str, tuple[Variable, ...]]:
        descriptor = tuple(self.space.variables)
        return {"descriptor": descriptor, "inputs": self.inputs, "outputs": self.outputs}

    def _check_shapes(self, recording: Recording) -> None:
        """Raise ValueError unless there are one descriptor [R], inputs [T, Dx] and outputs [T, P]."""
        for name, variables in self._variables.items():
            shape = list(np.shape(getattr(recording, name)))
            count, names = len(variables), ", ".join(each.name for each in variables)
            if name == "descriptor":
                if shape != [count]:
                    raise ValueError(f"{name}: expected [{count}] ({names}), found {shape}")
                continue
            steps = len(recording.inputs) if name == "outputs" else "T"
            expected = f"{name}: expected [{steps}, {count}] ({names}), found {shape}"
            if len(shape) == 2 and shape[0] == count != shape[1]:
                raise ValueError(f"{expected}; transpose it")
            if len(shape) != 2 or shape[1] != count:
                raise ValueError(expected)
            if name == "outputs" and shape[0] != steps:
                raise ValueError(
                    f"{expected}, while there are {steps} inputs: one row for each step"
                )
            if shape[0] == 0:
                raise ValueError(f"{expected}: at least one step")


def _check_new(task: TaskSet, where: str | Path, earlier: Sequence[TaskSet]) -> None:
    """Raise RecordingError if an earlier task has the same outputs in all steps.

    Two runs of a robot never record the same outputs, unless nothing changes, as when the robot does not move.
    """
    for number, other in enumerate(earlier):
        if not _same(task.outputs, other.outputs):
            continue
        which = "inputs and outputs" if _same(task.inputs, other.inputs) else "outputs"
        problem = f"the same {which} as task {number} in all {len(task.outputs)} steps"
        if np.all(task.outputs == task.outputs[0]):
            if which != "outputs":
                logger.warning("%s: %s, in which nothing changes", where, problem)
            continue
        remedy = "keep each run once, in its own arrays: a reused buffer holds the last run"
        if isinstance(where, Path):
            remedy = "move one of the two away, and number those after it without a gap"
        raise RecordingError(where, f"{problem}, although two runs always differ", remedy)


def _screen(task: TaskSet, where: str | Path, earlier: Sequence[TaskSet]) -> None:
    """Raise RecordingError for values too large or too small to compute with; log outliers."""
    everything = TaskSet.joined([*earlier, task])
    try:
        require_computable(everything)
    except ValueError as error:
        raise RecordingError(where, str(error), "correct it") from error
    for outlier in find_outliers(everything, first_task=len(earlier)):
        logger.warning("%s", outlier)


def _same(one: FloatArray, other: FloatArray) -> bool:
    """Return whether two arrays are equal up to single precision."""
    if one.shape != other.shape:
        return False
    with np.errstate(all="ignore"):
        first = np.isclose(
            one[0], other[0], ROUNDING, 0.0
        ).all()  # different arrays mostly differ here
        return bool(first and np.allclose(one, other, ROUNDING, 0.0))


def read_once(values: Any) -> Any:
    """Return the rows of an iterator as a list of copies, since it may yield the same buffer again."""
    if isinstance(values, Iterator):
        return [read_once(row) for row in values]
    return values.copy() if isinstance(values, np.ndarray | list) else values
