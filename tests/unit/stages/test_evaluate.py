"""The stage that scores every round of a trial on the test tasks."""

import dataclasses

import numpy as np
import pytest

from pamlflow.models.interface import TaskArrays
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.protocols import held_out_from
from pamlflow.stages.acquire import train_initial_round
from pamlflow.stages.evaluate import evaluate_trial
from pamlflow.stages.simulate import simulate_initial_tasks, simulate_test_tasks
from pamlflow.storage import store
from pamlflow.tasks import TaskSet
from pamlflow.versions import EVALUATION_VERSION

WORLD = {
    "domain": "cart_pole",
    "simulation": {"steps": 30, "time_step": 0.05, "substeps": 5, "initial_noise": 0.05},
    "space": {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]},
}
PROTOCOLS = ["paper", "full", "prior", "few_shot_0", "few_shot_5", "few_shot_5_descriptor"]
INFERENCE = {"objective": "predictive", "protocols": PROTOCOLS}


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A folder with test tasks and two rounds, the second one with a hundred times the noise."""
    folder = tmp_path_factory.mktemp("trial_00")
    simulate_test_tasks(experiment=WORLD, test_grid=[2, 2], seed=1, output=folder / "test_tasks.h5")
    simulate_initial_tasks(
        experiment=WORLD, initial_tasks=3, seed=2, output=folder / "initial_tasks.h5"
    )
    train_initial_round(
        tasks=folder / "initial_tasks.h5",
        model={"inducing_points": 12},
        training={"first_iterations": 30, "starts": 1},
        seed=3,
        output=folder / "round_00.h5",
    )
    datasets = dict(store.read(folder / "round_00.h5").datasets)
    datasets["round"] = np.int64(1)
    for noise in ("noise", "sharp_noise"):
        datasets[f"posterior/data/{noise}"] = 100.0 * datasets[f"posterior/data/{noise}"]
    store.write(folder / "round_01.h5", "round", datasets, seed=3, config={})
    return folder


def evaluate(trial, output, inference=INFERENCE):
    rounds = [trial / "round_00.h5", trial / "round_01.h5"]
    evaluate_trial(
        rounds=rounds,
        test_tasks=trial / "test_tasks.h5",
        inference=inference,
        seed=5,
        output=output,
    )
    return store.read(output, "metrics")


@pytest.fixture(scope="module")
def metrics(trial):
    return evaluate(trial, trial / "metrics.h5")


def test_every_round_protocol_and_task_has_its_scores(metrics):
    datasets = metrics.datasets
    assert datasets["protocols"].tolist() == PROTOCOLS
    assert datasets["round"].tolist() == [0, 1] and datasets["num_tasks"].tolist() == [3, 3]
    assert datasets["nll"].shape == datasets["squared_error"].shape == (2, 6, 4)
    assert datasets["coverage"].shape == (2, 6, 3, 4)
    assert datasets["coverage_levels"].tolist() == [0.5, 0.9, 0.99]
    assert np.all((datasets["coverage"] >= 0.0) & (datasets["coverage"] <= 1.0))
    assert np.all(datasets["squared_error"] > 0.0)


def test_the_mean_of_the_outputs_has_its_scores_too(trial, metrics):
    """On all transitions of tasks of one length they are known: sqrt(P) and P/2 (1 + log 2 pi)."""
    squared, nll = (metrics.datasets[f"trivial/{name}"] for name in ("squared_error", "nll"))
    assert squared.shape == nll.shape == (6, 4)
    for column in (PROTOCOLS.index("paper"), PROTOCOLS.index("full")):
        assert squared[column].mean() == pytest.approx(4.0)
        assert nll[column].mean() == pytest.approx(2.0 * (1.0 + np.log(2.0 * np.pi)))
    held_out = squared[PROTOCOLS.index("prior")]
    assert not np.allclose(held_out, squared[0])
    np.testing.assert_array_equal(held_out, squared[PROTOCOLS.index("few_shot_5")])


def test_a_round_that_is_worse_than_the_mean_is_named(trial, tmp_path, caplog):
    """The second round predicts each output at ten deviations from where it is."""
    datasets = dict(store.read(trial / "round_00.h5").datasets)
    datasets["round"] = np.int64(1)
    spread = TaskSet.from_datasets(datasets).outputs.std(axis=0)
    datasets["scaler/output_mean"] = datasets["scaler/output_mean"] + 10.0 * spread
    spoilt = tmp_path / "round_01.h5"
    store.write(spoilt, "round", datasets, seed=3, config={})
    evaluate_trial(
        rounds=[trial / "round_00.h5", spoilt],
        test_tasks=trial / "test_tasks.h5",
        inference={"protocols": ["few_shot_0"]},
        seed=5,
        output=tmp_path / "metrics.h5",
    )
    warnings = [it.getMessage() for it in caplog.records if it.levelname == "WARNING"]
    worse = [text for text in warnings if "RMSE" in text and "worse than predicting" in text]
    assert len(worse) == 1 and "after round 1, " in worse[0]
    assert any(text.startswith("few_shot_0: RMSE rises") for text in warnings)


def test_metrics_say_where_they_come_from(metrics):
    assert set(metrics.parents) == {"test_tasks.h5", "round_00.h5", "round_01.h5"}
    assert metrics.config == {"inference": INFERENCE, "version": EVALUATION_VERSION}
    assert metrics.seed == 5


def test_repeated_evaluation_gives_the_same_numbers(trial, metrics, tmp_path):
    again = evaluate(trial, tmp_path / "metrics.h5")
    for name, value in metrics.datasets.items():
        np.testing.assert_array_equal(again.datasets[name], value, err_msg=name)


def test_paper_protocol_keeps_the_papers_objective(trial, metrics, tmp_path):
    """Only `full` follows the configured objective: with `elbo`, it is the paper's protocol."""
    inference = {"objective": "elbo", "protocols": ["paper", "full"]}
    elbo = evaluate(trial, tmp_path / "metrics.h5", inference).datasets["nll"]
    paper, full = (metrics.datasets["nll"][:, PROTOCOLS.index(name)] for name in ("paper", "full"))
    np.testing.assert_array_equal(elbo[:, 0], paper)
    np.testing.assert_array_equal(elbo[:, 1], paper)
    assert not np.allclose(full, paper)


