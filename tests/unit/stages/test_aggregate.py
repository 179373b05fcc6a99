import csv

import numpy as np
import pytest

from pamlflow.stages.aggregate import (
    aggregate_metrics,
    compare_strategies,
    plot_comparison,
    plot_learning_curves,
    plot_overview,
)
from pamlflow.storage import store

LEVELS = [0.5, 0.9]
PROTOCOLS = ["paper", "few_shot_0"]


def write_metrics(path, rounds, offset):
    """Metrics of three test tasks: NLL offset + (0, 1, 2), squared error (offset + 1)^2.

    The mean scores NLL 50 and 60, squared error 9 and 16, under the two protocols.
    """
    shape = (len(rounds), len(PROTOCOLS), 3)
    nll = offset + np.arange(3.0) + np.zeros(shape)
    nll[:, 1] += 100
    datasets = {
        "round": rounds,
        "num_tasks": [4 + round_ for round_ in rounds],
        "protocols": PROTOCOLS,
        "coverage_levels": LEVELS,
        "nll": nll,
        "squared_error": np.full(shape, (offset + 1.0) ** 2),
        "coverage": np.stack([np.full(shape, level - 0.1) for level in LEVELS], axis=2),
        "trivial/nll": np.repeat([[50.0], [60.0]], 3, axis=1),
        "trivial/squared_error": np.repeat([[9.0], [16.0]], 3, axis=1),
    }
    store.write(path, "metrics", datasets, seed=1, config={})
    return path


@pytest.fixture
def aggregated(tmp_path):
    metrics = [
        write_metrics(tmp_path / f"{strategy}_{trial}.h5", rounds, 10 * index + trial)
        for index, (strategy, rounds) in enumerate([("paml", [0, 1]), ("oracle", [0])])
        for trial in (0, 1)
    ]
    aggregate_metrics(
        metrics=metrics,
        experiment="cart_pole",
        strategies=["paml", "oracle"],
        trials=[0, 1],
        summary=tmp_path / "summary.h5",
        table=tmp_path / "summary.csv",
    )
    return tmp_path


def test_the_csv_is_tidy(aggregated):
    with (aggregated / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ["experiment", "strategy", "trial", "round", "protocol", "metric", "value"]
    assert list(rows[0]) == columns
    assert len(rows) == (2 * 2 + 2 * 1) * 2 * 6
    scores = {tuple(row.values())[1:-1]: float(row["value"]) for row in rows}
    assert scores["paml", "1", "1", "paper", "nll"] == 2.0
    assert scores["paml", "1", "1", "few_shot_0", "nll"] == 102.0
    assert scores["oracle", "0", "0", "paper", "rmse"] == 11.0
    assert scores["oracle", "1", "0", "paper", "coverage_90"] == pytest.approx(0.8)
    for round_ in "01":
        assert scores["paml", "1", round_, "few_shot_0", "trivial_nll"] == 60.0
        assert scores["paml", "1", round_, "few_shot_0", "trivial_rmse"] == 4.0
    assert len(scores) == len(rows)


def test_the_hdf5_summary_has_the_same_table_and_its_parents(aggregated):
    record = store.read(aggregated / "summary.h5", "summary")
    with (aggregated / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["value"]) for row in rows] == record.datasets["value"].tolist()
    assert [row["metric"] for row in rows] == record.datasets["metric"].tolist()
    assert set(record.parents) == {"paml_0.h5", "paml_1.h5", "oracle_0.h5", "oracle_1.h5"}


def test_the_squared_error_is_averaged_before_the_root(tmp_path):
    path = write_metrics(tmp_path / "metrics.h5", [0], 0)
    datasets = store.read(path).datasets
    datasets["squared_error"][0, 0] = [1.0, 4.0, 7.0]
    store.write(path, "metrics", datasets, seed=1, config={})
    output = {"summary": tmp_path / "summary.h5", "table": tmp_path / "summary.csv"}
    aggregate_metrics(metrics=[path], experiment="x", strategies=["paml"], trials=[0], **output)
    table = store.read(output["summary"]).datasets
    assert table["value"][(table["metric"] == "rmse") & (table["protocol"] == "paper")] == [2.0]


def test_a_missing_file_is_noticed(tmp_path):
    with pytest.raises(ValueError, match="zip"):
        aggregate_metrics(
            metrics=[],
            experiment="x",
            strategies=["paml"],
            trials=[0],
            summary=tmp_path / "summary.h5",
            table=tmp_path / "summary.csv",
        )


