"""The choice of the next task of a robot: first the initial design, then the strategy."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pamlflow.acquisition import (
    BoxOffer,
    Offer,
    PoolOffer,
    Selection,
    Situation,
    Strategy,
    log_repeat,
)
from pamlflow.arrays import check_shape
from pamlflow.models.interface import Model
from pamlflow.pool import Pool
from pamlflow.seeding import generator, job_seed
from pamlflow.spaces import Box
from pamlflow.storage.recordings import ROUNDING
from pamlflow.tasks import TaskSet, with_units
from pamlflow.types import BoolArray, FloatArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choices:
    """The rule of choice: the initial tasks `design` [I, R], then `strategy` with the settings `options`.

    With a `pool`, the strategy chooses from it.
    """

    space: Box
    design: FloatArray
    strategy: Strategy
    options: Mapping[str, Any]
    pool: Pool | None
    seed: int

    def due(self, told: FloatArray) -> FloatArray:
        """Return the initial tasks [I - N, R] that are to be run after the tasks told [N, R].

        A told task that is not in the design replaces the first initial task that is left.
        """
        left = self.design[self._untold(self.design, told)]
        number = max(0, len(self.design) - len(told))
        rest: FloatArray = left[len(left) - number :]
        return rest

    def left(self, told: FloatArray) -> FloatArray | None:
        """Return the tasks [C', R] left in the pool after those told [N, R]; None without a pool."""
        if self.pool is None:
            return None
        candidates = self.pool.descriptors
        return candidates[self._untold(candidates, told)]

    def warn_of_what_is_missing(self, told: FloatArray) -> None:
        """Log which of the initial tasks due after those told [N, R] are not in the pool."""
        if (left := self.left(told)) is not None:
            for descriptor in self.due(told):
                if not self._near(left, descriptor).any():
                    text = "tell another task in its place, or give a pool with it"
                    logger.warning("initial task %s is not in `pool`: %s", descriptor, text)

    def select(self, tasks: TaskSet, model: Model) -> Selection:
        """Return the selection of the strategy after `tasks`.

        Raises TypeError or ValueError if a round file cannot store it.
        """
        number = tasks.num_tasks - len(self.design) + 1
        situation = Situation(
            round=number,
            model=model,
            offer=self._offer(tasks.descriptors),
            tasks=tasks,
            rng=generator(job_seed(self.seed, "choice", round=number)),
        )
        selection = self.strategy(situation, self.options)
        if not isinstance(selection, Selection):
            text = "expected a pamlflow.acquisition.Selection from it"
            raise TypeError(f"strategy: {text}, found {selection!r}")
        columns = len(self.space.variables)
        check_shape("strategy: candidates", selection.candidates, ("C", columns))
        if selection.latent is not None and model.latent is not None:
            dimensions = model.latent.mean.shape[1]
            check_shape("strategy: latent.mean", selection.latent.mean, ("C", dimensions))
        log_repeat(selection, situation)
        return selection

    def _offer(self, told: FloatArray) -> Offer:
        """Return the offer after the tasks told [N, R]."""
        left = self.left(told)
        return BoxOffer(self.space) if left is None else PoolOffer(left, self.space)

    def checked(self, descriptor: FloatArray, told: FloatArray) -> FloatArray:
        """Return the descriptor [R] for the robot, after the tasks told [N, R].

        It is clipped to the box within the tolerance of rounding. Raises ValueError if it is outside the box,
        or not left in the pool.
        """
        tolerance = self._tolerance
        low, high = self.space.low - tolerance, self.space.high + tolerance
        if descriptor.shape != low.shape or not np.all((low <= descriptor) & (descriptor <= high)):
            found = str(descriptor)
            if descriptor.shape == low.shape:
                found = with_units(self.space.variables, descriptor)
            bounds = f"from {self.space.low} to {self.space.high}"
            text = f"task {len(told)} should be {found}, which is outside the box {bounds}"
            raise ValueError(f"{text}; let the strategy choose inside it, or tell another task")
        left = self.left(told)
        if left is not None and not self._near(left, descriptor).any():
            raise ValueError(
                f"task {len(told)} should be {descriptor}, which is no row that is left of `pool`: give "
                "one with it, let the strategy choose one of `situation.offer`, or tell another task"
            )
        inside: FloatArray = np.clip(descriptor, self.space.low, self.space.high)
        return inside

    def datasets(self, tasks: TaskSet, previous: Model) -> dict[str, Any]:
        """Return the datasets of the selection of the newest of `tasks`; empty if another task was told.

        Models depend on recordings alone, so an error of the strategy or an empty pool is only logged.
        """
        number = tasks.num_tasks - len(self.design)
        try:
            selection = self.select(tasks.subset(np.arange(tasks.num_tasks - 1)), previous)
        except Exception as error:
            logger.warning("round %d: not known how its task was chosen (%s)", number, error)
            return {}
        asked = np.array_equal(selection.candidates[selection.chosen], tasks.descriptors[-1])
        return selection.to_datasets() if asked else {}

    @property
    def _tolerance(self) -> FloatArray:
        """The tolerance [R] for rounding of a descriptor."""
        tolerance: FloatArray = ROUNDING * self.space.width
        return tolerance

    def _untold(self, rows: FloatArray, told: FloatArray) -> BoolArray:
        """Return [C] which rows are left after the tasks told [N, R]; each task removes one row."""
        left = np.ones(len(rows), dtype=bool)
        for descriptor in told:
            near = left & self._near(rows, descriptor)
            left[np.flatnonzero(near)[:1]] = False
        return left

    def _near(self, rows: FloatArray, descriptor: FloatArray) -> BoolArray:
        """Return [C] which rows [C, R] equal this descriptor, up to rounding."""
        near: BoolArray = np.all(np.abs(rows - descriptor) <= self._tolerance, axis=1)
        return near
