"""Active learning with recorded transitions instead of a simulator (docs/extending.md)."""

from collections.abc import Callable

import numpy as np

from pamlflow.acquisition import STRATEGIES, Situation
from pamlflow.models.evidence import TaskArrays
from pamlflow.models.trained import TrainedModel
from pamlflow.models.training import train_from_previous, train_from_scratch
from pamlflow.settings import AcquisitionSettings, ModelSettings, TrainingSettings
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet, Variable

Run = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Sets the robot to a task with descriptor [R], runs it, and returns inputs [T, Dx] and outputs [T, P]."""


def recorded(
    run: Run, descriptor: np.ndarray, box: Box, state: list[Variable], control: list[Variable]
) -> TaskSet:
    """One run as a task. What the workflow calls the truth is not known of a robot: the descriptor again."""
    inputs, outputs = run(descriptor)
    return TaskSet(
        inputs,
        outputs,
        lengths=[len(inputs)],
        descriptors=descriptor[None],
        parameters=descriptor[None],
        input_variables=(*state, *control),
        output_variables=tuple(state),
        descriptor_variables=box.variables,
        parameter_variables=box.variables,
    )


def learn(
    run: Run,
    box: Box,
    state: list[Variable],
    control: list[Variable],
    *,
    initial_tasks: int = 4,
    added_tasks: int = 15,
    model: ModelSettings | None = None,
    training: TrainingSettings | None = None,
    seed: int = 0,
) -> tuple[TrainedModel, TaskSet]:
    """Run a few tasks spread over the box, then those that PAML chooses; return the model and all tasks."""
    model, training = model or ModelSettings(), training or TrainingSettings()
    rng = np.random.default_rng(seed)
    first, *others = box.latin_hypercube(initial_tasks, rng)
    tasks = recorded(run, first, box, state, control)
    for descriptor in others:
        tasks = tasks.append(recorded(run, descriptor, box, state, control))
    trained, _ = train_from_scratch(tasks, model, training, rng)
    for number in range(1, added_tasks + 1):
        situation = Situation(
            round=number,
            model=trained,
            space=box,
            chosen=tasks.descriptors,
            design=None,
            settings=AcquisitionSettings(),
            rng=rng,
        )
        selection = STRATEGIES["paml"](situation)
        descriptor = selection.candidates[selection.chosen]
        task = recorded(run, descriptor, box, state, control)
        data = TaskArrays(*task.padded())
        start = trained.infer(1, descriptors=task.descriptors, data=data)
        tasks = tasks.append(task)
        trained, _ = train_from_previous(tasks, model, training, trained, start, rng)
    return trained, tasks
