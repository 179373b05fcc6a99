"""The stages that train and choose, from files to files."""

import numpy as np
import pytest

from pamlflow.acquisition.interface import fixed_choice
from pamlflow.acquisition.paml import expected_self_information
from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation, SimulationError
from pamlflow.domains.cart_pole import CartPole
from pamlflow.models.interface import LatentPosterior, Trainer
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.rounds import read_pool
from pamlflow.stages.acquire import acquire_round, train_initial_round
from pamlflow.stages.simulate import draw_design, draw_pool, simulate_initial_tasks
from pamlflow.storage import store
from pamlflow.tasks import TaskSet
from pamlflow.versions import TRAINING_VERSION

WORLD = {
    "domain": "cart_pole",
    "simulation": {"steps": 30, "time_step": 0.05, "substeps": 5, "initial_noise": 0.05},
    "space": {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]},
}
FIT = {
    "model": {"inducing_points": 12},
    "training": {"first_iterations": 8, "next_iterations": 5, "starts": 1},
}


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """The folder of a trial with its tasks, its design and round 00."""
    folder = tmp_path_factory.mktemp("trial_00")
    simulate_initial_tasks(
        experiment=WORLD, initial_tasks=3, seed=1, output=folder / "initial_tasks.h5"
    )
    draw_design(experiment=WORLD, block=4, seed=2, output=folder / "design.h5")
    train_initial_round(
        tasks=folder / "initial_tasks.h5", **FIT, seed=3, output=folder / "round_00.h5"
    )
    return folder


OPTIONS = {"paml": {"num_candidates": 100}}


def acquire(trial, output, *, previous="round_00.h5", strategy="paml", seed=4, **options):
    acquire_round(
        previous=trial / previous,
        initial_tasks=trial / "initial_tasks.h5",
        design=trial / "design.h5",
        strategy=strategy,
        experiment=WORLD,
        **FIT,
        options=OPTIONS.get(strategy, {}) | options,
        seed=seed,
        output=output,
    )
    return store.read(output, "round")


@pytest.fixture(scope="module")
def first(trial):
    """Round 01 of PAML."""
    return acquire(trial, trial / "round_01.h5")


def test_initial_round_holds_the_tasks_and_a_model_of_them(trial):
    record = store.read(trial / "round_00.h5", "round")
    tasks = store.read(trial / "initial_tasks.h5").datasets
    assert record.datasets["round"] == 0
    for name in ("inputs", "outputs", "lengths", "descriptors", "parameters"):
        np.testing.assert_array_equal(record.datasets[f"tasks/{name}"], tasks[f"tasks/{name}"])
    assert not any(name.startswith("selection/") for name in record.datasets)
    assert record.seed == 3 and record.config == FIT | {"version": TRAINING_VERSION}
    assert list(record.parents) == ["initial_tasks.h5"]
    assert np.all(np.isfinite(record.datasets["training/bound"]))
    assert any("fit" in event for event in record.datasets["training/events"])
    assert TrainedModel.from_datasets(record.datasets).latent.mean.shape == (3, 2)


def test_round_adds_the_chosen_task_as_the_domain_runs_it(trial, first):
    before = TaskSet.from_datasets(store.read(trial / "round_00.h5").datasets)
    after = TaskSet.from_datasets(first.datasets)
    assert first.datasets["round"] == 1 and after.num_tasks == 4
    np.testing.assert_array_equal(after.subset([0, 1, 2]).inputs, before.inputs)

    chosen = first.datasets["selection/candidates"][first.datasets["selection/chosen"]]
    np.testing.assert_array_equal(after.descriptors[3], chosen)
    given = store.read(trial / "initial_tasks.h5").datasets
    excitation = Excitation(given["excitation/controls"], given["excitation/initial_state"])
    domain = make_domain("cart_pole", **WORLD["simulation"])
    inputs, outputs = domain.run(chosen, excitation)
    np.testing.assert_allclose(after.subset([3]).inputs, inputs)
    np.testing.assert_allclose(after.subset([3]).outputs, outputs)