@pytest.mark.parametrize("protocol", ["full", "paper"])
def test_more_noise_widens_the_intervals(metrics, protocol):
    coverage = metrics.datasets["coverage"][:, PROTOCOLS.index(protocol), 0]
    first, second = coverage.mean(axis=-1)
    assert second > first


@pytest.mark.parametrize("protocol", ["few_shot_5", "paper"])
def test_scores_of_a_protocol_are_those_of_its_definition(trial, metrics, protocol):
    """few_shot_5: h from the head of each order, scores on the held-out half; paper: all for both."""
    datasets = store.read(trial / "test_tasks.h5").datasets
    tasks = TaskSet.from_datasets(datasets)
    order = datasets["context/order"].reshape(4, 30)
    model = TrainedModel.from_datasets(store.read(trial / "round_00.h5").datasets)
    inputs, outputs, _ = tasks.padded()
    context, query, objective = order[:, :5], order[:, held_out_from(30) :], "predictive"
    assert query.shape == (4, 15)
    if protocol == "paper":
        context, query, objective = order, order, "elbo"

    def rows(array, steps):
        return np.take_along_axis(array, steps[..., None], axis=1)

    data = TaskArrays(rows(inputs, context), rows(outputs, context), np.ones(context.shape))
    latent = model.infer(data=data, objective=objective)
    mean, variance = model.predict(rows(inputs, query), latent, objective)
    scale = tasks.outputs.std(axis=0)
    error = (rows(outputs, query) - mean) / scale
    scaled = variance / scale**2
    nll = 0.5 * np.sum(np.log(2.0 * np.pi * scaled) + error**2 / scaled, axis=-1).mean(axis=1)
    column = PROTOCOLS.index(protocol)
    np.testing.assert_allclose(metrics.datasets["nll"][0, column], nll, rtol=1e-8)
    squared = np.sum(error**2, axis=-1).mean(axis=1)
    np.testing.assert_allclose(metrics.datasets["squared_error"][0, column], squared, rtol=1e-8)


@pytest.fixture
def ragged(trial, tmp_path):
    """Test tasks of 30, 12, 30 and 7 steps."""
    record = store.read(trial / "test_tasks.h5")
    tasks = TaskSet.from_datasets(record.datasets)
    lengths = np.array([30, 12, 30, 7])
    kept = np.concatenate([30 * i + np.arange(length) for i, length in enumerate(lengths)])
    tasks = dataclasses.replace(
        tasks, inputs=tasks.inputs[kept], outputs=tasks.outputs[kept], lengths=lengths
    )
    rng = np.random.default_rng(0)
    order = np.concatenate([rng.permutation(length) for length in lengths])
    path = tmp_path / "ragged.h5"
    datasets = record.datasets | tasks.to_datasets() | {"context/order": order}
    store.write(path, "test_tasks", datasets, seed=1, config={})
    return path


def test_ragged_test_tasks_are_scored(trial, ragged, tmp_path):
    evaluate_trial(
        rounds=[trial / "round_01.h5"],
        test_tasks=ragged,
        inference={"protocols": ["few_shot_3", "few_shot_0", "paper"]},
        seed=5,
        output=tmp_path / "metrics.h5",
    )
    datasets = store.read(tmp_path / "metrics.h5", "metrics").datasets
    assert datasets["nll"].shape == (1, 3, 4)


def test_unknown_protocol_is_refused_before_anything_is_done(trial, tmp_path):
    with pytest.raises(ValueError, match="unknown test protocol 'fewshot_5'"):
        evaluate(trial, tmp_path / "metrics.h5", {"protocols": ["fewshot_5"]})
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(store.StoreError, match=r"file: cannot be written \(File exists\)"):
        evaluate(tmp_path / "gone", tmp_path / "file" / "metrics.h5")
