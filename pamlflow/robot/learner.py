"""Learning on a robot: ask which task to run next, and tell what was recorded; a folder keeps everything.

The workflow compares strategies on simulators. Here each task costs robot time: a recording is written to the
disk before a model is trained on it, and models can be made again from the recordings.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.acquisition import Strategy
from pamlflow.domains.frames.form import LogFormat
from pamlflow.metrics import Scores
from pamlflow.models import DEFAULT_KIND
from pamlflow.models.interface import Model
from pamlflow.protocols import parse_protocol
from pamlflow.robot import arguments
from pamlflow.robot.choices import Choices
from pamlflow.robot.folder import begin, is_begun, load
from pamlflow.robot.recorded import read_once
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

    The folder holds `learner.json`, the description; `task_00.npz`, `task_01.npz`, ..., one recording each; and
    `round_00.h5`, `round_01.h5`, ..., the model of the initial tasks, of one more task, and so on, as in a
    study (data/README.md). A new learner of the same folder continues where the last one ended; use one at a
    time. Round files are a cache: files made with other settings, from other recordings, or by a version of
    pamlflow that trains differently are made again. With the same arguments and recordings, a learner asks for
    the same tasks on the same machine.

    TensorFlow is loaded when the first model is trained, with one thread and without a GPU, unless the
    environment says otherwise or it is loaded already.

    Args:
        folder: where everything is kept.
        space: the box of descriptors, with names and units.
        input_variables: inputs [T, Dx] of a recording: state and control before each step, angles as cosine and
            sine.
        output_variables: outputs [T, P] of a recording: the change of the state in each step.
        log: in place of these variables, the columns of a log, and how transitions are made of it: runs can
            then be told as data frames or files.
        initial_tasks: number of tasks before the first choice: a Latin hypercube of the box, or drawn from the
            pool.
        strategy: chooses the other tasks: a Strategy, its name, or a function of a situation.
        pool: descriptors [C, R] of the tasks that may be chosen; by default all points of the box. The pool may
            change when the folder is opened again, but must contain the initial tasks that are left.
        options: the settings of the strategy.
        kind: the name of the kind of model; a user's own is `package.module:Name`.
        model: the settings of the model.
        training: the settings of its training.
        seed: the seed of all random numbers.

    Raises:
        TypeError, ValueError: an argument is invalid, or the folder was begun with others.
        StoreError: the folder cannot be written.
        RecordingError: a recording is missing, damaged, or not a task of this robot. Recordings of an
            interrupted `tell` are recovered or kept aside.
    """

    def __init__(
        self,
        folder: str | Path,
        space: Box,
        input_variables: Sequence[Variable] | None = None,
        output_variables: Sequence[Variable] | None = None,
        *,
        log: LogFormat | None = None,
        initial_tasks: int = 4,
        strategy: str | Strategy = "paml",
        pool: FloatArray | None = None,
        options: Mapping[str, Any] | None = None,
        kind: str = DEFAULT_KIND,
        model: Settings | None = None,
        training: Settings | None = None,
        seed: int = 0,
    ) -> None:
        self._folder = arguments.checked_folder(folder)
        self._format = arguments.checked_format(space, input_variables, output_variables, log)
        self._log = log
        most = arguments.MOST_INITIAL_TASKS
        initial_tasks = whole_number("initial_tasks", initial_tasks, least=1, most=most)
        self._seed = whole_number("seed", seed, least=0, most=arguments.MOST_SEED)
        chooser = arguments.checked_strategy(strategy)
        needed = None if is_begun(self._folder) else initial_tasks
        rows = None if pool is None else arguments.checked_pool(pool, space, needed)
        options = arguments.checked_options(chooser, options)
        trainer = arguments.checked_trainer(kind, model, training, len(space.variables), chooser)
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
        """The number of recorded tasks."""
        return len(self._tasks)

    @property
    def tasks(self) -> TaskSet:
        """All recorded tasks in order. Raises ValueError when there is none."""
        if not self._tasks:
            raise ValueError(f"{self._folder}: no task was recorded yet; run one and `tell` it")
        return TaskSet.joined(self._tasks)

    def ask(self) -> FloatArray:
        """Return the descriptor [R] of the task to run next; it is the same until a task is told.

        Raises ValueError if the strategy chooses a task outside the box, or one that is not left in the pool.
        """
        due = self._choices.due(self._told)
        if len(due) > 0:
            return self._choices.checked(due[0], self._told)
        selection = self._choices.select(self.tasks, self.model())
        return self._choices.checked(selection.candidates[selection.chosen], self._told)

    def tell(self, descriptor: FloatArray, inputs: Any, outputs: FloatArray | None = None) -> None:
        """Keep the recording of one task, which need not be the one that was asked for.

        The recording is on the disk when this returns; models are trained later, by `ask` or `model`.

        Args:
            descriptor: [R].
            inputs: [T, Dx]. Named columns, as in a pandas table or a mapping, are put into the order of the
                variables. Without outputs it is the log of a run: a data frame, or the path of a file
                (docs/own_logs.md); or a list of the runs of this task.
            outputs: [T, P].

        Raises:
            RecordingError: values are not finite numbers, a shape is wrong, the run repeats an earlier task, or
                another learner has written this task. The data are kept aside in a file that the message names.
        """
        where = f"task {self.num_tasks}"
        # Data that can be read only once must not be lost when they are refused.
        descriptor = read_once(descriptor)
        if outputs is None:
            inputs, outputs = self._transitions(descriptor, inputs, where)
        told = {
            "descriptor": descriptor,
            "inputs": read_once(inputs),
            "outputs": read_once(outputs),
        }
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

    def _transitions(self, descriptor: Any, told: Any, where: str) -> tuple[FloatArray, FloatArray]:
        """Return the inputs and outputs of the runs in logs; what is in no file is kept if it is refused."""
        from pamlflow.robot import frames  # pandas, which other learners need not load

        runs = frames.runs_in(read_once(told))
        try:
            return frames.transitions_of(runs, self._log, where)
        except RecordingError as error:
            if kept := frames.lost_with_the_program(runs):
                raise self._kept_aside(error, {"descriptor": descriptor, **kept}) from error
            raise

    def model(self) -> Model:
        """Return the model of all recorded tasks; rounds without a valid file are trained.

        Raises ValueError before all initial tasks are recorded.
        """
        return self._model(self.num_tasks)

    def scores(self, context: int = 20) -> Scores:
        """Score the predictions of each of the N tasks after the initial ones by the model before it.

        The model of the round before infers q(h*) from `context` transitions, or from the descriptor if
        `context` is 0, and is scored on other transitions (`few_shot_{context}` of docs/scoring.md). Outputs
        are in units of their standard deviation over the initial tasks. `nll` [N] is in nats per transition,
        and `squared_error` [N] in squared units per transition; both are summed over outputs. Predicting the
        mean has a squared error of about the number of outputs. `coverage` [3, N] is the share of outputs
        inside the central intervals of 50, 90 and 99 % (`levels` [3]).

        Raises ValueError if there are only initial tasks, or `context` is below 0.
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
        """The descriptors [N, R] of the recorded tasks."""
        descriptors = [task.descriptors[0] for task in self._tasks]
        return np.array(descriptors).reshape(-1, len(self._format.space.variables))

    def _model(self, count: int) -> Model:
        """Return the model of the first `count` tasks."""
        if count < self._initial:
            raise ValueError(
                f"{self._folder}: {count} of {self._initial} initial tasks were recorded, and a "
                "model needs all of them: run what `ask` says, then `tell`"
            )
        return self._rounds.model(self.tasks.subset(np.arange(count)))

    def _rng(self, purpose: str, number: int | None = None) -> np.random.Generator:
        return generator(job_seed(self._seed, purpose, round=number))

    def _kept_aside(self, error: RecordingError, told: Mapping[str, Any]) -> RecordingError:
        """Keep refused data aside; return the error with the name of the file."""
        aside = recordings.keep_aside(self._folder, told)
        remedy = f"{error.remedy}; it is kept in {aside}"
        return RecordingError(error.where, error.problem, remedy)
