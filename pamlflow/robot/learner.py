"""Learning a robot: ask which task to run next, tell what was recorded; a folder keeps all of it.

The workflow compares strategies on simulators. Here every task costs robot time: a recording is on the disk
before anything is learned from it, and models are files that can be made again from the recordings.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.acquisition import Strategy
from pamlflow.metrics import Scores
from pamlflow.models import DEFAULT_KIND, ModelKind
from pamlflow.models.interface import Model
from pamlflow.protocols import parse_protocol
from pamlflow.robot import arguments
from pamlflow.robot.choices import Choices
from pamlflow.robot.folder import begin, is_begun, load
from pamlflow.robot.recorded import TaskFormat, read_once
from pamlflow.robot.rounds import Rounds
from pamlflow.scoring import ShuffledTasks, evaluate
from pamlflow.seeding import generator, job_seed
from pamlflow.settings import InferenceSettings, Settings, whole_number
from pamlflow.spaces import Box
from pamlflow.storage import recordings, store
from pamlflow.storage.recordings import RecordingError
from pamlflow.tasks import TaskSet, Variable
from pamlflow.types import FloatArray
from pamlflow.units import unit_of

logger = logging.getLogger(__name__)


class Learner:
    """Chooses the tasks of a robot, one after another, and learns from what their runs recorded.

    `space` is the box of descriptors, with their names and units. Inputs [T, Dx] of a recording are state
    and control before each step, angles as cosine and sine, and outputs [T, P] the change of the state. The
    first `initial_tasks` are a Latin hypercube of the box; `strategy` chooses the others: a Strategy, the name
    of one, or a function of a situation. `options` are the strategy's own settings. With a `pool` [C, R] of
    tasks that exist, both choose among its rows; it may be another one when the folder is opened again, with
    what is left of the initial tasks in it. `kind` is the kind of model, `model` and `training` its settings.

    `folder` gets `learner.json`, what the folder is about; `task_00.npz`, `task_01.npz`, ..., one recording
    each; and `round_00.h5`, `round_01.h5`, ..., the model of the initial tasks and of each one more, as in a
    study (data/README.md). A learner of a folder that exists goes on where the last one ended; one learner at
    a time. Round files are a cache: those that were made with other settings, from other recordings, or by a
    version of pamlflow that trains differently, are made again. With the same arguments and recordings, on one
    machine, a learner asks for the same tasks.

    TensorFlow is loaded when the first model is trained, with one thread, without a GPU and without its
    greeting, unless the environment says otherwise or it is loaded already.

    Raises TypeError or ValueError, which name the argument, where one cannot work or the folder is about
    something else; StoreError where nothing can be written to it; and RecordingError where a recording is
    missing, damaged, or no task of this robot. What an interrupted `tell` left is recovered or kept aside.
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
        options: Mapping[str, Any] | None = None,
        kind: str | ModelKind = DEFAULT_KIND,
        model: Settings | None = None,
        training: Settings | None = None,
        seed: int = 0,
    ) -> None:
        self._folder = arguments.checked_folder(folder)
        self._format = TaskFormat(
            arguments.checked_box(space),
            arguments.checked_variables("input_variables", input_variables),
            arguments.checked_variables("output_variables", output_variables),
        )
        most = arguments.MOST_INITIAL_TASKS
        initial_tasks = whole_number("initial_tasks", initial_tasks, least=1, most=most)
        self._seed = whole_number("seed", seed, least=0, most=arguments.MOST_SEED)
        chooser = arguments.checked_strategy(strategy)
        needed = None if is_begun(self._folder) else initial_tasks
        rows = None if pool is None else arguments.checked_pool(pool, space, needed)
        options = arguments.checked_options(chooser, options)
        trainer = arguments.checked_trainer(kind, model, training, len(space.variables))
        store.require_writable(self._folder)
        rng = self._rng("initial tasks")
        design = begin(self._folder, self._format, rows, initial_tasks, self._seed, rng)
        self._choices = Choices(space, design, chooser, options, rows, self._seed)
        choice = self._choices.datasets
        self._rounds = Rounds(self._folder, len(design), trainer, self._seed, choice)
        self._tasks = load(self._folder, self._format)
        logger.info("%s: %d tasks recorded", self._folder, self.num_tasks)
        self._choices.warn_of_what_is_missing(self._told)

    @property
    def num_tasks(self) -> int:
        """The number of tasks that were recorded."""
        return len(self._tasks)

    @property
    def tasks(self) -> TaskSet:
        """All recorded tasks, in order; raises ValueError when there is none."""
        if not self._tasks:
            raise ValueError(f"{self._folder}: no task was recorded yet; run one and `tell` it")
        return TaskSet.joined(self._tasks)

    def ask(self) -> FloatArray:
        """The descriptor [R] of the task to run next; the same until one is told.

        Raises ValueError rather than send the robot out of the box, or to what is not left of the pool.
        """
        due = self._choices.due(self._told)
        if len(due) > 0:
            return self._choices.checked(due[0], self._told)
        selection = self._choices.select(self.tasks, self.model())
        return self._choices.checked(selection.candidates[selection.chosen], self._told)

    def tell(self, descriptor: FloatArray, inputs: FloatArray, outputs: FloatArray) -> None:
        """Keep what one task recorded: inputs [T, Dx] and outputs [T, P]; it may be another than asked for.

        Columns that have names, as in a table of pandas or a mapping, are put in order by them. It is on the
        disk when this returns, and nothing is trained yet: `ask` and `model` do that. Raises RecordingError
        when something is no number, a shape is wrong, a value is not finite, the run is that of a task before,
        or another learner has written this task; what was told is then kept aside, in a file that the message
        names.
        """
        told: dict[str, Any] = {"descriptor": descriptor, "inputs": inputs, "outputs": outputs}
        # What can be read once only must not be lost when it is refused.
        told = {name: read_once(values) for name, values in told.items()}
        where = f"task {self.num_tasks}"
        try:
            recording = self._format.recording(told, where)
            task = self._format.task(recording, where, self._tasks)
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
        return self._model(self.num_tasks)

    def scores(self, context: int = 20) -> Scores:
        """How well each of the N tasks after the initial ones was predicted before it was learned.

        The model of the round before infers q(h*) from `context` transitions, or for 0 from the descriptor,
        and is scored on other transitions (`few_shot_{context}` of docs/scoring.md). Each output is divided
        by its standard deviation over the initial tasks. `nll` [N] is in nats a transition, `squared_error`
        [N] in those standard deviations squared, both summed over outputs: predicting the mean would give
        about the number of outputs. `coverage` [3, N] is the share of outputs inside the central intervals
        of 50, 90 and 99 %, which `levels` [3] names.

        Raises ValueError while there are no others, and for a `context` below 0.
        """
        context = whole_number("context", context, least=0)
        initial, protocol = self._initial, parse_protocol(f"few_shot_{context}")
        if self.num_tasks <= initial:
            text = (
                f"{self.num_tasks} tasks were recorded, and those after the {initial} initial ones"
            )
            raise ValueError(f"{self._folder}: {text} are scored: run what `ask` says, then `tell`")
        unit, scores = unit_of(self.tasks.subset(np.arange(initial)).outputs), []
        for number in range(initial, self.num_tasks):
            steps = self._rng("score", number).permutation(self._tasks[number].lengths[0])
            task = ShuffledTasks(self._tasks[number], steps, unit)
            scores.append(
                evaluate(self._model(number), task, protocol, InferenceSettings().objective)
            )
        return Scores(*(np.concatenate(parts, axis=-1) for parts in zip(*scores, strict=True)))

    @property
    def _initial(self) -> int:
        return len(self._choices.design)

    @property
    def _told(self) -> FloatArray:
        """The descriptors [N, R] of the tasks that were recorded."""
        descriptors = [task.descriptors[0] for task in self._tasks]
        return np.array(descriptors).reshape(-1, len(self._format.space.variables))

    def _model(self, count: int) -> Model:
        """The model of the first `count` tasks."""
        if count < self._initial:
            raise ValueError(
                f"{self._folder}: {count} of {self._initial} initial tasks were recorded, and a "
                "model needs all of them: run what `ask` says, then `tell`"
            )
        return self._rounds.model(self.tasks.subset(np.arange(count)))

    def _rng(self, purpose: str, number: int | None = None) -> np.random.Generator:
        return generator(job_seed(self._seed, purpose, round=number))

    def _kept_aside(self, error: RecordingError, told: Mapping[str, Any]) -> RecordingError:
        """Keep what was told and refused; the same error, which says where."""
        aside = recordings.keep_aside(self._folder, told)
        remedy = f"{error.remedy}; it is kept in {aside}"
        return RecordingError(error.where, error.problem, remedy)
