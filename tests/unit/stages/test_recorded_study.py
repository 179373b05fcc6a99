"""A trial of tasks that were recorded, from files to files."""

import numpy as np
import pytest
from own_records import Decays

from pamlflow.stages.acquire import acquire_round, train_initial_round
from pamlflow.stages.simulate import draw_pool, simulate_initial_tasks, simulate_test_tasks
from pamlflow.storage import store
from pamlflow.tasks import TaskSet

WORLD = {
    "domain": "own_records:Decays",
    "space": {"rate": [0.0, 1.0], "gain": [1.0, 2.0]},
    "descriptors": {"hidden": ["gain"]},
    "test_tasks": 5,
}
FIT = {
    "model": {"inducing_points": 12},
    "training": {"first_iterations": 8, "next_iterations": 5, "starts": 1},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Test tasks, the pools of two trials, and the initial tasks of the first one."""
    folder = tmp_path_factory.mktemp("recorded")
    tests = folder / "test_tasks.h5"
    simulate_test_tasks(experiment=WORLD, test_grid=[], seed=1, output=tests)
    for name, candidates, seed in (("pool", None, 2), ("small", 6, 3)):
        path = folder / f"{name}.h5"
        draw_pool(experiment=WORLD, candidates=candidates, seed=seed, output=path, test_tasks=tests)
    simulate_initial_tasks(
        experiment=WORLD,
        initial_tasks=3,
        seed=4,
        output=folder / "initial_tasks.h5",
        pool=folder / "pool.h5",
    )
    return folder


def known(path):
    """The parameters in a file, as a set of rows."""
    datasets = store.read(path).datasets
    name = "pool/parameters" if "pool/parameters" in datasets else "tasks/parameters"
    return {tuple(row) for row in datasets[name]}


def test_a_pool_has_the_tasks_that_are_no_test_tasks(folder):
    tests, pool = known(folder / "test_tasks.h5"), known(folder / "pool.h5")
    assert len(tests) == 5 and not tests & pool
    assert tests | pool == {tuple(row) for row in Decays().tasks.descriptors}
    assert len(known(folder / "small.h5")) == 6 and known(folder / "small.h5") < pool


def test_the_files_of_recorded_tasks_hold_no_excitation(folder):
    for name in ("test_tasks", "initial_tasks"):
        record = store.read(folder / f"{name}.h5", name)
        assert not [path for path in record.datasets if path.startswith("excitation")]
    assert "test_grid" not in store.read(folder / "test_tasks.h5").config
    assert "pool" not in store.read(folder / "pool.h5").config


def test_test_tasks_depend_on_the_seed_alone(folder, tmp_path):
    for seed, alike in ((1, True), (9, False)):
        path = tmp_path / f"{seed}.h5"
        simulate_test_tasks(experiment=WORLD, test_grid=[], seed=seed, output=path)
        assert (known(path) == known(folder / "test_tasks.h5")) == alike


def test_a_chosen_task_is_one_of_the_pool_with_its_record(folder, tmp_path):
    pool = folder / "pool.h5"
    train_initial_round(
        tasks=folder / "initial_tasks.h5",
        **FIT,
        seed=5,
        output=tmp_path / "round_00.h5",
        pool=pool,
    )
    acquire_round(
        previous=tmp_path / "round_00.h5",
        initial_tasks=folder / "initial_tasks.h5",
        strategy="paml",
        experiment=WORLD,
        **FIT,
        options={},
        seed=6,
        output=tmp_path / "round_01.h5",
        pool=pool,
    )
    datasets = store.read(tmp_path / "round_01.h5", "round").datasets
    tasks = TaskSet.from_datasets(datasets)
    assert tasks.num_tasks == 4 and len(np.unique(datasets["pool/rows"])) == 4
    chosen = store.read(pool).datasets["pool/parameters"][datasets["pool/rows"][-1]]
    np.testing.assert_array_equal(tasks.parameters[-1], chosen)
    np.testing.assert_array_equal(tasks.descriptors[-1], chosen[:1])
    recorded = Decays().tasks
    row = int(np.flatnonzero((recorded.descriptors == chosen).all(axis=1))[0])
    np.testing.assert_array_equal(tasks.subset([3]).inputs, recorded.subset([row]).inputs)


def test_the_oracle_is_trained_on_the_test_tasks(folder, tmp_path):
    train_initial_round(
        tasks=folder / "test_tasks.h5", **FIT, seed=7, output=tmp_path / "round_00.h5"
    )
    assert known(tmp_path / "round_00.h5") == known(folder / "test_tasks.h5")
