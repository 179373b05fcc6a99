"""Observed tasks: transitions, descriptors and the true parameters of the simulator."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from pamlflow.arrays import numbers, whole_numbers
from pamlflow.types import FloatArray, IntArray

QUANTITIES = ("input", "output", "descriptor", "parameter")


@dataclass(frozen=True)
class Variable:
    """A physical quantity: its name and its unit, such as "pole_mass" and "kg"."""

    name: str
    unit: str


def with_units(variables: Sequence[Variable], values: FloatArray) -> str:
    """Return the values [D] of variables for a message: `pole_mass = 1.0 kg, ...`."""
    named = zip(variables, values, strict=True)
    return ", ".join(f"{variable.name} = {value} {variable.unit}" for variable, value in named)


def columns_of(name: str, values: Any, variables: Sequence[Variable]) -> FloatArray:
    """Return a copy of `values`, whose last axis has one entry for each variable.

    Columns that have names are brought into the order of the variables. Raises ValueError, beginning with
    `name`, where there are others, or values are no real numbers, and TypeError where a variable is none.
    """
    for variable in variables:
        if not isinstance(variable, Variable):
            text = 'expected variables such as pamlflow.Variable("rate", "rad/s")'
            raise TypeError(f"{name}: {text}, found {variable!r}")
    return numbers(name, values, [variable.name for variable in variables])


def variables_to_datasets(path: str, variables: Sequence[Variable]) -> dict[str, list[str]]:
    """Return the datasets `path`_names and `path`_units of the HDF5 schemas."""
    return {
        f"{path}_names": [variable.name for variable in variables],
        f"{path}_units": [variable.unit for variable in variables],
    }


def variables_from_datasets(path: str, datasets: Mapping[str, Any]) -> tuple[Variable, ...]:
    """Return the variables in datasets that `variables_to_datasets` made."""
    pairs = zip(datasets[f"{path}_names"], datasets[f"{path}_units"], strict=True)
    return tuple(Variable(str(name), str(unit)) for name, unit in pairs)


def checked_descriptors(
    descriptors: Any, variables: Sequence[Variable], count: int | None = None
) -> FloatArray:
    """Return the descriptors [N, R] or pictures [N, H, W, R] of `count` tasks as a read-only array.

    Named columns are put into the order of the variables. Raises ValueError, with the task and the pixel, if
    shapes disagree, a value is not finite, or pictures are not floating-point numbers from 0 to 1.
    """
    if isinstance(descriptors, list | tuple):
        for task, descriptor in enumerate(descriptors):
            expected, found = np.shape(descriptors[0]), np.shape(descriptor)
            if expected != found:
                text = (
                    f"task {task}: expected a descriptor of shape {expected}, as of task 0, found"
                )
                raise ValueError(f"{text} {found}; make all pictures of one size")
    values = columns_of("descriptors", descriptors, variables)
    if count is None:
        count = len(values) if values.ndim else 0
    _check_descriptor_shape(values.shape, variables, count)
    is_picture = values.ndim == 4
    parts = descriptors if isinstance(descriptors, list | tuple) else [descriptors]
    kinds = {np.asarray(part).dtype for part in parts} if is_picture else set()
    if others := [dtype for dtype in kinds if dtype.kind != "f"]:
        text = "descriptors: expected pictures of floating-point numbers from 0 to 1, found"
        raise ValueError(f"{text} {others[0]}; divide by the largest value there can be")
    values.flags.writeable = False
    wrong = ~((values >= 0.0) & (values <= 1.0)) if is_picture else ~np.isfinite(values)
    if wrong.any():
        task, *pixel, channel = np.argwhere(wrong)[0].tolist()
        place = f"task {task}, pixel {pixel}" if is_picture else f"task {task}"
        advice = "pictures are of numbers from 0 to 1" if is_picture else "leave the task out"
        name, value = variables[channel].name, values[task, *pixel, channel]
        raise ValueError(f"{place}: descriptor '{name}' is {value}; {advice}")
    return values


def _check_descriptor_shape(
    shape: tuple[int, ...], variables: Sequence[Variable], count: int
) -> None:
    """Raise ValueError unless the shape is that of `count` vectors or pictures."""
    if len(shape) == 4 and (shape[0], shape[3]) == (count, len(variables)):
        return
    or_pictures = f", or pictures [{count}, H, W, {len(variables)}]" if len(shape) > 2 else ""
    _check_table("descriptors", shape, "task", count, variables, or_pictures)


def _check_table(
    name: str,
    shape: tuple[int, ...],
    row: Literal["task", "transition"],
    rows: int,
    variables: Sequence[Variable],
    alternative: str = "",
) -> None:
    """Raise ValueError unless the shape has this number of rows, and a column for each variable."""
    columns, names = len(variables), ", ".join(variable.name for variable in variables)
    if shape == (rows, columns):
        return
    if len(shape) == 2 and shape[0] == columns != shape[1]:
        letter = "T" if row == "transition" else "N"
        raise ValueError(
            f"{name}: expected [{letter}, {columns}], one row per {row} and the columns {names}, "
            f"found {list(shape)}; it looks transposed, give its transpose"
        )
    raise ValueError(
        f"{name}: expected {rows} rows (one per {row}) and {columns} columns "
        f"({names}){alternative}, found shape {shape}"
    )


@dataclass(frozen=True, eq=False)
class TaskSet:
    """N tasks with S transitions in all, stored task after task; tasks may differ in length.

    The last axis of each array has one entry for each variable. Named columns, as in a data frame, are put into
    the order of the variables. Raises ValueError if shapes disagree, a task is empty, a value is not a finite
    real number, columns have other names, or a picture is not from 0 to 1.

    Attributes:
        inputs: dynamics inputs [S, Dx]: angles as cosine and sine, other state variables, controls.
        outputs: state differences [S, P].
        lengths: number of transitions of each task [N].
        descriptors: vectors [N, R] or pictures [N, H, W, R]; what the model knows of a task.
        parameters: true parameters of the simulator [N, D], which the model never sees.
        input_variables: names and units of the Dx inputs.
        output_variables: names and units of the P outputs.
        descriptor_variables: names and units of the R descriptors, or of the colour channels.
        parameter_variables: names and units of the D parameters.
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
        lengths = whole_numbers("lengths", self.lengths)
        lengths.flags.writeable = False
        object.__setattr__(self, "lengths", lengths)
        if self.lengths.ndim != 1 or self.lengths.size == 0 or self.lengths.min() < 1:
            raise ValueError(
                f"lengths: expected one positive number of transitions for each of at least one "
                f"task, found {self.lengths.tolist()}"
            )
        for quantity in QUANTITIES:
            values, variables = (
                getattr(self, f"{quantity}s"),
                getattr(self, f"{quantity}_variables"),
            )
            if quantity == "descriptor":
                values = checked_descriptors(values, variables, self.num_tasks)
            else:
                values = columns_of(f"{quantity}s", values, variables)
                values.flags.writeable = False
                self._check(quantity, values, variables)
            object.__setattr__(self, f"{quantity}s", values)
            object.__setattr__(self, f"{quantity}_variables", tuple(variables))

    def _check(self, quantity: str, values: FloatArray, variables: Sequence[Variable]) -> None:
        per_transition = quantity in ("input", "output")
        rows = int(self.lengths.sum()) if per_transition else self.num_tasks
        row_is: Literal["task", "transition"] = "transition" if per_transition else "task"
        _check_table(f"{quantity}s", values.shape, row_is, rows, variables)
        not_finite = np.argwhere(~np.isfinite(values))
        if len(not_finite) > 0:
            row, column = (int(i) for i in not_finite[0])
            raise ValueError(
                f"{self._place(row) if per_transition else f'task {row}'}: {quantity} "
                f"'{variables[column].name}' is {values[row, column]}; leave the task out or "
                f"cut it before this value"
            )

    def _place(self, row: int) -> str:
        """Return task and step of a transition in words, counted from zero."""
        ends = np.cumsum(self.lengths)
        task = int(np.searchsorted(ends, row, side="right"))
        return f"task {task}, step {row - ends[task] + self.lengths[task]}"

    @property
    def num_tasks(self) -> int:
        """The number of tasks N."""
        return len(self.lengths)

    @property
    def has_pictures(self) -> bool:
        """Whether the descriptors are pictures."""
        return self.descriptors.ndim == 4

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
        return self.joined([self, other])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the tasks of all parts in order; there must be at least one part.

        Raises ValueError if variables or shapes of descriptors differ.
        """
        first, *others = parts
        for other in others:
            for quantity in QUANTITIES:
                name = f"{quantity}_variables"
                ours, theirs = getattr(first, name), getattr(other, name)
                if ours != theirs:
                    text = f"{name} are {ours} here, {theirs} there"
                    raise ValueError(f"cannot append tasks: {text}")
            sizes = first.descriptors.shape[1:], other.descriptors.shape[1:]
            if sizes[0] != sizes[1]:
                text = f"descriptors are of shape {sizes[0]} here, {sizes[1]} there"
                raise ValueError(f"cannot append tasks: {text}; make all pictures of one size")
        arrays = (*(f"{quantity}s" for quantity in QUANTITIES), "lengths")
        together = {name: np.concatenate([getattr(it, name) for it in parts]) for name in arrays}
        return dataclasses.replace(first, **together)

    def padded(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return inputs [N, T, Dx], outputs [N, T, P] and a mask [N, T]; the longest task has T transitions.

        The mask is one at transitions; all three arrays are zero after the end of a task.
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
            datasets[f"tasks/{quantity}s"] = getattr(self, f"{quantity}s")
            variables: tuple[Variable, ...] = getattr(self, f"{quantity}_variables")
            datasets |= variables_to_datasets(f"tasks/{quantity}", variables)
        return datasets

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> Self:
        """Return the tasks in datasets that `to_datasets` made; other datasets are ignored."""
        fields: dict[str, Any] = {"lengths": datasets["tasks/lengths"]}
        for quantity in QUANTITIES:
            fields[f"{quantity}s"] = datasets[f"tasks/{quantity}s"]
            variables = variables_from_datasets(f"tasks/{quantity}", datasets)
            fields[f"{quantity}_variables"] = variables
        return cls(**fields)
