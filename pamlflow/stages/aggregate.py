"""Tables and figures of the scores of all trials, for each experiment and for all together."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pamlflow import plotting, statistics
from pamlflow.doubts import curves, ends_worse_than_the_mean, rises
from pamlflow.storage import files, store, tables

logger = logging.getLogger(__name__)

SUMMARY_COLUMNS = ["experiment", "strategy", "trial", "round", "protocol", "metric", "value"]


def aggregate_metrics(
    *,
    metrics: Sequence[Path],
    experiment: str,
    strategies: Sequence[str],
    trials: Sequence[int],
    summary: Path,
    table: Path,
) -> list[str]:
    """Write one row for each strategy, trial, round, protocol and metric, as HDF5 and as CSV.

    `metrics` has a file for each strategy and trial, trials of the first strategy first. Scores are averaged
    over the test tasks; squared errors are averaged before the root.

    Returns and logs a warning for each mean over trials that rises with the tasks, or that ends worse than
    predicting the mean.
    """
    cases = list(product(strategies, trials))
    scores = [store.read(path, "metrics").datasets for path in metrics]
    rows = [
        (experiment, strategy, trial, *score)
        for (strategy, trial), datasets in zip(cases, scores, strict=True)
        for score in _scores(datasets)
    ]
    tidy = pd.DataFrame(rows, columns=SUMMARY_COLUMNS)
    config = {"experiment": experiment, "strategies": list(strategies), "trials": list(trials)}
    datasets = {name: tidy[name].to_numpy() for name in SUMMARY_COLUMNS}
    store.write(summary, "summary", datasets, seed=0, config=config, parents=metrics)
    files.replace(table, tables.content(datasets))
    doubts = [
        f"{experiment}, {strategy}, {doubt}"
        for strategy in strategies
        for doubt in _doubts(
            [it for case, it in zip(cases, scores, strict=True) if case[0] == strategy]
        )
    ]
    for doubt in doubts:
        logger.warning(doubt)
    return doubts


def plot_learning_curves(*, summary: Path, svg: Path, png: Path) -> None:
    """Draw the learning curves of an experiment from its summary."""
    figure = plotting.learning_curves(_tidy(summary))
    plotting.save(figure, svg, png)


def plot_overview(*, summaries: Sequence[Path], protocol: str, svg: Path, png: Path) -> None:
    """Draw the learning curves of several experiments under one protocol from their summaries."""
    table = pd.concat([_tidy(summary) for summary in summaries])
    plotting.save(plotting.overview(table, protocol), svg, png)


def compare_strategies(*, summary: Path, seed: int, table: Path) -> None:
    """Write the paired comparison of the first strategy with each of the others as CSV."""
    scores = _tidy(summary)
    subject, baselines = statistics.roles(scores["strategy"].unique())
    result = statistics.compare(scores, subject, baselines, seed)
    files.replace(table, result.to_csv(index=False, lineterminator="\n").encode())


def plot_comparison(*, table: Path, svg: Path, png: Path) -> None:
    """Draw the paired comparison of an experiment from its table."""
    figure = plotting.comparison(pd.read_csv(table))
    plotting.save(figure, svg, png)


def _tidy(summary: Path) -> pd.DataFrame:
    """Return the table in a file of the schema `summary`."""
    datasets = store.read(summary, "summary").datasets
    return pd.DataFrame({name: datasets[name] for name in SUMMARY_COLUMNS})


def _scores(data: Mapping[str, Any]) -> Iterator[tuple[int, str, str, float]]:
    """Yield (round, protocol, metric, value) for everything in datasets of the schema `metrics`."""
    scores = {
        "nll": data["nll"].mean(axis=-1),
        "rmse": np.sqrt(data["squared_error"].mean(axis=-1)),
    }
    for index, level in enumerate(data["coverage_levels"]):
        scores[f"coverage_{100 * level:.0f}"] = data["coverage"][:, :, index].mean(axis=-1)
    trivial = {
        "trivial_nll": data["trivial/nll"].mean(axis=-1),
        "trivial_rmse": np.sqrt(data["trivial/squared_error"].mean(axis=-1)),
    }
    scores |= {name: np.tile(values, (len(data["round"]), 1)) for name, values in trivial.items()}
    for row, round_ in enumerate(data["round"]):
        for column, protocol in enumerate(data["protocols"]):
            for metric, values in scores.items():
                yield int(round_), str(protocol), metric, float(values[row, column])


def _doubts(trials: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield warnings about the means over `trials` (schema `metrics`), in the rounds that all trials have."""
    common = min((trial["round"] for trial in trials), key=len)
    mean = {
        name: np.mean([trial[name][: len(common)] for trial in trials], axis=0)
        for name in ("nll", "squared_error")
    }
    for curve in curves({**trials[0], **mean, "round": common}):
        yield from filter(None, (ends_worse_than_the_mean(curve), rises(curve)))
