"""Learning a robot: ask which task to run next, tell what was recorded; a folder keeps all of it.

The workflow compares strategies on simulators.  Here every task costs robot time: a recording is on the disk
before anything is learned from it, and models are files that can be made again from the recordings.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow import TRAINING_VERSION, plugins
from pamlflow.acquisition import STRATEGIES, Selection, Situation, Strategy, log_repeat
from pamlflow.metrics import Scores
from pamlflow.models import Trainer
from pamlflow.models.interface import Model
from pamlflow.models.latent_gp import LATENT_GP
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.pool import Pool
from pamlflow.protocols import parse_protocol
from pamlflow.rounds import train_round
from pamlflow.scoring import ShuffledTasks, evaluate
from pamlflow.seeding import generator, job_seed
from pamlflow.settings import AcquisitionSettings, InferenceSettings
from pamlflow.spaces import Box
from pamlflow.storage import files, recordings, store
from pamlflow.storage.recordings import Recording, RecordingError
from pamlflow.storage.remedies import LEARNER
from pamlflow.tasks import TaskSet, Variable
from pamlflow.types import FloatArray
from pamlflow.units import unit_of

__all__ = ["Learner", "RecordingError"]

logger = logging.getLogger(__name__)

ROUNDING = 1e-6
"""Share of the width of the box by which a task that was told may differ from a row of the pool."""


class Learner:
    """Chooses the tasks of a robot, one after another, and learns from what their runs recorded.

    `space` is the box of descriptors, with their names and units.  Inputs [T, Dx] of a recording are state
    and control before each step, angles as cosine and sine, and outputs [T, P] the change of the state.  The
    first `initial_tasks` are a Latin hypercube of the box; `strategy`, a function or the name of one of
    pamlflow's, chooses the others.  With a `pool` [C, R] of tasks that exist, both choose among its rows; it
    may be another one when the folder is opened again, with what is left of the initial tasks in it.

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
        strategy: str | Strategy = "paml",
        pool: FloatArray | None = None,
        model: ModelSettings | None = None,
        training: TrainingSettings | None = None,
        acquisition: AcquisitionSettings | None = None,
        seed: int = 0,
    ) -> None:
        if initial_tasks < 1:
            raise ValueError(f"initial_tasks: expected at least 1, found {initial_tasks}")
        self._strategy = _checked_strategy(strategy)
        _check_types(space, input_variables, output_variables)
        self._folder = Path(folder).absolute()  # wherever the process goes
        self._space = space
        self._variables = (tuple(input_variables), tuple(output_variables))
        self._pool = None if pool is None else _checked_pool(pool, space)
        self._model_settings = (model or ModelSettings()).for_tasks(len(space.variables))
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
        found = map(recordings.read, recordings.paths(self._folder))
        self._tasks = [self._task(recording, number) for number, recording in enumerate(found)]
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
        else:
            selection = self._select(self.tasks, self.model())
            descriptor = selection.candidates[selection.chosen].copy()
        left = self._left(np.array([task.descriptors[0] for task in self._tasks]))
        if left is not None and not np.any(np.all(left == descriptor, axis=1)):
            raise ValueError(
                f"task {self.num_tasks} should be {descriptor}, which is no row that is left of `pool`: give "
                "one with it, let the strategy choose a row of `situation.pool`, or tell another task"
            )
        return descriptor

    def tell(self, descriptor: FloatArray, inputs: FloatArray, outputs: FloatArray) -> None:
        """Keep what one task recorded: inputs [T, Dx] and outputs [T, P]; it may be another than asked for.

        It is on the disk when this returns, and nothing is trained yet: `ask` and `model` do that.  Raises
        RecordingError when something is no number, a shape is wrong, a value is not finite, or another learner
        has written this task; what was told is then kept aside, in a file that the message names.
        """
        told: dict[str, Any] = {"descriptor": descriptor, "inputs": inputs, "outputs": outputs}
        # What can be read once only must not be lost when it is refused.
        told = {k: list(v) if isinstance(v, Iterator) else v for k, v in told.items()}
        try:
            recording = self._as_recording(told)
            task = self._task(recording, self.num_tasks)
        except RecordingError as error:
            raise self._kept_aside(error, told) from error
        path = recordings.path_of(self._folder, self.num_tasks)
        try:
            recordings.save(path, recording._asdict())
        except FileExistsError:
            problem = "written by somebody else since this learner was made"
            remedy = "make a new one of the folder, and tell it this task"
            raise self._kept_aside(RecordingError(path, problem, remedy), told) from None
        self._tasks.append(task)

    def model(self) -> Model:
        """The model of all tasks that were recorded; rounds without a file that fits are trained.

        Raises ValueError before the initial tasks are recorded.
        """
        return self._model(self.num_tasks - len(self._design))

    def scores(self, context: int = 20) -> Scores:
        """How well each task after the initial ones was predicted before it was learned.

        The model of the round before infers q(h*) from `context` transitions, or for 0 from the descriptor,
        and is scored on other transitions (`few_shot_{context}` of docs/scoring.md, standardised by
        the initial tasks).  Raises ValueError while there are no others.
        """
        initial, protocol = len(self._design), parse_protocol(f"few_shot_{context}")
        if self.num_tasks <= initial:
            text = (
                f"{self.num_tasks} tasks were recorded, and those after the {initial} initial ones"
            )
            raise ValueError(f"{self._folder}: {text} are scored: run what `ask` says, then `tell`")
        unit, scores = unit_of(self._first(0).outputs), []
        for number in range(initial, self.num_tasks):
            steps = self._rng("score", number).permutation(self._tasks[number].lengths[0])
            task = ShuffledTasks(self._tasks[number], steps, unit)
            model = self._model(number - initial)
            scores.append(evaluate(model, task, protocol, InferenceSettings().objective))
        return Scores(*(np.concatenate(parts, axis=-1) for parts in zip(*scores, strict=True)))

    def _model(self, last: int) -> Model:
        """The model of round `last`, from its file or trained from the latest round that has one."""
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
            rng = self._rng("initial tasks")
            if self._pool is None:
                drawn = self._space.latin_hypercube(initial_tasks, rng)
            else:
                drawn = self._pool.descriptors[self._pool.draw(initial_tasks, rng)]
            text = json.dumps({**about, "design": drawn.tolist()}, indent=2)
            files.replace(path, text.encode())
        found = recordings.about(self._folder)
        for name, value in about.items():
            # The order of the variables of the box counts, and mappings do not compare it.
            was, now = json.dumps(found.get(name)), json.dumps(value)
            if was != now:
                raise ValueError(
                    f"{path}: `{name}` was {was} when the folder was begun, and is {now} now; give "
                    "what it was, or another folder"
                )
        return np.array(found["design"], dtype=np.float64)

    def _fit(self, number: int, previous: Model | None) -> Model:
        """Train round `number` from the model of the round before, and write its file."""
        tasks = self._first(number)
        return train_round(
            self._round(number),
            number,
            tasks,
            previous,
            Trainer(LATENT_GP, self._model_settings, self._training),
            self._rng("round", number),
            choice={} if previous is None else self._choice(number, previous),
            seed=self._seed,
            config=self._config,
            parents=recordings.paths(self._folder)[: tasks.num_tasks],
        )

    def _choice(self, number: int, previous: Model) -> dict[str, Any]:
        """The datasets of the selection that asked for the newest task of a round; none if another was told.

        Models depend on recordings alone: a strategy that fails now, or a pool that is used up, ends no fit.
        """
        tasks = self._first(number)
        try:
            selection = self._select(self._first(number - 1), previous)
        except Exception as error:
            logger.warning("round %d: not known how its task was chosen (%s)", number, error)
            return {}
        asked = np.array_equal(selection.candidates[selection.chosen], tasks.descriptors[-1])
        return selection.to_datasets() if asked else {}

    def _cached(self, number: int) -> Model | None:
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
        return LATENT_GP.load(record.datasets)

    def _select(self, tasks: TaskSet, model: Model) -> Selection:
        """What the strategy says after `tasks`."""
        number = tasks.num_tasks - len(self._design) + 1
        situation = Situation(
            round=number,
            model=model,
            space=self._space,
            tasks=tasks,
            design=None,
            settings=self._acquisition,
            rng=self._rng("choice", number),
            pool=self._left(tasks.descriptors),
        )
        selection = self._strategy(situation)
        log_repeat(selection, situation)
        return selection

    def _left(self, told: FloatArray) -> FloatArray | None:
        """What is left [C', R] of the pool after the tasks told [N, R], up to a rounding of them."""
        if self._pool is None:
            return None
        candidates = self._pool.descriptors
        left = np.ones(len(candidates), dtype=bool)
        tolerance = ROUNDING * (self._space.high - self._space.low)
        for descriptor in told:
            near = left & np.all(np.abs(candidates - descriptor) <= tolerance, axis=1)
            left[np.flatnonzero(near)[:1]] = False
        rest: FloatArray = candidates[left]
        return rest

    def _first(self, number: int) -> TaskSet:
        """The tasks of round `number`."""
        return self.tasks.subset(np.arange(len(self._design) + number))

    def _rng(self, purpose: str, number: int | None = None) -> np.random.Generator:
        return generator(job_seed(self._seed, purpose, round=number))

    def _round(self, number: int) -> Path:
        return self._folder / f"round_{number:02d}.h5"

    def _as_recording(self, told: Mapping[str, Any]) -> Recording:
        """What was told, as arrays of numbers."""
        arrays = {}
        for name, values in told.items():
            try:
                if np.iscomplexobj(values) or recordings.is_masked(values):
                    raise ValueError("complex or masked values")
                arrays[name] = np.asarray(values, dtype=np.float64)
            except Exception as error:  # whatever the array of another library raises
                problem = f"{name}: expected an array of numbers, found something else ({error})"
                raise RecordingError(f"task {self.num_tasks}", problem, "correct it") from error
        return Recording(**arrays)

    def _kept_aside(self, error: RecordingError, told: Mapping[str, Any]) -> RecordingError:
        """Keep what was told and refused; the same error, which says where."""
        aside = recordings.keep_aside(self._folder, told)
        remedy = f"{error.remedy}; it is kept in {aside}"
        return RecordingError(error.where, error.problem, remedy)

    def _task(self, recording: Recording, number: int) -> TaskSet:
        """One task; its truth, which a simulator would know, is the descriptor again."""
        inputs, outputs = self._variables
        descriptor, steps = recording.descriptor[None], len(np.atleast_1d(recording.inputs))
        try:
            task = TaskSet(
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
            problem = str(error).removeprefix("task 0").lstrip(",: ")
            raise RecordingError(f"task {number}", problem, "correct it") from error
        if not self._space.contains(task.descriptors).all():
            logger.warning("task %d: %s is outside the box", number, task.descriptors[0])
        return task


def _checked_strategy(strategy: str | Strategy) -> Strategy:
    """The strategy, or the one of this name."""
    found = (
        plugins.load(strategy, STRATEGIES, "strategy") if isinstance(strategy, str) else strategy
    )
    if found is STRATEGIES["latin_hypercube"]:
        text = "latin_hypercube: a learner has no design but that of its initial tasks"
        raise ValueError(f"{text}; raise `initial_tasks` instead")
    if not callable(found):
        text = f"a function, or one of {', '.join(STRATEGIES)}"
        raise TypeError(f"strategy: expected {text}, found {strategy!r}")
    return found


def _check_types(space: Box, *variables: Sequence[Variable]) -> None:
    """Refuse what would fail after the first run of the robot, if not for these lines."""
    if not isinstance(space, Box):
        raise TypeError(f"space: expected a pamlflow.spaces.Box, found {space!r}")
    for name, group in zip(("input_variables", "output_variables"), variables, strict=True):
        if isinstance(group, str) or not all(isinstance(each, Variable) for each in group):
            text = 'expected pamlflow.tasks.Variable("rate", "rad/s") and the like'
            raise TypeError(f"{name}: {text}, found {group!r}")


def _checked_pool(pool: FloatArray, space: Box) -> Pool:
    """The tasks that exist; their truth, which a simulator would know, is the descriptor again."""
    checked = Pool(pool, pool, space.variables, space.variables)
    if not (inside := space.contains(checked.descriptors)).all():
        row = int(np.argmin(inside))
        text = f"expected tasks inside the box, found {checked.descriptors[row]} in row {row}"
        raise ValueError(f"pool: {text}; leave it out, or begin a folder with a wider box")
    return checked
