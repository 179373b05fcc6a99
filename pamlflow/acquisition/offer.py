"""What there is to choose from: any point of a box, or the tasks of a pool that are left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pamlflow.spaces import Box
from pamlflow.types import BoolArray, FloatArray


class Offer(Protocol):
    """The descriptors of the tasks that can be run next.

    A strategy that takes its candidates from `spread` or `draw` works with boxes, pools and pictures alike.
    """

    @property
    def box(self) -> Box | None:
        """The box that descriptors lie in; None where they are pictures."""

    @property
    def is_open(self) -> bool:
        """Whether every point of the box can be asked for, and not only what `spread` lists."""

    def spread(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return candidates [C, ..., R] all over the offer: `count` points, or every task of a pool."""

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Return one descriptor [..., R], each with the same probability."""

    def contains(self, descriptors: FloatArray) -> BoolArray:
        """Say which of the descriptors [C, ..., R] can be asked for: [C]."""


@dataclass(frozen=True)
class BoxOffer:
    """Any point of a box."""

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
        """Say which of the descriptors [C, R] lie in the box."""
        return self.box.contains(descriptors)


@dataclass(frozen=True, eq=False)
class PoolOffer:
    """The tasks [C, ..., R] of a pool that have not been run.

    Raises ValueError when none is left.
    """

    left: FloatArray
    box: Box | None = None
    is_open = False

    def __post_init__(self) -> None:
        """Refuse to choose from nothing."""
        if len(self.left) == 0:
            raise ValueError(
                "every candidate of the pool has been chosen; enlarge `pool` or add fewer tasks"
            )

    def spread(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return all tasks that are left, whatever the `count`."""
        return self.left

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """Return one of the tasks that are left, [..., R]."""
        task: FloatArray = rng.choice(self.left)
        return task

    def contains(self, descriptors: FloatArray) -> BoolArray:
        """Say which of the descriptors [C, ..., R] are those of a task that is left."""
        return np.array([np.any(self._same(descriptor)) for descriptor in descriptors], dtype=bool)

    def _same(self, descriptor: FloatArray) -> BoolArray:
        axes = tuple(range(1, self.left.ndim))
        same: BoolArray = np.all(self.left == descriptor, axis=axes)
        return same