def test_choice_follows_from_the_model_of_the_round_before(trial, first):
    model = TrainedModel.from_datasets(store.read(trial / "round_00.h5").datasets)
    selection = {
        name.removeprefix("selection/"): value
        for name, value in first.datasets.items()
        if name.startswith("selection/")
    }
    latent = LatentPosterior(selection["latent_mean"], selection["latent_variance"])
    utilities = expected_self_information(latent, model.latent)
    np.testing.assert_allclose(selection["utilities"], utilities)
    assert selection["chosen"] == np.argmax(utilities)


def test_round_says_where_it_comes_from(first):
    assert set(first.parents) == {"round_00.h5", "initial_tasks.h5", "design.h5"}
    assert first.config == WORLD | FIT | {
        "version": TRAINING_VERSION,
        "strategy": "paml",
        "options": {"num_candidates": 100},
    }
    assert first.seed == 4


def test_same_seed_same_arrays(trial, first, tmp_path):
    again = acquire(trial, tmp_path / "again.h5")
    assert again.datasets.keys() == first.datasets.keys()
    for name, value in first.datasets.items():
        np.testing.assert_array_equal(again.datasets[name], value, err_msg=name)


def test_initial_round_can_be_repeated(trial, tmp_path):
    train_initial_round(
        tasks=trial / "initial_tasks.h5", **FIT, seed=3, output=tmp_path / "round_00.h5"
    )
    again = store.read(tmp_path / "round_00.h5").datasets
    for name, value in store.read(trial / "round_00.h5").datasets.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)


def test_rounds_follow_each_other_and_the_design(trial, first, tmp_path):
    design = store.read(trial / "design.h5").datasets["design/latin_hypercube"]
    second = acquire(
        trial, tmp_path / "round_02.h5", previous="round_01.h5", strategy="latin_hypercube"
    )
    assert second.datasets["round"] == 2
    np.testing.assert_array_equal(second.datasets["tasks/descriptors"][4], design[1])
    np.testing.assert_array_equal(
        second.datasets["tasks/descriptors"][:4], first.datasets["tasks/descriptors"]
    )
    assert second.datasets["latent/mean"].shape == (5, 2)


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(trial, tmp_path):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "round_01.h5"
    with pytest.raises(store.StoreError, match=r"file: cannot be written \(File exists\)"):
        acquire(trial, output, previous="gone.h5")
    with pytest.raises(store.StoreError, match=r"file: cannot be written \(File exists\)"):
        train_initial_round(tasks=trial / "gone.h5", **FIT, seed=3, output=output)


def test_unknown_strategy_is_answered_with_the_nearest(trial, tmp_path):
    with pytest.raises(ValueError, match=r"unknown strategy 'pmal'.*'paml'"):
        acquire(trial, tmp_path / "round_01.h5", strategy="pmal")
    assert list(tmp_path.iterdir()) == []


def test_failed_task_stops_the_round_or_is_replaced(trial, tmp_path, monkeypatch):
    simulate = CartPole.simulate
    failed = []

    def fails_once(self, parameters, excitation):
        if not failed:
            failed.append(parameters)
            raise SimulationError("blew up")
        return simulate(self, parameters, excitation)

    monkeypatch.setattr(CartPole, "simulate", fails_once)
    with pytest.raises(SimulationError):
        acquire(trial, tmp_path / "stopped.h5")
    assert list(tmp_path.iterdir()) == []

    failed.clear()
    monkeypatch.setitem(WORLD, "failed_tasks", "replace")
    replaced = acquire(trial, tmp_path / "replaced.h5").datasets
    assert not np.array_equal(replaced["tasks/descriptors"][3], failed[0])
    chosen = replaced["selection/candidates"][replaced["selection/chosen"]]
    np.testing.assert_array_equal(replaced["tasks/descriptors"][3], chosen)


