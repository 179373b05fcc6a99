"""The stages that no strategy can influence: test tasks, initial tasks, space-filling designs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow import store
from pamlflow.descriptors import DescriptorView, make_descriptor_view, observe_tasks
from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation, TaskDomain
from pamlflow.seeding import generator
from pamlflow.spaces import Box

MAX_ROUNDS = 99


def simulate_test_tasks(
    *,
    domain: str,
    simulation: Mapping[str, object],
    descriptors: str,
    space: Mapping[str, Sequence[float]],
    test_grid: Sequence[int],
    seed: int,
    output: Path,
) -> None:
    """Run the tasks on a regular grid of descriptors and write `test_tasks`.

    Few-shot inference sees the first transitions of each task in the order `context/order` [S],
    a random permutation of the task's own steps.
    """
    world, view, config = _world(domain, simulation, descriptors, space)
    rng = generator(seed)
    excitation = world.draw_excitation(rng)
    tasks = observe_tasks(world, view, view.space.grid(test_grid), excitation, rng)
    order = np.concatenate([rng.permutation(length) for length in tasks.lengths])
    datasets = tasks.to_datasets() | _excitation_datasets(excitation) | {"context/order": order}
    store.write(
        output, "test_tasks", datasets, seed=seed, config=config | {"test_grid": list(test_grid)}
    )


def simulate_initial_tasks(
    *,
    domain: str,
    simulation: Mapping[str, object],
    descriptors: str,
    space: Mapping[str, Sequence[float]],
    initial_tasks: int,
    seed: int,
    output: Path,
) -> None:
    """Run the tasks that a trial starts from, a Latin hypercube, and write `initial_tasks`."""
    world, view, config = _world(domain, simulation, descriptors, space)
    rng = generator(seed)
    excitation = world.draw_excitation(rng)
    chosen = view.space.latin_hypercube(initial_tasks, rng)
    tasks = observe_tasks(world, view, chosen, excitation, rng)
    datasets = tasks.to_datasets() | _excitation_datasets(excitation)
    store.write(
        output,
        "initial_tasks",
        datasets,
        seed=seed,
        config=config | {"initial_tasks": initial_tasks},
    )


def draw_design(
    *,
    domain: str,
    simulation: Mapping[str, object],
    descriptors: str,
    space: Mapping[str, Sequence[float]],
    block: int,
    seed: int,
    output: Path,
) -> None:
    """Draw the descriptors a Latin hypercube strategy asks for, round by round; write `design`.

    Independent hypercubes of `block` points follow each other until every round that a workflow can
    have is served, so that a larger budget does not change the rounds that exist.
    """
    _, view, config = _world(domain, simulation, descriptors, space)
    rng = generator(seed)
    blocks = [view.space.latin_hypercube(block, rng) for _ in range(math.ceil(MAX_ROUNDS / block))]
    datasets = {
        "design/latin_hypercube": np.concatenate(blocks),
        "design/descriptor_names": [variable.name for variable in view.space.variables],
        "design/descriptor_units": [variable.unit for variable in view.space.variables],
    }
    store.write(output, "design", datasets, seed=seed, config=config | {"block": block})


def _world(
    domain: str,
    simulation: Mapping[str, object],
    descriptors: str,
    space: Mapping[str, Sequence[float]],
) -> tuple[TaskDomain, DescriptorView, dict[str, Any]]:
    """Return the domain, the view of its tasks, and the settings that both are made from."""
    config = {
        "domain": domain,
        "simulation": dict(simulation),
        "descriptors": descriptors,
        "space": dict(space),
    }
    world = make_domain(domain, **simulation)
    view = make_descriptor_view(descriptors, Box.from_config(space, world.parameter_variables))
    return world, view, config


def _excitation_datasets(excitation: Excitation) -> dict[str, Any]:
    """Return the datasets `excitation/...` of the HDF5 schemas."""
    return {
        "excitation/controls": excitation.controls,
        "excitation/initial_state": excitation.initial_state,
    }
