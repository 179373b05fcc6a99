"""Checks of tasks before a fit: values that spoil it, and its cost.

A fit standardises all values. A transition that is a million times too large dominates the standard deviation,
and all others become nearly zero. Real data may have such transitions, for example a hard stop in free motion,
so they are a warning; values that cannot be squared are an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pamlflow.tasks import TaskSet, Variable
from pamlflow.types import BoolArray, FloatArray
from pamlflow.units import ROUNDING, unit_of

LARGEST = 1e140
"""Largest value; squares of larger values, or sums of squares, overflow."""
SMALLEST_UNIT = 1e-140
"""Smallest unit; squares of smaller ones, times a noise variance, underflow."""
USUAL_SHARE = 0.9
OUTLYING = 20.0
"""Distance of an outlier from the median, over that of USUAL_SHARE of the values; built-in systems reach 8."""
FEWEST_TRANSITIONS = 10  # with fewer, one value says nothing about the others
LARGE = 3_500_000
"""Padded transitions times inducing points above which a fit or an inference takes minutes."""
SPEED = 1e9
"""Padded transitions times squared inducing points per second and core in an iteration."""
ARRAYS = 10
"""Number of arrays of padded transitions times inducing points in the memory of a fit."""


class Outlier(NamedTuple):
    """The most distant transition in one variable, and the number of further outliers."""

    task: int
    step: int
    quantity: str  # "input" or "output"
    variable: Variable
    value: float
    median: float
    usual: float  # distance from the median within which nine tenths of the values lie
    others: int

    def __str__(self) -> str:
        """Return the warning, with what can be done."""
        unit = self.variable.unit
        more = f", and {self.others} more like it" if self.others else ""
        return (
            f"task {self.task}, step {self.step}: {self.quantity} '{self.variable.name}' is "
            f"{self.value:.4g} {unit}{more}, where nine tenths of the values lie within {self.usual:.2g} "
            f"{unit} of {self.median:.4g}; a single such value can spoil all predictions: if it is an error "
            "of the recording, leave it out; if it is real, transform the variable to a smaller range"
        )


def require_computable(tasks: TaskSet) -> None:
    """Raise ValueError if the square of a value overflows, or that of a unit underflows."""
    descriptors = ("descriptor", tasks.descriptors, tasks.descriptor_variables)
    for quantity, values, variables in (*_transitions(tasks), descriptors):
        wide = np.argwhere(np.abs(values) > LARGEST)
        if len(wide):
            row, *_, column = wide[0].tolist()
            place = _place(tasks, row) if quantity != "descriptor" else f"task {row}"
            value, variable = values[tuple(wide[0])], variables[column]
            raise ValueError(
                f"{place}: {quantity} '{variable.name}' is {value:.4g} {variable.unit}, expected numbers up "
                f"to {LARGEST:.0e}, which can be squared; leave the transition out, or give another unit"
            )
        for unit, variable in zip(unit_of(values), variables, strict=True):
            if unit < SMALLEST_UNIT:
                raise ValueError(
                    f"{quantity} '{variable.name}': values are of the order of {unit:.1e} {variable.unit}, "
                    f"expected at least {SMALLEST_UNIT:.0e}, which can be squared; give another unit"
                )


def require_variation(tasks: TaskSet) -> None:
    """Raise ValueError if no output ever changes, as when the robot stands still or there is one transition."""
    if not any(_varying(tasks.outputs)):
        number = len(tasks.outputs)
        raise ValueError(
            f"outputs: expected some that differ between transitions, found {number} transition"
            f"{'s' * (number > 1)} in {tasks.num_tasks} task{'s' * (tasks.num_tasks > 1)} that are all alike, "
            "from which nothing can be learned; record longer tasks, in which something moves"
        )


def find_outliers(tasks: TaskSet, first_task: int = 0) -> list[Outlier]:
    """Return the largest outlier of each variable among the tasks from `first_task` on.

    An outlier is much farther from the median than nine tenths of the values that differ from the median. A
    mostly constant variable, such as a contact force, is therefore judged by its other values.
    """
    found: list[Outlier] = []
    begin = int(tasks.lengths[:first_task].sum())
    if len(tasks.inputs) < FEWEST_TRANSITIONS:
        return found
    for quantity, values, variables in _transitions(tasks):
        for column, variable in zip(values.T, variables, strict=True):
            median = float(np.median(column))
            distance = np.abs(column - median)
            alike = distance <= ROUNDING * abs(median)
            # The largest distance is excluded: a single different value has nothing to compare with.
            others = np.sort(distance[~alike])[:-1]
            usual = float(others[int(USUAL_SHARE * len(others))]) if len(others) else 0.0
            far = ~alike & (distance > OUTLYING * usual)
            newest = np.flatnonzero(far[begin:]) + begin
            if len(newest):
                row = int(newest[np.argmax(distance[newest])])
                task, step = _task_and_step(tasks, row)
                place, value = (task, step, quantity, variable), float(column[row])
                found.append(Outlier(*place, value, median, usual, len(newest) - 1))
    return found


def remarks(tasks: TaskSet, inducing_points: int, first_task: int = 0) -> list[str]:
    """Return warnings of what may spoil a fit or make it long, for the tasks from `first_task` on."""
    found = [] if first_task else constants(tasks)
    remedy = "the effect of other values cannot be learned; leave it out"
    fixed = [f"{quantity} '{variable.name}' {text}: {remedy}" for quantity, variable, text in found]
    outliers = [str(outlier) for outlier in find_outliers(tasks, first_task)]
    return [*fixed, *outliers, *_cost(tasks, inducing_points)]


def constants(tasks: TaskSet) -> Iterator[tuple[str, Variable, str]]:
    """Yield for each input or output that is constant what it is: its kind, its variable and its value."""
    for quantity, values, variables in _transitions(tasks):
        for column, varies, variable in zip(values.T, _varying(values), variables, strict=True):
            if len(column) >= FEWEST_TRANSITIONS and not varies:
                yield quantity, variable, f"is {column[0]:.4g} {variable.unit} in all transitions"


def _cost(tasks: TaskSet, inducing_points: int) -> Iterator[str]:
    """Yield a warning if a fit will take long, with what makes it shorter."""
    recorded, longest = int(tasks.lengths.sum()), int(tasks.lengths.max())
    padded, points = tasks.num_tasks * longest, min(inducing_points, recorded)
    if padded * points <= LARGE:
        return
    seconds, gigabytes = padded * points**2 / SPEED, ARRAYS * padded * points * 8 / 2**30
    unequal = f" ({recorded} recorded; all tasks are filled up to the longest)" * (
        recorded < padded
    )
    yield (
        f"{padded} transitions{unequal} and {points} inducing points: an iteration takes about "
        f"{seconds:.2g} s on one core, and the fit {gigabytes:.2g} GiB; keep every n-th transition of long "
        f"tasks (task {int(np.argmax(tasks.lengths))} has {longest}), or lower model.inducing_points"
    )


def cost_of_inference(transitions: int, inducing_points: int) -> str | None:
    """Return a warning if the search for q(h*) of a task will take long; None otherwise."""
    if transitions * inducing_points <= LARGE:
        return None
    return (
        f"q(h*) of a task is searched for in {transitions} transitions with {inducing_points} inducing points, "
        "which may take minutes; every n-th transition is almost as informative"
    )


def _varying(values: FloatArray) -> BoolArray:
    """Return [D] which columns of values [S, D] vary by more than rounding."""
    varying: BoolArray = np.ptp(values, axis=0) > ROUNDING * np.abs(values).max(axis=0)
    return varying


def _transitions(tasks: TaskSet) -> Iterator[tuple[str, FloatArray, tuple[Variable, ...]]]:
    """Yield name, values [S, D] and variables of inputs and outputs."""
    yield "input", tasks.inputs, tasks.input_variables
    yield "output", tasks.outputs, tasks.output_variables


def _task_and_step(tasks: TaskSet, row: int) -> tuple[int, int]:
    """Return task and step of a transition, counted from zero."""
    ends = np.cumsum(tasks.lengths)
    task = int(np.searchsorted(ends, row, side="right"))
    return task, int(row - ends[task] + tasks.lengths[task])


def _place(tasks: TaskSet, row: int) -> str:
    task, step = _task_and_step(tasks, row)
    return f"task {task}, step {step}"
