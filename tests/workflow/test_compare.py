"""The comparison of strategies, from a summary that is already there."""

import csv

import numpy as np
from running import run

from pamlflow.storage import store

RESULTS = "results/cart_pole"


def write_summary(path):
    """Scores of three strategies in six trials of two rounds."""
    rng = np.random.default_rng(0)
    rows = [
        ("cart_pole", strategy, trial, round_, "paper", metric, rng.normal())
        for strategy in ("paml", "uniform", "latin_hypercube")
        for trial in range(6)
        for round_ in range(3)
        for metric in ("nll", "rmse")
    ]
    names = ["experiment", "strategy", "trial", "round", "protocol", "metric", "value"]
    columns = [list(column) for column in zip(*rows, strict=True)]
    path.parent.mkdir(parents=True)
    store.write(path, "summary", dict(zip(names, columns, strict=True)), seed=0, config={})


def test_the_table_and_the_figure_are_made_from_the_summary(tmp_path):
    write_summary(tmp_path / RESULTS / "summary.h5")
    rules = ("--allowed-rules", "compare_strategies", "plot_comparison")
    run(tmp_path, f"{RESULTS}/comparison.png", *rules)
    with (tmp_path / RESULTS / "comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["baseline"] for row in rows} == {"uniform", "latin_hypercube"}
    assert {row["subject"] for row in rows} == {"paml"}
    assert (tmp_path / RESULTS / "comparison.svg").read_text().startswith("<?xml")
    for log in ("comparison", "comparison_figure"):
        assert "done in" in (tmp_path / f"logs/cart_pole/{log}.log").read_text()
