"""The stages before any strategy: test tasks, initial tasks, space-filling designs and pools."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.domains.excitations import excitations_to_datasets
from pamlflow.pool import Pool
from pamlflow.rounds import read_pool
from pamlflow.seeding import generator
from pamlflow.storage import store
from pamlflow.tasks import variables_to_datasets
from pamlflow.world import Runs, World

MAX_ROUNDS = 99  # two digits in the names of files; the schema bounds `added_tasks` alike


def simulate_test_tasks(
    *,
    experiment: Mapping[str, Any],
    test_grid: Sequence[int],
    seed: int,
    output: Path,
) -> None:
    """Run the tasks on a regular grid of all parameters, hidden ones included, and write `test_tasks`.

    `context/order` [S] is a random permutation of the steps of each task; few-shot inference sees the first
    steps in this order.
    """
    world = World.from_config(experiment)
    rng = generator(seed)
    parameters = world.view.parameter_space.grid(test_grid)
    excitations = world.draw_excitations(len(parameters), rng)
    tasks = world.run(parameters, world.view.describe(parameters, rng), excitations)
    order = np.concatenate([rng.permutation(length) for length in tasks.lengths])
    datasets = tasks.to_datasets() | _drawn(world, excitations) | {"context/order": order}
    config = {**experiment, "test_grid": list(test_grid)}
    store.write(output, "test_tasks", datasets, seed=seed, config=config)


def simulate_initial_tasks(
    *,
    experiment: Mapping[str, Any],
    initial_tasks: int,
    seed: int,
    output: Path,
    pool: Path | None = None,
) -> None:
    """Run the initial tasks of a trial, and write `initial_tasks`.

    They are a Latin hypercube, or drawn from the pool.
    """
    world = World.from_config(experiment)
    rng = generator(seed)
    excitations = world.draw_excitations(initial_tasks, rng)
    if pool is None:
        chosen = world.space.latin_hypercube(initial_tasks, rng)
        datasets = world.observe(chosen, excitations, rng).to_datasets()
    else:
        candidates = read_pool(pool)
        rows = candidates.draw(initial_tasks, rng)
        tasks = world.run(candidates.parameters[rows], candidates.descriptors[rows], excitations)
        datasets = tasks.to_datasets() | {"pool/rows": rows}
    datasets |= _drawn(world, excitations)
    config = {**experiment, "initial_tasks": initial_tasks}
    parents = [pool] if pool else []
    store.write(output, "initial_tasks", datasets, seed=seed, config=config, parents=parents)


def draw_pool(
    *,
    experiment: Mapping[str, Any],
    candidates: int,
    seed: int,
    output: Path,
) -> None:
    """Draw the pool of a trial, uniform in the box of parameters, and write `pool`."""
    world = World.from_config(experiment)
    rng = generator(seed)
    parameters = world.view.parameter_space.sample(candidates, rng)
    pool = Pool(
        world.view.describe(parameters, rng),
        parameters,
        world.view.variables,
        world.domain.parameter_variables,
    )
    datasets = pool.to_datasets() | {"pool/renderer": world.view.renderer}
    config = {**experiment, "pool": candidates}
    store.write(output, "pool", datasets, seed=seed, config=config)


def draw_design(
    *,
    experiment: Mapping[str, Any],
    block: int,
    seed: int,
    output: Path,
) -> None:
    """Draw the descriptors of the Latin hypercube strategy, one for each round, and write `design`.

    The design is a sequence of independent hypercubes of `block` points, long enough for every possible round;
    a larger budget therefore does not change existing rounds.
    """
    space = World.from_config(experiment).space
    rng = generator(seed)
    blocks = [space.latin_hypercube(block, rng) for _ in range(math.ceil(MAX_ROUNDS / block))]
    datasets = {
        "design/latin_hypercube": np.concatenate(blocks),
        **variables_to_datasets("design/descriptor", space.variables),
    }
    store.write(output, "design", datasets, seed=seed, config={**experiment, "block": block})


def _drawn(world: World, excitations: Sequence[Runs]) -> dict[str, Any]:
    """Return the datasets of the excitations; if all tasks share one, of the first task only."""
    different = excitations[:1] if world.excitation == "shared" else excitations
    return excitations_to_datasets([run for runs in different for run in runs])
