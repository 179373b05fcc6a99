"""Rounds of active meta-learning: train on the initial tasks; then choose a task, run it and train again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.acquisition import BoxOffer, PoolOffer, Situation, log_repeat, strategy_of
from pamlflow.acquisition.interface import fixed_choice
from pamlflow.domains.excitations import excitations_from_datasets
from pamlflow.models import trainer_of
from pamlflow.rounds import read_pool, read_round, train_round
from pamlflow.seeding import generator
from pamlflow.stages.unchanged import require_same_files
from pamlflow.storage import store
from pamlflow.tasks import TaskSet
from pamlflow.versions import TRAINING_VERSION
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
    """Train on the tasks of a file, and write round 0 to `output`.

    For the test tasks without a pool, the result is the oracle.
    """
    store.require_writable(output.parent)
    datasets = store.read(tasks).datasets
    training_tasks = TaskSet.from_datasets(datasets)
    unchosen = read_pool(pool).unchosen(datasets["pool/rows"]) if pool else None
    config = {"model": dict(model), "training": dict(training), "version": TRAINING_VERSION}
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
    options: Mapping[str, Any],
    seed: int,
    output: Path,
    design: Path | None = None,
    pool: Path | None = None,
) -> None:
    """Choose a task with `strategy`, run it, train on all tasks, and write the next round to `output`.

    `options` are the settings of the strategy. An experiment has either a `design` or a `pool`.
    """
    store.require_writable(output.parent)
    require_same_files(experiment, [previous, initial_tasks, pool])
    rng = generator(seed)
    before = read_round(previous)
    tasks, number = before.tasks, before.number + 1

    world = World.from_config(experiment)
    candidates = read_pool(pool) if pool else None
    rows = before.record.datasets["pool/rows"] if pool else np.array([], dtype=np.int64)
    situation = Situation(
        round=number,
        model=before.model,
        offer=(
            PoolOffer(candidates.unchosen(rows), world.descriptors.space)
            if candidates
            else BoxOffer(world.space)
        ),
        tasks=tasks,
        rng=rng,
        design=store.read(design, "design").datasets["design/latin_hypercube"] if design else None,
        hidden=world.descriptors.is_partial,
    )
    selection = strategy_of(strategy)(situation, options)
    log_repeat(selection, situation)
    chosen = selection.candidates[selection.chosen]

    trial = store.read(initial_tasks, "initial_tasks").datasets
    shared = world.excitation == "shared"
    runs = [excitations_from_datasets(trial)] if shared else world.draw_excitations(1, rng)
    if candidates:
        rows = np.append(rows, candidates.row(chosen, rows))
        logger.info("round %d: %s chose row %d of the pool", number, strategy, rows[-1])
        newest = rows[-1:]
        new_task = world.run(candidates.parameters[newest], candidates.descriptors[newest], runs)
    else:
        logger.info("round %d: %s chose %s", number, strategy, np.array2string(chosen, precision=4))
        new_task = world.observe(chosen[None], runs, rng)
        if not np.array_equal(new_task.descriptors[0], chosen):  # the task failed and was replaced
            selection = fixed_choice(situation, new_task.descriptors[0])
    tasks = tasks.append(new_task)
    config = {
        **experiment,
        "strategy": strategy,
        "model": dict(model),
        "training": dict(training),
        "options": dict(options),
        "version": TRAINING_VERSION,
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
        unchosen=candidates.unchosen(rows) if candidates else None,
    )
