"""Paired comparison of a strategy with others over the trials of an experiment.

Within a trial all strategies start from the same tasks. Differences are subject minus baseline in the unit of
the metric, so negative values favour the subject. Shapes have R rounds and T trials. docs/scoring.md explains
the choices.
"""

import logging
from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from scipy.integrate import trapezoid

from pamlflow.names import ORACLE
from pamlflow.numerics import default_error_state
from pamlflow.seeding import generator
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)

METRICS = ("nll", "rmse")
DIFFERENCE, AREA, EFFICIENCY = "difference", "area_difference", "data_efficiency"
COMPARISON_COLUMNS = [
    "experiment",
    "protocol",
    "metric",
    "subject",
    "baseline",
    "quantity",
    "round",
    "trials",
    "estimate",
    "low",
    "high",
    "p_value",
    "p_holm",
]
CONFIDENCE = 0.95
RESAMPLES = 9_999
SHARED = 1e-3
"""Relative tolerance between scores of the shared round 0; larger differences are from different searches."""
MIN_TRIALS = 5
"""Fewer trials have no interval: even the range of all their differences has less than 90% coverage."""


def roles(strategies: Iterable[str]) -> tuple[str, list[str]]:
    """Return the subject, which is the first strategy, and its baselines; the oracle is left out.

    Raises ValueError when there is nothing to compare.
    """
    learners = [name for name in strategies if name != ORACLE]
    if len(learners) < 2:
        raise ValueError(
            f"comparison: expected at least two strategies besides '{ORACLE}', found {learners}; "
            "add one to run.strategies"
        )
    return learners[0], learners[1:]


@default_error_state()
def compare(table: pd.DataFrame, subject: str, baselines: Sequence[str], seed: int) -> pd.DataFrame:
    """Compare the subject with each baseline under every protocol, by NLL and by RMSE.

    `table` has the columns of the schema `summary`, of one experiment; the result has `COMPARISON_COLUMNS`.
    Every comparison resamples the same trials, so that it does not depend on the others. Raises
    ValueError when a score is missing, and warns where round 0, which all share, is not scored alike.
    """
    parts = []
    for protocol, metric in product(table["protocol"].unique(), METRICS):
        panel = table[(table["protocol"] == protocol) & (table["metric"] == metric)]
        curves = curves_by_strategy(panel, [subject, *baselines])
        for baseline in baselines:
            _warn_unless_shared(curves[subject][0], curves[baseline][0], baseline, protocol, metric)
            part = compare_curves(curves[subject], curves[baseline], seed)
            parts.append(part.assign(protocol=protocol, metric=metric, baseline=baseline))
    result = pd.concat(parts, ignore_index=True)
    result = result.assign(experiment=table["experiment"].iloc[0], subject=subject)
    # A family is all rounds against one baseline, or the areas against all of them.
    by_round = result["quantity"] == DIFFERENCE
    family = ["protocol", "metric", "quantity", result["baseline"].where(by_round, "")]
    p_values = result.groupby(family)["p_value"]
    result["p_holm"] = p_values.transform(lambda values: holm(values.to_numpy()))
    return result[COMPARISON_COLUMNS]


def _warn_unless_shared(
    subject: FloatArray, baseline: FloatArray, name: str, protocol: str, metric: str
) -> None:
    alike = np.isclose(subject, baseline, rtol=SHARED, atol=SHARED)
    if not alike.all():
        gap = np.abs(subject - baseline).max()
        logger.warning(
            f"comparison: {metric} of '{name}' under '{protocol}' begins elsewhere than the subject's in "
            f"{np.sum(~alike)} of {len(alike)} trials, by up to {gap:.3g}, although round 0 is one model: "
            "score both with one version and on one machine"
        )


def curves_by_strategy(panel: pd.DataFrame, strategies: Sequence[str]) -> dict[str, FloatArray]:
    """Return the curve [R + 1, T] of each strategy from the scores of one metric and protocol.

    Raises ValueError if a strategy lacks a trial or a round that another one has.
    """
    panel = panel[panel["strategy"].isin(strategies)]
    trials = sorted(panel["trial"].unique())
    rounds = range(panel["round"].max() + 1)
    scores = panel.pivot(index="round", columns=["strategy", "trial"], values="value")
    columns = pd.MultiIndex.from_product([strategies, trials])
    values = scores.reindex(index=rounds, columns=columns).to_numpy(dtype=float)
    missing = np.argwhere(np.isnan(values).T)
    if len(missing):
        column, round_ = missing[0]
        strategy, trial = columns[column]
        raise ValueError(
            f"comparison: {panel['metric'].iloc[0]} of strategy '{strategy}' in trial {trial}, round "
            f"{round_}, protocol '{panel['protocol'].iloc[0]}' is missing; expected the same trials and "
            "rounds of every strategy, let aggregate_metrics write the summary anew"
        )
    curves = values.reshape(len(rounds), len(strategies), len(trials)).swapaxes(0, 1)
    return dict(zip(strategies, curves, strict=True))


