"""Rounds of active meta-learning: train on the initial tasks, then choose, observe and train again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow import plugins
from pamlflow.acquisition import STRATEGIES, Situation, log_repeat
from pamlflow.acquisition.interface import fixed_choice
from pamlflow.domains.base import Excitation
from pamlflow.models import trainer_of
from pamlflow.pool import Pool
from pamlflow.rounds import read_round, train_round
from pamlflow.seeding import generator
from pamlflow.settings import AcquisitionSettings
from pamlflow.storage import store
from pamlflow.tasks import TaskSet
from pamlflow.world import World

logger = logging.getLogger(__name__)


def train_initial_round(
    *,
    tasks: Path,
    model: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    output: Path,
    pool: Path | None = None,
) -> None:
    """Train on the tasks of one file and write them with the model as round 0 to ``output``.

    With the test tasks as input, and no pool, the result is the oracle.
    """
    store.require_writable(output.parent)
    datasets = store.read(tasks).datasets
    training_tasks = TaskSet.from_datasets(datasets)
    unchosen = Pool.read(pool).unchosen(datasets["pool/rows"]) if pool else None
    config = {"model": dict(model), "training": dict(training)}
    parents = [tasks, pool] if pool else [tasks]
    logger.info("round 0: %d tasks", training_tasks.num_tasks)
    train_round(
        output,
        0,
        training_tasks,
        None,
        trainer_of(model, training),
        generator(seed),
        choice={"pool/rows": datasets["pool/rows"]} if pool else {},
        seed=seed,
        config=config,
        parents=parents,
        unchosen=unchosen,
    )


def acquire_round(
    *,
    previous: Path,
    initial_tasks: Path,
    strategy: str,
    experiment: Mapping[str, Any],
    model: Mapping[str, Any],
    training: Mapping[str, Any],
    acquisition: Mapping[str, Any],
    seed: int,
    output: Path,
    design: Path | None = None,
    pool: Path | None = None,
) -> None:
    """Choose a task with ``strategy``, observe it, train on all tasks, and write the next round.

    There is a design to choose by, or a pool to choose from.
    """
    store.require_writable(output.parent)
    rng = generator(seed)
    before = read_round(previous)
    tasks, number = before.tasks, before.number + 1

    world = World.from_config(experiment)
    offer = Pool.read(pool) if pool else None
    rows = before.record.datasets["pool/rows"] if pool else np.array([], dtype=np.int64)
    situation = Situation(
        round=number,
        model=before.model,
        space=world.view.space,
        tasks=tasks,
        design=store.read(design, "design").datasets["design/latin_hypercube"] if design else None,
        settings=AcquisitionSettings(**acquisition),
        rng=rng,
        pool=offer.unchosen(rows) if offer else None,
        hidden=world.view.is_partial,
    )
    selection = plugins.load(strategy, STRATEGIES, "strategy")(situation)
    log_repeat(selection, situation)
    chosen = selection.candidates[selection.chosen]

    trial = store.read(initial_tasks, "initial_tasks").datasets
    excitation = Excitation(trial["excitation/controls"], trial["excitation/initial_state"])
    if offer:
        rows = np.append(rows, offer.row(chosen, rows))
        logger.info("round %d: %s chose row %d of the pool", number, strategy, rows[-1])
        newest = rows[-1:]
        new_task = world.run(offer.parameters[newest], offer.descriptors[newest], excitation)
    else:
        logger.info("round %d: %s chose %s", number, strategy, np.array2string(chosen, precision=4))
        new_task = world.observe(chosen[None], excitation, rng)
        if not np.array_equal(new_task.descriptors[0], chosen):  # it failed and was replaced
            selection = fixed_choice(situation, new_task.descriptors[0])
    tasks = tasks.append(new_task)
    config = {
        **experiment,
        "strategy": strategy,
        "model": dict(model),
        "training": dict(training),
        "acquisition": dict(acquisition),
    }
    parents = [previous, initial_tasks, *(path for path in (design, pool) if path)]
    train_round(
        output,
        number,
        tasks,
        before.model,
        trainer_of(model, training),
        rng,
        choice=selection.to_datasets() | ({"pool/rows": rows} if pool else {}),
        seed=seed,
        config=config,
        parents=parents,
        unchosen=offer.unchosen(rows) if offer else None,
    )
