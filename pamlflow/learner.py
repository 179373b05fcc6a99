"""Learning a robot: ask which task to run next, tell what was recorded; a folder keeps all of it.

The workflow compares strategies on simulators.  Here every task costs robot time: a recording is on the disk
before anything is learned from it, and models are files that can be made again from the recordings.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import logging
import shutil
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pamlflow import TRAINING_VERSION
from pamlflow.acquisition import STRATEGIES, Selection, Situation, Strategy
from pamlflow.models.trained import TrainedModel
from pamlflow.models.training import train_from_previous, train_from_scratch
from pamlflow.rounds import checkpoint_folder, write_round
from pamlflow.seeding import generator, job_seed
from pamlflow.settings import AcquisitionSettings, ModelSettings, TrainingSettings
from pamlflow.spaces import Box
from pamlflow.storage import files, store
from pamlflow.storage.remedies import LEARNER
from pamlflow.tasks import TaskSet, Variable
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)


class RecordingError(ValueError):
    """A recording cannot be used, or kept; the message names it, the problem and a remedy."""


class _Recording(NamedTuple):
    """What one run of the robot recorded."""

    descriptor: FloatArray  # [R]
    inputs: FloatArray  # [T, Dx]
    outputs: FloatArray  # [T, P]


class Learner:
    """Chooses the tasks of a robot, one after another, and learns from what their runs recorded.

    `space` is the box of descriptors, with their names and units.  Inputs [T, Dx] of a recording are state
    and control before each step, angles as cosine and sine, and outputs [T, P] the change of the state.  The
    first `initial_tasks` are a Latin hypercube of the box, `strategy` chooses the others.

    `folder` gets `learner.json`, what the folder is about; `task_00.npz`, `task_01.npz`, ..., one recording
    each; and `round_00.h5`, `round_01.h5`, ..., the model of the initial tasks and of each one more, as in a
    study (data/README.md).  A learner of a folder that exists goes on where the last one ended; one learner at
    a time.  Round files are a cache: those that were made with other settings, from other recordings, or by a
    version of pamlflow that trains differently, are made again.  With the same arguments and recordings, on one
    machine, a learner asks for the same tasks.

    Raises ValueError where the folder is about something else, and RecordingError where a recording is
    missing or damaged.
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
            raise ValueError(f"initial_tasks: expected at least 1, found {initial_tasks}")
        if strategy is STRATEGIES["latin_hypercube"]:
            text = "latin_hypercube: a learner has no design but that of its initial tasks"
            raise ValueError(f"{text}; raise `initial_tasks` instead")
        self._folder = Path(folder).absolute()  # wherever the process goes
        self._space = space
        self._variables = (tuple(input_variables), tuple(output_variables))
        self._strategy = strategy
        self._model_settings = model or ModelSettings()
        self._training = training or TrainingSettings()
        self._acquisition = acquisition or AcquisitionSettings()
        self._seed = seed
        self._config = {
            "model": dataclasses.asdict(self._model_settings),
            "training": dataclasses.asdict(self._training),
            "version": TRAINING_VERSION,
        }
        json.dumps(self._config)  # what a file cannot hold is met now, and not after a fit
        store.require_writable(self._folder)
        self._design = self._begin(initial_tasks)
        self._tasks = [self._read(path, number) for number, path in enumerate(self._recordings())]
        logger.info("%s: %d tasks recorded", self._folder, self.num_tasks)

    @property
    def num_tasks(self) -> int:
        """The number of tasks that were recorded."""
        return len(self._tasks)

    @property
    def tasks(self) -> TaskSet:
        """All recorded tasks, in order; raises ValueError when there is none."""
        if not self._tasks:
            raise ValueError(f"{self._folder}: no task was recorded yet; run one and `tell` it")
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
        RecordingError when something is no number, a shape is wrong, a value is not finite, or another learner
        has written this task; what was told is then kept aside, in a file that the message names.
        """
        told = {"descriptor": descriptor, "inputs": inputs, "outputs": outputs}
        path = self._path(self.num_tasks)
        try:
            if path.exists():
                text = f"{path}: written by somebody else since this learner was made"
                raise RecordingError(f"{text}; make a new one of the folder, and tell it this task")
            recording = self._as_recording(told)
            task = self._task(recording, self.num_tasks)
        except RecordingError as error:
            aside = self._keep_aside(told)
            raise RecordingError(f"{error}. It is kept in {aside}") from error
        if not self._space.contains(task.descriptors).all():
            logger.warning("task %d: %s is outside the box", self.num_tasks, task.descriptors[0])
        _save(path, recording._asdict())
        self._tasks.append(task)

    def model(self) -> TrainedModel:
        """The model of all tasks that were recorded; rounds without a file that fits are trained.

        Raises ValueError before the initial tasks are recorded.
        """
        last = self.num_tasks - len(self._design)
        if last < 0:
            raise ValueError(
                f"{self._folder}: {self.num_tasks} of {len(self._design)} initial tasks were recorded, and a "
                "model needs all of them: run what `ask` says, then `tell`"
            )
        number, trained = last, self._cached(last)
        while trained is None and number > 0:
            number -= 1
            trained = self._cached(number)
        if trained is None:
            trained = self._fit(0, None)
        while number < last:
            number += 1
            trained = self._fit(number, trained)
        return trained

    def _begin(self, initial_tasks: int) -> FloatArray:
        """The descriptors [I, R] of the initial tasks, drawn when the folder was new."""
        path = self._folder / LEARNER
        about: dict[str, Any] = {
            "initial_tasks": initial_tasks,
            "seed": self._seed,
            "space": {
                variable.name: [low, high, variable.unit]
                for variable, low, high in zip(
                    self._space.variables,
                    self._space.low.tolist(),
                    self._space.high.tolist(),
                    strict=True,
                )
            },
            "inputs": [[variable.name, variable.unit] for variable in self._variables[0]],
            "outputs": [[variable.name, variable.unit] for variable in self._variables[1]],
        }
        if not path.exists():
            drawn = self._space.latin_hypercube(initial_tasks, self._rng("initial tasks"))
            text = json.dumps({**about, "design": drawn.tolist()}, indent=2)
            files.replace(path, text.encode())
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            design: FloatArray = np.array(found["design"])
        except (OSError, ValueError, KeyError) as error:
            text = f"{path}: not what a learner writes ({error})"
            raise ValueError(f"{text}; restore it from a copy") from error
        for name, value in about.items():
            # The order of the variables of the box counts, and mappings do not compare it.
            was, now = json.dumps(found.get(name)), json.dumps(value)
            if was != now:
                raise ValueError(
                    f"{path}: `{name}` was {was} when the folder was begun, and is {now} now; give "
                    "what it was, or another folder"
                )
        return design

    def _fit(self, number: int, previous: TrainedModel | None) -> TrainedModel:
        """Train round `number` from the model of the round before, and write its file."""
        tasks = self._first(number)
        rng, title = self._rng("round", number), f"round {number} fit"
        path, parents = self._round(number), self._recordings()[: tasks.num_tasks]
        checkpoints = checkpoint_folder(path, self._seed, self._config, parents)
        choice: dict[str, Any] = {}
        if previous is None:
            trained, record = train_from_scratch(
                tasks, self._model_settings, self._training, rng, checkpoints, title
            )
        else:
            selection = self._select(self._first(number - 1), previous)
            if np.array_equal(selection.candidates[selection.chosen], tasks.descriptors[-1]):
                choice = selection.to_datasets()
            trained, record = train_from_previous(
                tasks, self._model_settings, self._training, previous, rng, checkpoints, title
            )
        write_round(
            path,
            number,
            tasks,
            trained,
            record,
            choice,
            seed=self._seed,
            config=self._config,
            parents=parents,
        )
        shutil.rmtree(checkpoints, ignore_errors=True)
        return trained

    def _cached(self, number: int) -> TrainedModel | None:
        """The model of a round file, if it was made from these tasks with these settings."""
        path = self._round(number)
        if not path.exists():
            return None
        try:
            record = store.read(path, "round")
        except store.StoreError as error:
            logger.warning("%s: %s; it is made again", path, error.problem)
            return None
        tasks = self._first(number).to_datasets()
        same = all(np.array_equal(record.datasets[name], tasks[name]) for name in tasks)
        if not same or (record.seed, record.config) != (self._seed, self._config):
            text = "made with other settings or recordings, or by another pamlflow"
            logger.warning("%s: %s; it is made again", path, text)
            return None
        return TrainedModel.from_datasets(record.datasets)

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

    def _first(self, number: int) -> TaskSet:
        """The tasks of round `number`."""
        return self.tasks.subset(np.arange(len(self._design) + number))

    def _rng(self, purpose: str, number: int | None = None) -> np.random.Generator:
        return generator(job_seed(self._seed, purpose, round=number))

    def _round(self, number: int) -> Path:
        return self._folder / f"round_{number:02d}.h5"

    def _path(self, number: int) -> Path:
        return self._folder / f"task_{number:02d}.npz"

    def _recordings(self) -> list[Path]:
        """The recordings of the folder in order; raises RecordingError when the numbers have a gap."""
        found = set(self._folder.glob("task_*.npz"))
        expected = [self._path(number) for number in range(len(found))]
        if missing := [path for path in expected if path not in found]:
            others = ", ".join(sorted(path.name for path in found - set(expected)))
            text = f"{missing[0]}: missing, while there is {others}"
            raise RecordingError(f"{text}; put it back, or number the others without a gap")
        return expected

    def _read(self, path: Path, number: int) -> TaskSet:
        """A recording as a task."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RecordingError(
                f"{path}: cannot be read ({error.strerror}); see to the disk"
            ) from error
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                recording = _Recording(*(arrays[name] for name in _Recording._fields))
        except (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise RecordingError(
                f"{path}: not a recording, or damaged ({error}); restore it from a copy, or move it away and "
                "renumber those after it"
            ) from error
        return self._task(recording, number)

    def _as_recording(self, told: Mapping[str, Any]) -> _Recording:
        """What was told, as arrays of numbers."""
        arrays = {}
        for name, values in told.items():
            try:
                arrays[name] = np.asarray(values, dtype=np.float64)
            except (TypeError, ValueError) as error:
                text = f"task {self.num_tasks}: {name}: expected an array of numbers"
                raise RecordingError(f"{text}, found something else ({error})") from error
        return _Recording(**arrays)

    def _keep_aside(self, told: Mapping[str, Any]) -> Path:
        """Write what was told, whatever it is, to a file that does not exist yet; returns its path."""
        numbers = itertools.count()
        paths = (self._folder / f"refused_{number:02d}.npz" for number in numbers)
        path = next(path for path in paths if not path.exists())
        _save(path, {name: _as_array(values) for name, values in told.items()})
        return path

    def _task(self, recording: _Recording, number: int) -> TaskSet:
        """One task; its truth, which a simulator would know, is the descriptor again."""
        inputs, outputs = self._variables
        descriptor, steps = recording.descriptor[None], len(np.atleast_1d(recording.inputs))
        try:
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
        except ValueError as error:  # to which it is the only task
            text = str(error).removeprefix("task 0").lstrip(",: ")
            raise RecordingError(f"task {number}: {text}") from error


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    """An array of numbers if possible, or else the text of what it is."""
    with contextlib.suppress(ValueError):  # rows of different lengths
        array = np.asarray(values)
        if not array.dtype.hasobject:
            return array
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):  # all of it
        return np.array(repr(values))


def _save(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write a recording, whole or not at all; raises RecordingError when the disk does not take it."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    try:
        files.replace(path, content.getvalue())
    except OSError as error:
        text = f"{path}: cannot be written ({error.strerror}), and what was told is kept nowhere"
        raise RecordingError(f"{text}; see to the disk and tell it again") from error
