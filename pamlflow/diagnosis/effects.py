"""Which parameters change what a task shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pamlflow.domains.base import SimulationError, Transitions
from pamlflow.spaces import Box
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray


def effects(
    run: Callable[[FloatArray], Transitions], box: Box, bases: FloatArray | None = None
) -> FloatArray:
    """Return by how much each parameter changes the transitions [D], from one end of its range to the other.

    It is the root mean square of the change of the input or output that changes most, relative to the
    standard deviation that this has otherwise; zero if all numbers are the same, NaN if no such task can be
    run. The other parameters are those of `bases` [B, D], by default of the middle of the box.
    """
    bases = (box.low + box.high)[None] / 2.0 if bases is None else bases
    found = np.full(len(box.variables), np.nan)
    for base in bases:
        for index in range(len(found)):
            ends = np.stack([base, base])
            ends[:, index] = box.low[index], box.high[index]
            ends.flags.writeable = False
            try:
                size = _difference(run(ends[0]), run(ends[1]))
            except SimulationError:
                continue
            found[index] = np.fmax(found[index], size)
    return found


def without_effect(variables: Sequence[Variable], sizes: FloatArray) -> tuple[str, ...]:
    """Return the names of the variables that change nothing at all."""
    return tuple(it.name for it, size in zip(variables, sizes, strict=True) if size == 0.0)


def _difference(one: Transitions, other: Transitions) -> float:
    """The largest relative difference of a column of two runs, which are equally long."""
    largest = 0.0
    for left, right in zip(one, other, strict=True):
        first, second = np.asarray(left), np.asarray(right)
        if np.array_equal(first, second):
            continue
        both = np.stack([first, second])
        largest_value = np.abs(both).max(axis=(0, 1))
        both = both / np.where(largest_value > 0.0, largest_value, 1.0)  # or squares may overflow
        size = np.sqrt(np.mean(np.square(both[0] - both[1]), axis=0))
        spread = both.std(axis=(0, 1))
        relative = size / np.where(spread > 0.0, spread, 1.0)
        largest = max(largest, float(relative.max()), float(np.finfo(np.float64).tiny))
    return largest