@pytest.mark.parametrize("excitation", ["shared", "per_task"])
def test_a_new_task_is_run_like_the_initial_ones(tmp_path, monkeypatch, excitation):
    run = {"steps": 15, "excitation": excitation, "runs": 2}
    monkeypatch.setitem(WORLD, "simulation", WORLD["simulation"] | run)
    path = tmp_path / "initial_tasks.h5"
    simulate_initial_tasks(experiment=WORLD, initial_tasks=3, seed=1, output=path)
    draw_design(experiment=WORLD, block=4, seed=2, output=tmp_path / "design.h5")
    train_initial_round(tasks=path, **FIT, seed=3, output=tmp_path / "round_00.h5")
    datasets = acquire(tmp_path, tmp_path / "round_01.h5", strategy="latin_hypercube").datasets
    tasks = TaskSet.from_datasets(datasets)
    np.testing.assert_array_equal(tasks.lengths, [30, 30, 30, 30])
    controls = tasks.inputs[:, 5].reshape(8, 15)
    assert len(np.unique(controls, axis=0)) == (2 if excitation == "shared" else 8)


@pytest.fixture(scope="module")
def pooled(tmp_path_factory):
    """The folder of a trial with a pool of four, of which it starts from two."""
    folder = tmp_path_factory.mktemp("trial_01")
    draw_pool(experiment=WORLD, candidates=4, seed=1, output=folder / "pool.h5")
    simulate_initial_tasks(
        experiment=WORLD,
        initial_tasks=2,
        seed=2,
        output=folder / "initial_tasks.h5",
        pool=folder / "pool.h5",
    )
    train_initial_round(
        tasks=folder / "initial_tasks.h5",
        **FIT,
        seed=3,
        output=folder / "round_00.h5",
        pool=folder / "pool.h5",
    )
    return folder


def acquire_from_pool(folder, number, strategy="paml", output=None):
    output = output or folder / f"round_{number:02d}.h5"
    acquire_round(
        previous=folder / f"round_{number - 1:02d}.h5",
        initial_tasks=folder / "initial_tasks.h5",
        pool=folder / "pool.h5",
        strategy=strategy,
        experiment=WORLD,
        **FIT,
        options=OPTIONS.get(strategy, {}),
        seed=4,
        output=output,
    )
    return store.read(output, "round")


def test_a_chosen_task_leaves_the_pool_until_nothing_is_left(pooled, tmp_path):
    pool = read_pool(pooled / "pool.h5")
    rows = store.read(pooled / "round_00.h5").datasets["pool/rows"].tolist()
    for number, strategy in ((1, "paml"), (2, "uniform")):
        record = acquire_from_pool(pooled, number, strategy)
        tasks, taken = TaskSet.from_datasets(record.datasets), record.datasets["pool/rows"]
        left = [row for row in range(4) if row not in rows]
        if strategy == "paml":
            candidates = record.datasets["selection/candidates"]
            np.testing.assert_array_equal(candidates, pool.descriptors[left])
        assert taken[-1] in left and taken[:-1].tolist() == rows
        np.testing.assert_array_equal(tasks.descriptors, pool.descriptors[taken])
        np.testing.assert_array_equal(tasks.parameters, pool.parameters[taken])
        assert set(record.parents) == {f"round_0{number - 1}.h5", "initial_tasks.h5", "pool.h5"}
        rows = taken.tolist()
    message = "every candidate of the pool has been chosen; enlarge `pool`"
    with pytest.raises(ValueError, match=message):
        acquire_from_pool(pooled, 3, output=tmp_path / "round_03.h5")
    assert list(tmp_path.iterdir()) == []


def test_training_sees_the_descriptors_that_are_left(pooled, tmp_path, monkeypatch):
    seen = []
    fit = Trainer.fit

    def watched(trainer, tasks, rng, *, unchosen, **options):
        seen.append((tasks.descriptors, unchosen))
        return fit(trainer, tasks, rng, unchosen=unchosen, **options)

    monkeypatch.setattr(Trainer, "fit", watched)
    start = {"tasks": pooled / "initial_tasks.h5", **FIT, "seed": 3}
    train_initial_round(**start, output=tmp_path / "round_00.h5", pool=pooled / "pool.h5")
    acquire_from_pool(pooled, 1, output=tmp_path / "round_01.h5")
    everything = np.sort(read_pool(pooled / "pool.h5").descriptors, axis=0)
    for number, (chosen, unchosen) in enumerate(seen, start=2):
        assert len(chosen) == number and len(unchosen) == 4 - number
        np.testing.assert_array_equal(np.sort(np.vstack([chosen, unchosen]), axis=0), everything)
    train_initial_round(**start, output=tmp_path / "oracle.h5")
    assert [unchosen is None for _, unchosen in seen] == [False, False, True]


