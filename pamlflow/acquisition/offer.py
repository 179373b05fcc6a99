"""The tasks that may be chosen: any point of a box, or those left in a pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pamlflow.spaces import Box
from pamlflow.types import BoolArray, FloatArray


class Offer(Protocol):
    """The tasks that may be chosen next, by their descriptors.

    A strategy that takes its candidates from `spread` or `draw` works with boxes, pools and pictures.
    """

    @property
    def box(self) -> Box | None:
        """The box of the descriptors; None for pictures."""

    @property
    def is_open(self) -> bool:
        """Whether every point of the box may be chosen, not only those that `spread` lists."""

    def spread(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return candidates [C, ..., R]: `count` points spread over the box, or all tasks of a pool."""

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Return one descriptor [..., R], drawn uniformly."""

    def contains(self, descriptors: FloatArray) -> BoolArray:
        """Return [C] which of the descriptors [C, ..., R] may be chosen."""


@dataclass(frozen=True)
class BoxOffer:
    """An offer of all points of a box."""

    box: Box
    is_open = True

    def spread(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return `count` points [count, R] of a scrambled Sobol sequence."""
        return self.box.sobol(count, rng)

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Return a point [R], uniform in the box."""
        point: FloatArray = self.box.sample(1, rng)[0]
        return point

    def contains(self, descriptors: FloatArray) -> BoolArray:
        """Return [C] which of the descriptors [C, R] lie in the box."""
        return self.box.contains(descriptors)


@dataclass(frozen=True, eq=False)
class PoolOffer:
    """An offer of the tasks of a pool that have not been run, `left` [C, ..., R].

    Raises ValueError when none is left.
    """

    left: FloatArray
    box: Box | None = None
    is_open = False

    def __post_init__(self) -> None:
        """Check that a task is left."""
        if len(self.left) == 0:
            raise ValueError(
                "every candidate of the pool has been chosen; enlarge `pool` or add fewer tasks"
            )

    def spread(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return all tasks that are left, whatever the `count`."""
        return self.left

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Return one of the tasks left, [..., R], drawn uniformly."""
        task: FloatArray = rng.choice(self.left)
        return task

    def contains(self, descriptors: FloatArray) -> BoolArray:
        """Return [C] which of the descriptors [C, ..., R] belong to a task that is left."""
        return np.array([np.any(self._same(descriptor)) for descriptor in descriptors], dtype=bool)

    def _same(self, descriptor: FloatArray) -> BoolArray:
        axes = tuple(range(1, self.left.ndim))
        same: BoolArray = np.all(self.left == descriptor, axis=axes)
        return same
