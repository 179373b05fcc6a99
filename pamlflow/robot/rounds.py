"""The models of a learner: round files are a cache, and can be made again from the recordings."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.models.interface import Model, Trainer
from pamlflow.rounds import train_round
from pamlflow.seeding import generator, job_seed
from pamlflow.storage import recordings, store
from pamlflow.tasks import TaskSet
from pamlflow.versions import TRAINING_VERSION

logger = logging.getLogger(__name__)

Choice = Callable[[TaskSet, Model], dict[str, Any]]
"""Returns the datasets of the selection of the newest task, given the model of those before."""


class Rounds:
    """The models of the first `initial` tasks (`round_00.h5`), of one more task (`round_01.h5`), and so on."""

    def __init__(
        self,
        folder: Path,
        initial: int,
        trainer: Trainer,
        seed: int,
        choice: Choice,
    ) -> None:
        """Keep the settings of all rounds; nothing is read or trained yet."""
        self._folder = folder
        self._initial = initial
        self._trainer = trainer
        self._seed = seed
        self._choice = choice
        self._config = {
            **trainer.to_config(),
            "version": TRAINING_VERSION,
        }

    def model(self, tasks: TaskSet) -> Model:
        """Return the model of all `tasks`, from its file or trained from the latest valid round."""
        last = number = tasks.num_tasks - self._initial
        trained = self._cached(last, tasks)
        while trained is None and number > 0:
            number -= 1
            trained = self._cached(number, tasks)
        if trained is None:
            trained = self._fit(0, tasks, None)
        while number < last:
            number += 1
            trained = self._fit(number, tasks, trained)
        return trained

    def _fit(self, number: int, tasks: TaskSet, previous: Model | None) -> Model:
        """Train round `number` from the model of the round before, and write its file."""
        seen = self._seen(number, tasks)
        return train_round(
            self._path(number),
            number,
            seen,
            previous,
            self._trainer,
            generator(job_seed(self._seed, "round", round=number)),
            choice={} if previous is None else self._choice(seen, previous),
            seed=self._seed,
            config=self._config,
            parents=recordings.paths(self._folder)[: seen.num_tasks],
        )

    def _cached(self, number: int, tasks: TaskSet) -> Model | None:
        """Return the model in a round file; None unless it was made from these tasks with these settings."""
        path = self._path(number)
        if not path.exists():
            return None
        try:
            record = store.read(path, "round")
        except store.StoreError as error:
            logger.warning("%s: %s; it is made again", path, error.problem)
            return None
        seen = self._seen(number, tasks).to_datasets()
        same = all(np.array_equal(record.datasets[name], seen[name]) for name in seen)
        if not same or (record.seed, record.config) != (self._seed, self._config):
            text = "made with other settings or recordings, or by another pamlflow"
            logger.warning("%s: %s; it is made again", path, text)
            return None
        return self._trainer.kind.load(record.datasets)

    def _seen(self, number: int, tasks: TaskSet) -> TaskSet:
        """Return the tasks of round `number`."""
        return tasks.subset(np.arange(self._initial + number))

    def _path(self, number: int) -> Path:
        return self._folder / f"round_{number:02d}.h5"
