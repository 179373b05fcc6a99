"""The stages that simulate, from settings to files."""

import numpy as np
import pytest

from pamlflow import store
from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation
from pamlflow.stages.simulate import draw_design, simulate_initial_tasks, simulate_test_tasks
from pamlflow.tasks import TaskSet

EXPERIMENT = {
    "domain": "cart_pole",
    "simulation": {"steps": 12, "time_step": 0.05, "substeps": 5, "initial_noise": 0.05},
    "space": {"pole_length": [0.5, 2.0], "pole_mass": [0.5, 5.0]},
}


def test_test_tasks_lie_on_the_grid_under_one_excitation(tmp_path):
    path = tmp_path / "test_tasks.h5"
    simulate_test_tasks(experiment=EXPERIMENT, test_grid=[2, 3], seed=1, output=path)
    record = store.read(path, "test_tasks")
    tasks = TaskSet.from_datasets(record.datasets)
    expected = [[mass, length] for mass in (0.5, 5.0) for length in (0.5, 1.25, 2.0)]
    np.testing.assert_allclose(tasks.descriptors, expected)
    np.testing.assert_array_equal(tasks.parameters, tasks.descriptors)
    np.testing.assert_array_equal(tasks.lengths, np.full(6, 12))

    excitation = Excitation(
        record.datasets["excitation/controls"], record.datasets["excitation/initial_state"]
    )
    domain = make_domain("cart_pole", **EXPERIMENT["simulation"])
    states = domain.simulate(tasks.parameters[4], excitation)
    inputs, outputs = domain.transitions(states, excitation.controls)
    np.testing.assert_allclose(tasks.subset([4]).inputs, inputs, atol=1e-12)
    np.testing.assert_allclose(tasks.subset([4]).outputs, outputs, atol=1e-12)


def test_order_is_a_permutation_of_the_steps_of_each_task(tmp_path):
    path = tmp_path / "test_tasks.h5"
    simulate_test_tasks(experiment=EXPERIMENT, test_grid=[2, 2], seed=1, output=path)
    orders = store.read(path).datasets["context/order"].reshape(4, 12)
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(12), (4, 1)))
    assert len(np.unique(orders, axis=0)) == 4


def test_initial_tasks_are_a_latin_hypercube(tmp_path):
    path = tmp_path / "trial_00" / "initial_tasks.h5"
    simulate_initial_tasks(experiment=EXPERIMENT, initial_tasks=4, seed=1, output=path)
    record = store.read(path, "initial_tasks")
    tasks = TaskSet.from_datasets(record.datasets)
    assert [variable.name for variable in tasks.descriptor_variables] == [
        "pole_mass",
        "pole_length",
    ]
    strata = np.floor(4 * (tasks.descriptors - [0.5, 0.5]) / [4.5, 1.5])
    np.testing.assert_array_equal(np.sort(strata, axis=0), np.tile(np.arange(4)[:, None], (1, 2)))
    assert record.datasets["excitation/controls"].shape == (12, 1)
    assert record.seed == 1
    assert record.config == EXPERIMENT | {"initial_tasks": 4}


def test_same_seed_same_tasks_and_another_seed_others(tmp_path):
    tasks = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_initial_tasks(
            experiment=EXPERIMENT, initial_tasks=3, seed=seed, output=tmp_path / name
        )
        tasks.append(TaskSet.from_datasets(store.read(tmp_path / name).datasets))
    np.testing.assert_array_equal(tasks[0].inputs, tasks[1].inputs)
    assert not np.array_equal(tasks[0].descriptors, tasks[2].descriptors)
    assert not np.array_equal(tasks[0].inputs[:, 5], tasks[2].inputs[:, 5])


@pytest.mark.parametrize(("block", "rows"), [(15, 105), (33, 99), (99, 99), (1, 99)])
def test_design_is_whole_hypercubes_for_every_possible_round(tmp_path, block, rows):
    path = tmp_path / "design.h5"
    draw_design(experiment=EXPERIMENT, block=block, seed=1, output=path)
    datasets = store.read(path, "design").datasets
    assert datasets["design/descriptor_names"].tolist() == ["pole_mass", "pole_length"]
    assert datasets["design/descriptor_units"].tolist() == ["kg", "m"]
    design = datasets["design/latin_hypercube"]
    assert design.shape == (rows, 2)
    strata = np.floor(block * (design - [0.5, 0.5]) / [4.5, 1.5]).reshape(-1, block, 2)
    expected = np.broadcast_to(np.arange(block)[:, None], strata.shape)
    np.testing.assert_array_equal(np.sort(strata, axis=1), expected)
    assert len(np.unique(design, axis=0)) == rows


def test_space_must_bound_every_parameter_of_the_domain(tmp_path):
    settings = EXPERIMENT | {"space": {"pole_mass": [0.5, 5.0]}}
    with pytest.raises(ValueError, match=r"expected bounds of .*pole_length"):
        draw_design(experiment=settings, block=15, seed=1, output=tmp_path / "design.h5")
    assert list(tmp_path.iterdir()) == []
