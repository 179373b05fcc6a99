"""Learning a robot: ask which task to run next, tell what was recorded; a folder keeps all of it.

The workflow compares strategies on simulators.  Here every task costs robot time: a recording is on the disk
before anything is learned from it, and models are files that can be made again from the recordings.
"""

from __future__ import annotations

import dataclasses
import io
import logging
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pamlflow import files, store
from pamlflow.acquisition import STRATEGIES, Selection, Situation, Strategy
from pamlflow.models.trained import TrainedModel
from pamlflow.models.training import train_from_previous, train_from_scratch
from pamlflow.rounds import write_round
from pamlflow.seeding import generator, job_seed
from pamlflow.settings import AcquisitionSettings, ModelSettings, TrainingSettings
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet, Variable
from pamlflow.types import FloatArray

RECORDING = re.compile(r"task_(\d\d+)\.npz")

logger = logging.getLogger(__name__)


class RecordingError(ValueError):
    """A recording in the folder cannot be used; the message names file, problem and remedy."""


class _Recording(NamedTuple):
    """One task that the robot ran."""

    descriptor: FloatArray  # [R]
    inputs: FloatArray  # [T, Dx]
    outputs: FloatArray  # [T, P]


class Learner:
    """Chooses the tasks of a robot, one after another, and learns from what their runs recorded.

    `folder` gets `task_00.npz`, `task_01.npz`, ..., one recording each (arrays `descriptor`, `inputs`,
    `outputs`), and `round_00.h5`, `round_01.h5`, ..., the model of the initial tasks and of each one more, as
    in a study (data/README.md).  A learner of a folder that exists goes on where the last one ended.  Round
    files are a cache: one that was made with other settings, or from other recordings, is made again.

    `space` is the box of descriptors, with their names and units.  Inputs [T, Dx] of a recording are state
    and control before each step, angles as cosine and sine, and outputs [T, P] the change of the state.  The
    first `initial_tasks` are a Latin hypercube of the box, `strategy` chooses the others.  With the same
    arguments and recordings a learner asks for the same tasks.
    """

    def __init__(
        self,
        folder: str | Path,
        space: Box,
        input_variables: Sequence[Variable],
        output_variables: Sequence[Variable],
        *,
        initial_tasks: int = 4,
        strategy: Strategy = STRATEGIES["paml"],
        model: ModelSettings | None = None,
        training: TrainingSettings | None = None,
        acquisition: AcquisitionSettings | None = None,
        seed: int = 0,
    ) -> None:
        if initial_tasks < 1:
            raise ValueError(
                f"initial_tasks: expected a number of at least 1, found {initial_tasks}"
            )
        self._folder = Path(folder)
        self._space = space
        self._variables = (tuple(input_variables), tuple(output_variables))
        self._strategy = strategy
        self._model_settings = model or ModelSettings()
        self._training = training or TrainingSettings()
        self._acquisition = acquisition or AcquisitionSettings()
        self._seed = seed
        self._design = space.latin_hypercube(initial_tasks, self._rng("initial tasks"))
        store.require_writable(self._folder)
        self._tasks = [self._read(path) for path in self._recordings()]

    @property
    def num_tasks(self) -> int:
        """The number of tasks that were recorded."""
        return len(self._tasks)

    @property
    def tasks(self) -> TaskSet:
        """All recorded tasks, in order; raises ValueError when there is none."""
        if not self._tasks:
            raise ValueError(
                f"{self._folder}: no task was recorded yet; run one and tell the learner"
            )
        first, *others = self._tasks
        for other in others:
            first = first.append(other)
        return first

    def ask(self) -> FloatArray:
        """The descriptor [R] of the task to run next; the same until one is told."""
        if self.num_tasks < len(self._design):
            descriptor: FloatArray = self._design[self.num_tasks].copy()
            return descriptor
        selection = self._select(self.tasks, self.model())
        chosen: FloatArray = selection.candidates[selection.chosen].copy()
        return chosen

    def tell(self, descriptor: FloatArray, inputs: FloatArray, outputs: FloatArray) -> None:
        """Keep what one task recorded: inputs [T, Dx] and outputs [T, P]; it may be another than asked for.

        It is on the disk when this returns, and nothing is trained yet: `ask` and `model` do that.  Raises
        ValueError, and keeps nothing, when a shape is wrong or a value is not finite.
        """
        recording = _Recording(
            *(np.asarray(values, dtype=np.float64) for values in (descriptor, inputs, outputs))
        )
        task = self._task(recording)
        content = io.BytesIO()
        np.savez(content, **recording._asdict())
        files.replace(self._folder / f"task_{self.num_tasks:02d}.npz", content.getvalue())
        self._tasks.append(task)

    def model(self) -> TrainedModel:
        """The model of all tasks that were recorded, trained if its round file is not there yet.

        Raises ValueError before the initial tasks are recorded.
        """
        number = self.num_tasks - len(self._design)
        if number < 0:
            raise ValueError(
                f"{self._folder}: {self.num_tasks} of {len(self._design)} initial tasks were recorded; "
                "a model needs all of them: run what `ask` says, then `tell`"
            )
        if (trained := self._cached(number)) is not None:
            return trained
        tasks = self.tasks
        rng, title = self._rng("round", number), f"round {number} fit"
        previous = self._cached(number - 1) if number else None
        choice: dict[str, Any] = {}
        if previous is None:
            trained, record = train_from_scratch(
                tasks, self._model_settings, self._training, rng, title=title
            )
        else:
            trained, record = train_from_previous(
                tasks, self._model_settings, self._training, previous, rng, title=title
            )
            selection = self._select(tasks.subset(np.arange(self.num_tasks - 1)), previous)
            if np.array_equal(selection.candidates[selection.chosen], tasks.descriptors[-1]):
                choice = selection.to_datasets()
        write_round(
            self._round(number),
            number,
            tasks,
            trained,
            record,
            choice,
            seed=self._seed,
            config=self._config,
            parents=self._recordings(),
        )
        return trained

    @property
    def _config(self) -> dict[str, Any]:
        """What a round file was made with, besides the recordings."""
        return {
            "model": dataclasses.asdict(self._model_settings),
            "training": dataclasses.asdict(self._training),
        }

    def _rng(self, purpose: str, number: int | None = None) -> np.random.Generator:
        return generator(job_seed(self._seed, purpose, round=number))

    def _round(self, number: int) -> Path:
        return self._folder / f"round_{number:02d}.h5"

    def _select(self, tasks: TaskSet, model: TrainedModel) -> Selection:
        """What the strategy says after `tasks`."""
        number = tasks.num_tasks - len(self._design) + 1
        situation = Situation(
            round=number,
            model=model,
            space=self._space,
            chosen=tasks.descriptors,
            design=None,
            settings=self._acquisition,
            rng=self._rng("choice", number),
        )
        return self._strategy(situation)

    def _cached(self, number: int) -> TrainedModel | None:
        """The model of a round file, if it was made from these recordings with these settings."""
        path = self._round(number)
        if not path.exists():
            return None
        try:
            record = store.read(path, "round")
        except store.StoreError as error:
            logger.warning("%s: %s; it is made again", path, error.problem)
            return None
        used = self._recordings()[: len(self._design) + number]
        parents = {it.name: files.sha256(it.read_bytes()) for it in used}
        made_of = (record.seed, record.config, record.parents)
        if made_of != (self._seed, self._config, parents):
            logger.info("%s: made with other settings or recordings; it is made again", path)
            return None
        return TrainedModel.from_datasets(record.datasets)

    def _recordings(self) -> list[Path]:
        """The recordings of the folder in order; raises RecordingError when one is missing."""
        found = {
            int(match[1]): path
            for path in self._folder.iterdir()
            if (match := RECORDING.fullmatch(path.name))
        }
        for number in range(len(found)):
            if number not in found:
                missing = self._folder / f"task_{number:02d}.npz"
                raise RecordingError(
                    f"{missing}: missing, although later recordings exist; put it back, or rename these so "
                    "that they are numbered without a gap"
                )
        return [found[number] for number in sorted(found)]

    def _read(self, path: Path) -> TaskSet:
        """A recording as a task."""
        remedy = "restore it from a copy, or remove it and renumber those after it"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                recording = _Recording(*(arrays[name] for name in _Recording._fields))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise RecordingError(f"{path}: not a recording ({error}); {remedy}") from error
        try:
            return self._task(recording)
        except ValueError as error:
            raise RecordingError(
                f"{path}: {error}. Is this the folder of another robot, or of other variables?"
            ) from error

    def _task(self, recording: _Recording) -> TaskSet:
        """One task; its truth, which a simulator would know, is the descriptor again."""
        inputs, outputs = self._variables
        descriptor, steps = recording.descriptor[None], len(np.atleast_1d(recording.inputs))
        return TaskSet(
            recording.inputs,
            recording.outputs,
            lengths=np.array([steps]),
            descriptors=descriptor,
            parameters=descriptor,
            input_variables=inputs,
            output_variables=outputs,
            descriptor_variables=self._space.variables,
            parameter_variables=self._space.variables,
        )