def compare_curves(subject: FloatArray, baseline: FloatArray, seed: int) -> pd.DataFrame:
    """Compare curves [R + 1, T]: a row for each of the rounds 1 to R, for the area, and for the efficiency.

    These values are NaN: intervals of fewer than `MIN_TRIALS` trials, p-values that do not exist, and the
    efficiency if the mean of the baseline ends no better than it began.
    """
    rounds, trials = len(subject) - 1, subject.shape[1]
    low, high = intervals(subject, baseline, seed)
    tests = [signed_rank_p_value(differences) for differences in with_area(subject - baseline)]
    pair = pd.DataFrame(
        {
            "quantity": [*[DIFFERENCE] * rounds, AREA, EFFICIENCY],
            "round": pd.array([*range(1, rounds + 1), None, None], dtype="Int64"),
            "trials": trials,
            "estimate": effects(subject, baseline),
            "low": low,
            "high": high,
            "p_value": [*tests, np.nan],
        }
    )
    if baseline[-1].mean() >= baseline[0].mean():
        pair.loc[pair["quantity"] == EFFICIENCY, ["estimate", "low", "high"]] = np.nan
    return pair


def effects(subject: FloatArray, baseline: FloatArray, axis: int = -1) -> FloatArray:
    """Return differences, area and efficiency [R + 2, ...] of curves [R + 1, ..., T] averaged over trials."""
    subject, baseline = subject.mean(axis=axis), baseline.mean(axis=axis)
    efficiency = data_efficiency(subject, baseline)
    return np.concatenate([with_area(subject - baseline), efficiency[None]])


def with_area(differences: FloatArray) -> FloatArray:
    """Return the differences of the rounds 1 to R, and their mean by the trapezoid rule: [R + 1, ...]."""
    area = trapezoid(differences, axis=0) / (len(differences) - 1)
    return np.concatenate([differences[1:], area[None]])


def data_efficiency(subject: FloatArray, baseline: FloatArray) -> FloatArray:
    """Return R over the first round from 1 in which the subject reaches the last value of the baseline.

    Both are curves [R + 1, ...]. The efficiency is 0 if the subject does not reach this value.
    """
    reached = subject[1:] <= baseline[-1]
    return np.where(reached.any(axis=0), len(reached) / (1 + reached.argmax(axis=0)), 0.0)


def intervals(subject: FloatArray, baseline: FloatArray, seed: int) -> FloatArray:
    """Return bootstrap intervals of `effects`, low and high [2, R + 2], from resampled trials.

    They are percentiles, expanded to the width of Student's t for few trials (Hesterberg, What Teachers Should
    Know About the Bootstrap, The American Statistician 69, 2015, section 3.4).
    """
    trials = subject.shape[1]
    if trials < MIN_TRIALS:
        return np.full((2, len(subject) + 1), np.nan)
    student = stats.t.ppf(0.5 + 0.5 * CONFIDENCE, trials - 1)
    outside = stats.norm.sf(np.sqrt(trials / (trials - 1)) * student)
    interval = stats.bootstrap(
        (subject, baseline),
        effects,
        paired=True,
        vectorized=True,
        axis=-1,
        method="percentile",
        confidence_level=1 - 2 * float(outside),
        n_resamples=RESAMPLES,
        batch=1_000,  # bounds the memory
        rng=generator(seed),
    ).confidence_interval
    return np.array([interval.low, interval.high])


def signed_rank_p_value(differences: FloatArray) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; NaN for one trial or without differences."""
    if len(differences) < 2 or not differences.any():
        return float("nan")
    return float(stats.wilcoxon(differences).pvalue)


def holm(p_values: FloatArray) -> FloatArray:
    """Return the p-values of a family, adjusted for any dependence; NaN are ignored and stay.

    Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statistics 6, 1979.
    """
    order = np.argsort(p_values)  # NaN last
    remaining = np.count_nonzero(~np.isnan(p_values)) - np.arange(len(p_values))
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(remaining * p_values[order]), 1.0)
    return adjusted
