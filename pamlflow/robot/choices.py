"""Which task a robot runs next: the initial design, then the strategy; nothing else reaches the robot."""

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
    """What chooses: `design` [I, R] the initial tasks, then `strategy`, from `pool` if there is one.

    `options` are the strategy's own settings.
    """

    space: Box
    design: FloatArray
    strategy: Strategy
    options: Mapping[str, Any]
    pool: Pool | None
    seed: int

    def due(self, told: FloatArray) -> FloatArray:
        """The initial tasks [I - N, R] that are to be run after those told [N, R].

        A task that is told and not in the design stands in for the first of those that are left.
        """
        left = self.design[self._untold(self.design, told)]
        number = max(0, len(self.design) - len(told))
        rest: FloatArray = left[len(left) - number :]
        return rest

    def left(self, told: FloatArray) -> FloatArray | None:
        """What is left [C', R] of the pool after the tasks told [N, R], up to a rounding of them."""
        if self.pool is None:
            return None
        candidates = self.pool.descriptors
        return candidates[self._untold(candidates, told)]

    def warn_of_what_is_missing(self, told: FloatArray) -> None:
        """Say early which initial tasks are due after those told [N, R], and not in the pool."""
        if (left := self.left(told)) is not None:
            for descriptor in self.due(told):
                if not self._near(left, descriptor).any():
                    text = "tell another task in its place, or give a pool with it"
                    logger.warning("initial task %s is not in `pool`: %s", descriptor, text)

    def select(self, tasks: TaskSet, model: Model) -> Selection:
        """What the strategy says after `tasks`; TypeError or ValueError where no round could keep it."""
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
        """What can be asked for after the tasks told [N, R]."""
        left = self.left(told)
        return BoxOffer(self.space) if left is None else PoolOffer(left, self.space)

    def checked(self, descriptor: FloatArray, told: FloatArray) -> FloatArray:
        """A copy of the descriptor [R] that goes to the robot, after the tasks told [N, R].

        Raises ValueError unless it is inside the box, up to a rounding that is taken back, and in the pool.
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
        """The datasets of the selection that asked for the newest of `tasks`; none if another was told.

        Models depend on recordings alone: a strategy that fails now, or a pool that is used up, ends no fit.
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
        """How far [R] a rounding may move a descriptor."""
        tolerance: FloatArray = ROUNDING * self.space.width
        return tolerance

    def _untold(self, rows: FloatArray, told: FloatArray) -> BoolArray:
        """Which rows [C] none of the tasks told [N, R] is; each takes one row out, up to a rounding."""
        left = np.ones(len(rows), dtype=bool)
        for descriptor in told:
            near = left & self._near(rows, descriptor)
            left[np.flatnonzero(near)[:1]] = False
        return left

    def _near(self, rows: FloatArray, descriptor: FloatArray) -> BoolArray:
        """Which rows [C, R] are this descriptor, up to a rounding of it."""
        near: BoolArray = np.all(np.abs(rows - descriptor) <= self._tolerance, axis=1)
        return near