def test_means_over_trials_that_end_worse_than_the_mean_are_named(tmp_path, caplog):
    """The RMSE of paml is 1.5, that of mine 6.5, that of the mean 3 and 4; the NLL is fine in `paper`."""
    metrics = [
        write_metrics(tmp_path / f"{strategy}_{trial}.h5", [0, 1, 2][: 3 - trial], offset + trial)
        for strategy, offset in (("paml", 0), ("mine", 5))
        for trial in (0, 1)
    ]
    doubts = aggregate_metrics(
        metrics=metrics,
        experiment="swimmer",
        strategies=["paml", "mine"],
        trials=[0, 1],
        summary=tmp_path / "summary.h5",
        table=tmp_path / "summary.csv",
    )
    assert doubts == [record.getMessage() for record in caplog.records]
    ends = "worse than predicting the mean of the test tasks' outputs"
    assert [doubt.split(" (")[0] for doubt in doubts] == [
        f"swimmer, paml, few_shot_0: NLL 101.5 after round 1, {ends}",
        f"swimmer, mine, paper: RMSE 6.519 after round 1, {ends}",
        f"swimmer, mine, few_shot_0: NLL 106.5 after round 1, {ends}",
        f"swimmer, mine, few_shot_0: RMSE 6.519 after round 1, {ends}",
    ]


def test_the_curves_are_drawn_from_the_summary(aggregated):
    output = {"svg": aggregated / "curves.svg", "png": aggregated / "curves.png"}
    plot_learning_curves(summary=aggregated / "summary.h5", **output)
    assert output["svg"].read_text().startswith("<?xml")
    assert output["png"].read_bytes().startswith(b"\x89PNG")


def test_the_overview_is_drawn_from_the_summaries(aggregated):
    output = {"svg": aggregated / "overview.svg", "png": aggregated / "overview.png"}
    plot_overview(summaries=[aggregated / "summary.h5"], protocol="paper", **output)
    assert output["svg"].read_text().startswith("<?xml")
    assert output["png"].read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def three_strategies(tmp_path):
    """Summary of five trials in which PAML's NLL in round 1 is 10 below uniform's and 20 below mine."""
    strategies = {"paml": 0, "uniform": 10, "mine": 20, "oracle": 0}
    metrics = []
    for strategy, offset in strategies.items():
        for trial in range(5):
            rounds = [0] if strategy == "oracle" else [0, 1]
            path = write_metrics(tmp_path / f"{strategy}_{trial}.h5", rounds, trial)
            datasets = store.read(path).datasets
            datasets["nll"][1:] += offset - 30
            metrics.append(path)
            store.write(path, "metrics", datasets, seed=1, config={})
    aggregate_metrics(
        metrics=metrics,
        experiment="cart_pole",
        strategies=list(strategies),
        trials=list(range(5)),
        summary=tmp_path / "summary.h5",
        table=tmp_path / "summary.csv",
    )
    return tmp_path / "summary.h5"


def test_the_first_strategy_is_compared_with_every_strategy_but_the_oracle(
    three_strategies, tmp_path
):
    table = tmp_path / "comparison.csv"
    compare_strategies(summary=three_strategies, seed=1, table=table)
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "nll"]
    assert {row["subject"] for row in rows} == {"paml"}
    leads = {(row["baseline"], row["quantity"], row["round"]): row for row in rows}
    assert {baseline for baseline, _, _ in leads} == {"uniform", "mine"}
    first = leads["mine", "difference", "1"]
    interval = [float(first[name]) for name in ("estimate", "low", "high")]
    assert interval == pytest.approx([-20.0] * 3)
    assert float(leads["uniform", "area_difference", ""]["estimate"]) == -5.0
    assert float(leads["uniform", "data_efficiency", ""]["estimate"]) == 1.0
    assert leads["uniform", "data_efficiency", ""]["p_value"] == ""
    assert float(first["p_value"]) == float(first["p_holm"]) == 0.0625


def test_the_same_seed_writes_the_same_bytes(three_strategies, tmp_path):
    for name in ("first.csv", "second.csv"):
        compare_strategies(summary=three_strategies, seed=1, table=tmp_path / name)
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_a_summary_of_one_strategy_has_nothing_to_compare(aggregated):
    with pytest.raises(ValueError, match=r"found \['paml'\]; add one to run.strategies"):
        compare_strategies(
            summary=aggregated / "summary.h5", seed=1, table=aggregated / "comparison.csv"
        )


def test_the_comparison_is_drawn_from_its_table(three_strategies, tmp_path):
    table = tmp_path / "comparison.csv"
    compare_strategies(summary=three_strategies, seed=1, table=table)
    output = {"svg": tmp_path / "comparison.svg", "png": tmp_path / "comparison.png"}
    plot_comparison(table=table, **output)
    assert output["svg"].read_text().startswith("<?xml")
    assert output["png"].read_bytes().startswith(b"\x89PNG")