def test_a_design_does_not_apply_to_a_pool(pooled, tmp_path):
    with pytest.raises(ValueError, match="expected a design of points of a box, found none"):
        acquire_from_pool(pooled, 1, "latin_hypercube", tmp_path / "round_01.h5")


@pytest.mark.parametrize(("given", "found"), [({}, 2), ({"latent_dimensions": 1}, 1)])
def test_the_log_warns_of_too_few_latent_dimensions(trial, tmp_path, caplog, given, found):
    output = tmp_path / "round_00.h5"
    fit = {**FIT, "model": FIT["model"] | given}
    train_initial_round(tasks=trial / "initial_tasks.h5", **fit, seed=3, output=output)
    assert store.read(output).datasets["latent/mean"].shape == (3, found)
    assert ("latent_dimensions is 1, and 2 parameters vary" in caplog.text) == (found < 2)


class Found(Exception):
    """The user's strategy was called."""


def user_strategy(situation):
    """A strategy of a user's own, which says what it sees and goes no further."""
    raise Found(f"round {situation.round}, {len(situation.chosen)} tasks")


def test_strategy_of_a_users_own_is_found_by_its_name(trial, tmp_path):
    with pytest.raises(Found, match="round 1, 3 tasks"):
        acquire(trial, tmp_path / "r.h5", strategy=f"{user_strategy.__module__}:user_strategy")
    assert list(tmp_path.iterdir()) == []


def looking_strategy(situation):
    """A strategy that says what it is shown of the tasks."""
    tasks = situation.tasks
    shown = f"{tasks.num_tasks} tasks, {tasks.inputs.shape[0]} transitions, truth {tasks.parameters.shape}"
    raise Found(f"{shown}, hidden {situation.hidden}")


@pytest.mark.parametrize(
    ("descriptors", "hidden"), [({}, False), ({"hidden": ["pole_mass"]}, True)]
)
def test_a_strategy_sees_the_data_and_whether_something_is_hidden_but_not_the_truth(
    trial, tmp_path, monkeypatch, descriptors, hidden
):
    monkeypatch.setitem(WORLD, "descriptors", descriptors)
    name = f"{looking_strategy.__module__}:looking_strategy"
    said = rf"3 tasks, 90 transitions, truth \(3, 0\), hidden {hidden}"
    with pytest.raises(Found, match=said):
        acquire(trial, tmp_path / "r.h5", strategy=name)


def repeating_strategy(situation):
    """A strategy that asks for the second task again."""
    return fixed_choice(situation, situation.chosen[1])


def test_a_strategy_that_repeats_a_task_is_logged(trial, tmp_path, caplog):
    name = f"{repeating_strategy.__module__}:repeating_strategy"
    tasks = TaskSet.from_datasets(acquire(trial, tmp_path / "r.h5", strategy=name).datasets)
    np.testing.assert_array_equal(tasks.descriptors[3], tasks.descriptors[1])
    assert np.all(np.ptp(tasks.parameters, axis=0) > 0.0)  # the file keeps the truth
    assert "which is all but task 1 again; only noise can differ" in caplog.text


def test_checkpoints_stay_until_the_round_is_written(trial, tmp_path, monkeypatch):
    training = {"bound": "stochastic", "stochastic": {"steps": 3}}

    def train():
        model = {"inducing_points": 12}
        tasks, output = trial / "initial_tasks.h5", tmp_path / "round_00.h5"
        train_initial_round(tasks=tasks, model=model, training=training, seed=3, output=output)

    def full(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(
        "pamlflow.models.latent_gp.fit.with_gpflow.stochastic_training.REPORT_EVERY", 1
    )
    with monkeypatch.context() as disk, pytest.raises(OSError, match="no space left"):
        disk.setattr(store, "write", full)
        train()
    assert [path.name.split(".")[2] for path in tmp_path.iterdir()] == ["checkpoints"]
    train()
    assert [path.name for path in tmp_path.iterdir()] == ["round_00.h5"]
    events = store.read(tmp_path / "round_00.h5", "round").datasets["training/events"]
    assert events[0] == "resumed after 3 steps"
