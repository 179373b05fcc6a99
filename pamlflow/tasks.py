"""Observed tasks: their transitions, their descriptors and the simulator's own parameters."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from pamlflow.types import FloatArray, IntArray

Number = TypeVar("Number", np.float64, np.int64)

QUANTITIES = ("input", "output", "descriptor", "parameter")


@dataclass(frozen=True)
class Variable:
    """A physical quantity: its name and its unit, such as "pole_mass" and "kg"."""

    name: str
    unit: str


def read_only(values: npt.ArrayLike, dtype: type[Number]) -> npt.NDArray[Number]:
    """Return a copy of `values` that cannot be written to, for the fields of frozen classes."""
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class TaskSet:
    """N tasks with S transitions in all, stored task after task; tasks may differ in length.

    inputs [S, Dx] are the dynamics inputs: angles as cosine and sine, other state variables,
    controls. outputs [S, P] are state differences, lengths [N] the transitions of each task,
    descriptors [N, R] what the model may know of a task. parameters [N, D] are the simulator's
    ground truth, which the model never sees. Each array has one variable per column.

    Raises ValueError when shapes disagree, a task is empty, or a value is not finite.
    """

    inputs: FloatArray
    outputs: FloatArray
    lengths: IntArray
    descriptors: FloatArray
    parameters: FloatArray
    input_variables: tuple[Variable, ...]
    output_variables: tuple[Variable, ...]
    descriptor_variables: tuple[Variable, ...]
    parameter_variables: tuple[Variable, ...]

    def __post_init__(self) -> None:
        """Copy, freeze and check the arrays."""
        object.__setattr__(self, "lengths", read_only(self.lengths, np.int64))
        if self.lengths.ndim != 1 or self.lengths.size == 0 or self.lengths.min() < 1:
            raise ValueError(
                f"lengths: expected one positive number of transitions for each of at least one "
                f"task, found {self.lengths.tolist()}"
            )
        for quantity in QUANTITIES:
            values = read_only(getattr(self, f"{quantity}s"), np.float64)
            object.__setattr__(self, f"{quantity}s", values)
            self._check(quantity, values)

    def _check(self, quantity: str, values: FloatArray) -> None:
        variables: tuple[Variable, ...] = getattr(self, f"{quantity}_variables")
        per_transition = quantity in ("input", "output")
        rows = int(self.lengths.sum()) if per_transition else self.num_tasks
        if values.shape != (rows, len(variables)):
            raise ValueError(
                f"{quantity}s: expected {rows} rows (one per "
                f"{'transition' if per_transition else 'task'}) and {len(variables)} columns "
                f"({', '.join(v.name for v in variables)}), found shape {values.shape}"
            )
        not_finite = np.argwhere(~np.isfinite(values))
        if len(not_finite) > 0:
            row, column = (int(i) for i in not_finite[0])
            raise ValueError(
                f"{self._place(row) if per_transition else f'task {row}'}: {quantity} "
                f"'{variables[column].name}' is {values[row, column]}; leave the task out or "
                f"cut it before this value"
            )

    def _place(self, row: int) -> str:
        """Say which task and step a transition belongs to, counted from zero."""
        ends = np.cumsum(self.lengths)
        task = int(np.searchsorted(ends, row, side="right"))
        return f"task {task}, step {row - ends[task] + self.lengths[task]}"

    @property
    def num_tasks(self) -> int:
        """The number of tasks N."""
        return len(self.lengths)

    def subset(self, indices: npt.ArrayLike) -> Self:
        """Return the tasks at `indices` (or where a mask is true), in that order."""
        chosen = np.arange(self.num_tasks)[np.asarray(indices)]
        ends = np.cumsum(self.lengths)
        rows = [np.arange(ends[i] - self.lengths[i], ends[i]) for i in chosen]
        transitions = np.concatenate(rows) if rows else np.arange(0)
        return dataclasses.replace(
            self,
            inputs=self.inputs[transitions],
            outputs=self.outputs[transitions],
            lengths=self.lengths[chosen],
            descriptors=self.descriptors[chosen],
            parameters=self.parameters[chosen],
        )

    def append(self, other: Self) -> Self:
        """Return these tasks followed by those of `other`, which must have the same variables."""
        for quantity in QUANTITIES:
            name = f"{quantity}_variables"
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                raise ValueError(f"cannot append tasks: {name} are {ours} here, {theirs} there")
        arrays = (*(f"{quantity}s" for quantity in QUANTITIES), "lengths")
        joined = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in arrays
        }
        return dataclasses.replace(self, **joined)

    def padded(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return inputs [N, T, Dx], outputs [N, T, P] and a mask [N, T], T the longest task.

        The mask is one at transitions and zero behind the end of a task, where the others are zero.
        """
        present = np.arange(self.lengths.max()) < self.lengths[:, None]
        inputs = np.zeros((*present.shape, self.inputs.shape[1]))
        outputs = np.zeros((*present.shape, self.outputs.shape[1]))
        inputs[present], outputs[present] = self.inputs, self.outputs
        return inputs, outputs, present.astype(np.float64)

    def to_datasets(self) -> dict[str, Any]:
        """Return the datasets `tasks/...` of the HDF5 schemas."""
        datasets: dict[str, Any] = {"tasks/lengths": self.lengths}
        for quantity in QUANTITIES:
            variables: tuple[Variable, ...] = getattr(self, f"{quantity}_variables")
            datasets[f"tasks/{quantity}s"] = getattr(self, f"{quantity}s")
            datasets[f"tasks/{quantity}_names"] = [variable.name for variable in variables]
            datasets[f"tasks/{quantity}_units"] = [variable.unit for variable in variables]
        return datasets

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> Self:
        """Return the tasks in datasets that `to_datasets` made; other datasets are ignored."""
        fields: dict[str, Any] = {"lengths": datasets["tasks/lengths"]}
        for quantity in QUANTITIES:
            names = datasets[f"tasks/{quantity}_names"]
            units = datasets[f"tasks/{quantity}_units"]
            fields[f"{quantity}s"] = datasets[f"tasks/{quantity}s"]
            fields[f"{quantity}_variables"] = tuple(
                Variable(str(name), str(unit)) for name, unit in zip(names, units, strict=True)
            )
        return cls(**fields)
