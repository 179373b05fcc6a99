"""The stages that no strategy can influence: test tasks, initial tasks, space-filling designs, pools.

Tasks that were recorded are looked up where others are simulated.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.domains.excitations import excitations_to_datasets
from pamlflow.domains.records import Records, drawn
from pamlflow.pool import Pool
from pamlflow.rounds import read_pool
from pamlflow.seeding import generator
from pamlflow.stages.unchanged import require_same_files
from pamlflow.storage import store
from pamlflow.tasks import TaskSet, variables_to_datasets
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

    Of recorded tasks, `test_tasks` of the experiment are drawn, and the grid is empty.

    Few-shot inference sees the first transitions of each task in the order `context/order` [S],
    a random permutation of the task's own steps.
    """
    world = World.from_config(experiment)
    rng = generator(seed)
    if isinstance(world.domain, Records):
        parameters = drawn(world.domain.parameters, experiment["test_tasks"], rng)
    else:
        parameters = world.descriptors.parameter_space.grid(test_grid)
    excitations = world.draw_excitations(len(parameters), rng)
    tasks = world.run(parameters, world.descriptors.describe(parameters, rng), excitations)
    order = np.concatenate([rng.permutation(length) for length in tasks.lengths])
    datasets = tasks.to_datasets() | _drawn(world, excitations) | {"context/order": order}
    config = {**experiment, **({"test_grid": list(test_grid)} if test_grid else {})}
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
    require_same_files(experiment, [pool])
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
    candidates: int | None,
    seed: int,
    output: Path,
    test_tasks: Path | None = None,
) -> None:
    """Draw the tasks that a trial can choose from, uniform in the box of parameters; write `pool`.

    Of recorded tasks they are drawn from those that are not among the `test_tasks` of a file, or are all
    of them if no number of candidates is given.
    """
    require_same_files(experiment, [test_tasks])
    world = World.from_config(experiment)
    rng = generator(seed)
    if isinstance(world.domain, Records):
        if test_tasks is None:
            raise ValueError("pool: expected the test tasks, which it must leave out, found none")
        tested = TaskSet.from_datasets(store.read(test_tasks, "test_tasks").datasets)
        parameters = world.domain.others(tested.parameters)
        if candidates is not None:
            parameters = drawn(parameters, candidates, rng)
    elif candidates is None:
        raise ValueError("pool: expected a number of tasks, found none")
    else:
        parameters = world.descriptors.parameter_space.sample(candidates, rng)
    pool = Pool(
        world.descriptors.describe(parameters, rng),
        parameters,
        world.descriptors.variables,
        world.domain.parameter_variables,
    )
    datasets = pool.to_datasets() | {"pool/renderer": world.descriptors.renderer}
    config = {**experiment, **({} if candidates is None else {"pool": candidates})}
    parents = [test_tasks] if test_tasks else []
    store.write(output, "pool", datasets, seed=seed, config=config, parents=parents)


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
