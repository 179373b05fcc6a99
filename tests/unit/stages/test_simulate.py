"""The stages that simulate, from settings to files."""

import hashlib

import numpy as np
import pytest

from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation
from pamlflow.domains.excitations import excitations_from_datasets
from pamlflow.pool import Pool
from pamlflow.rounds import read_pool
from pamlflow.settings import world_settings
from pamlflow.stages.simulate import (
    draw_design,
    draw_pool,
    simulate_initial_tasks,
    simulate_test_tasks,
)
from pamlflow.storage import store
from pamlflow.tasks import TaskSet

EXPERIMENT = {
    "domain": "cart_pole",
    "simulation": {"steps": 12, "time_step": 0.05, "substeps": 5, "initial_noise": 0.05},
    "space": {"pole_length": [0.5, 2.0], "pole_mass": [0.5, 5.0]},
}
PICTURED = EXPERIMENT | {
    "fixed": {"pole_mass": 1.0},
    "space": {"pole_length": [0.5, 4.5]},
    "descriptors": {"pictures": {"size": 8}},
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
    inputs, outputs = domain.run(tasks.parameters[4], excitation)
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


def test_a_pool_is_uniform_in_the_box_and_seen_as_the_experiment_says(tmp_path):
    draw_pool(experiment=EXPERIMENT, candidates=400, seed=1, output=tmp_path / "pool.h5")
    record = store.read(tmp_path / "pool.h5", "pool")
    pool = Pool.from_datasets(record.datasets)
    np.testing.assert_array_equal(pool.descriptors, pool.parameters)
    for column, (low, high) in zip(pool.parameters.T, ([0.5, 5.0], [0.5, 2.0]), strict=True):
        counts, _ = np.histogram(column, bins=4, range=(low, high))
        np.testing.assert_allclose(counts, 100, atol=30)
    assert abs(np.corrcoef(pool.parameters.T)[0, 1]) < 0.15
    assert record.datasets["pool/renderer"] == "none"
    assert record.config == EXPERIMENT | {"pool": 400} and record.seed == 1


def test_a_pool_of_pictures_shows_its_tasks_and_says_what_drew_them(tmp_path):
    draw_pool(experiment=PICTURED, candidates=5, seed=1, output=tmp_path / "pool.h5")
    datasets = store.read(tmp_path / "pool.h5", "pool").datasets
    assert datasets["pool/descriptors"].shape == (5, 8, 8, 1)
    assert datasets["pool/renderer"] == "rays"
    assert datasets["pool/descriptor_names"].tolist() == ["brightness"]
    assert datasets["pool/parameter_names"].tolist() == ["pole_length"]
    by_length = np.argsort(datasets["pool/parameters"][:, 0])
    brightness = datasets["pool/descriptors"].sum(axis=(1, 2, 3))
    assert np.all(np.diff(brightness[by_length]) >= 0) and np.ptp(brightness) > 1.0


@pytest.mark.parametrize("experiment", [EXPERIMENT, PICTURED], ids=["vectors", "pictures"])
def test_initial_tasks_of_a_pool_are_some_of_it(tmp_path, experiment):
    pool_file, path = tmp_path / "pool.h5", tmp_path / "initial_tasks.h5"
    draw_pool(experiment=experiment, candidates=6, seed=1, output=pool_file)
    given = {"experiment": experiment, "seed": 2, "output": path, "pool": pool_file}
    simulate_initial_tasks(initial_tasks=3, **given)
    record = store.read(path, "initial_tasks")
    tasks, pool = TaskSet.from_datasets(record.datasets), read_pool(pool_file)
    rows = record.datasets["pool/rows"]
    assert len(set(rows.tolist())) == 3
    np.testing.assert_array_equal(tasks.descriptors, pool.descriptors[rows])
    np.testing.assert_array_equal(tasks.parameters, pool.parameters[rows])
    assert list(record.parents) == ["pool.h5"]
    with pytest.raises(ValueError, match="expected at least 7 candidates for the initial tasks"):
        simulate_initial_tasks(initial_tasks=7, **given)


def test_test_tasks_can_be_seen_as_pictures(tmp_path):
    path = tmp_path / "test_tasks.h5"
    simulate_test_tasks(experiment=PICTURED, test_grid=[3], seed=1, output=path)
    tasks = TaskSet.from_datasets(store.read(path, "test_tasks").datasets)
    np.testing.assert_allclose(tasks.parameters, [[0.5], [2.5], [4.5]])
    assert tasks.descriptors.shape == (3, 8, 8, 1)


def test_pictures_without_a_pool_are_refused(tmp_path):
    given = {"experiment": PICTURED, "seed": 1, "output": tmp_path / "file.h5"}
    with pytest.raises(ValueError, match="give the experiment a `pool`"):
        simulate_initial_tasks(initial_tasks=1, **given)
    with pytest.raises(ValueError, match="give the experiment a `pool`"):
        draw_design(block=15, **given)
    assert list(tmp_path.iterdir()) == []


def own(**run):
    """The experiment with tasks that are run in another way."""
    return EXPERIMENT | {"simulation": {**EXPERIMENT["simulation"], **run}}


@pytest.mark.parametrize(
    ("run", "drawn"),
    [({"excitation": "per_task"}, 4), ({"runs": 2}, 2), ({"excitation": "per_task", "runs": 2}, 8)],
)
@pytest.mark.parametrize("schema", ["test_tasks", "initial_tasks"])
def test_tasks_are_observed_under_the_excitations_in_the_file(tmp_path, run, drawn, schema):
    path = tmp_path / f"{schema}.h5"
    if schema == "test_tasks":
        simulate_test_tasks(experiment=own(**run), test_grid=[2, 2], seed=1, output=path)
    else:
        simulate_initial_tasks(experiment=own(**run), initial_tasks=4, seed=1, output=path)
    record = store.read(path, schema)
    tasks = TaskSet.from_datasets(record.datasets)
    excitations = excitations_from_datasets(record.datasets)
    assert len(excitations) == drawn and "excitation/controls" not in record.datasets
    assert record.config["simulation"] == own(**run)["simulation"]
    runs = run.get("runs", 1)
    np.testing.assert_array_equal(tasks.lengths, np.full(4, 12 * runs))
    domain = make_domain("cart_pole", **EXPERIMENT["simulation"])
    for task, parameters in enumerate(tasks.parameters):
        first = task * runs if "excitation" in run else 0
        found = tasks.subset([task])
        for number, excitation in enumerate(excitations[first : first + runs]):
            inputs, outputs = domain.run(parameters, excitation)
            rows = slice(12 * number, 12 * (number + 1))
            np.testing.assert_array_equal(found.inputs[rows], inputs)
            np.testing.assert_array_equal(found.outputs[rows], outputs)
    if schema == "test_tasks":
        orders = record.datasets["context/order"].reshape(4, 12 * runs)
        np.testing.assert_array_equal(np.sort(orders), np.tile(np.arange(12 * runs), (4, 1)))


def test_files_of_a_shared_study_do_not_depend_on_whether_it_says_so(tmp_path):
    digests = set()
    for run in ({}, {"excitation": "shared", "runs": 1}):
        path = tmp_path / "test_tasks.h5"
        settings = world_settings(own(**run))
        simulate_test_tasks(experiment=settings, test_grid=[2, 2], seed=1, output=path)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_tasks_of_a_pool_may_have_an_excitation_each(tmp_path):
    pool, path = tmp_path / "pool.h5", tmp_path / "initial_tasks.h5"
    settings = own(excitation="per_task")
    draw_pool(experiment=settings, candidates=6, seed=1, output=pool)
    simulate_initial_tasks(experiment=settings, initial_tasks=3, seed=2, output=path, pool=pool)
    datasets = store.read(path, "initial_tasks").datasets
    controls = TaskSet.from_datasets(datasets).inputs[:, 5:]
    np.testing.assert_array_equal(controls, datasets["excitations/controls"])
    assert len(np.unique(controls.reshape(3, 12), axis=0)) == 3
