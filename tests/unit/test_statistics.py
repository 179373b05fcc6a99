from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pamlflow import statistics
from pamlflow.statistics import AREA, DIFFERENCE, EFFICIENCY

STRATEGIES = ["uniform", "paml", "mine"]
KEYS = ["protocol", "metric", "baseline", "quantity"]


def tidy(strategies=STRATEGIES, trials=6, rounds=3, protocols=("paper", "few_shot_0"), seed=0):
    """Random scores; round 0 of a trial is the same for all strategies, as in a study."""
    rng = np.random.default_rng(seed)
    start = {key: rng.normal(3.0) for key in product(range(trials), protocols)}
    rows = [
        ("cart_pole", strategy, trial, round_, protocol, metric, value)
        for strategy in strategies
        for trial in range(trials)
        for round_ in range(1 if strategy == "oracle" else rounds + 1)
        for protocol in protocols
        for metric in ("nll", "rmse", "coverage_50")
        for value in [rng.normal(3.0 - round_) if round_ else start[trial, protocol]]
    ]
    columns = ["experiment", "strategy", "trial", "round", "protocol", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def curves(trials, rounds=4, seed=0):
    """Two random curves [R + 1, T] whose differences are around -0.3."""
    rng = np.random.default_rng(seed)
    subject, baseline = rng.normal(size=(2, rounds + 1, trials))
    return subject - np.arange(rounds + 1.0)[:, None] - 0.3, baseline - np.arange(rounds + 1.0)[
        :, None
    ]


def test_every_baseline_round_metric_and_protocol_has_a_row():
    table = statistics.compare(tidy(), "paml", ["uniform", "mine"], seed=1)
    assert list(table.columns) == statistics.COMPARISON_COLUMNS
    expected = [
        (protocol, metric, baseline, quantity, round_)
        for protocol in ("paper", "few_shot_0")
        for metric in ("nll", "rmse")
        for baseline in ("uniform", "mine")
        for quantity, round_ in [
            (DIFFERENCE, 1),
            (DIFFERENCE, 2),
            (DIFFERENCE, 3),
            (AREA, -1),
            (EFFICIENCY, -1),
        ]
    ]
    found = table.assign(round=table["round"].fillna(-1))[[*KEYS, "round"]]
    assert list(found.itertuples(index=False, name=None)) == expected
    assert set(table["subject"]) == {"paml"} and set(table["trials"]) == {6}


def test_differences_are_subject_minus_baseline_trial_by_trial():
    scores = tidy()
    table = statistics.compare(scores, "paml", ["uniform"], seed=1)
    chosen = scores[(scores["metric"] == "rmse") & (scores["protocol"] == "paper")]
    values = chosen.set_index(["strategy", "round", "trial"])["value"].sort_index()
    rows = table[(table["metric"] == "rmse") & (table["protocol"] == "paper")].set_index("round")
    for round_ in (1, 2, 3):
        differences = values["paml", round_] - values["uniform", round_]
        assert rows.loc[round_, "estimate"] == pytest.approx(differences.mean())
        assert rows.loc[round_, "p_value"] == stats.wilcoxon(differences).pvalue
        assert rows.loc[round_, "low"] < differences.mean() < rows.loc[round_, "high"]


def test_the_order_of_the_rows_does_not_matter():
    scores = tidy()
    shuffled = scores.groupby(["protocol", "metric"], sort=False).sample(frac=1, random_state=1)
    first, second = (statistics.compare(t, "paml", ["uniform"], seed=1) for t in (scores, shuffled))
    pd.testing.assert_frame_equal(first, second)


def test_a_comparison_depends_on_its_seed_and_not_on_other_comparisons():
    alone = statistics.compare(tidy(), "paml", ["mine"], seed=1)
    table = statistics.compare(tidy(), "paml", ["uniform", "mine"], seed=1)
    among = table[table["baseline"] == "mine"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.drop(columns="p_holm"), among.drop(columns="p_holm"))
    other = statistics.compare(tidy(), "paml", ["mine"], seed=2)
    assert not np.allclose(alone["low"].dropna(), other["low"].dropna())


def test_a_family_is_the_rounds_of_one_baseline_or_the_areas_of_all():
    table = statistics.compare(tidy(), "paml", ["uniform", "mine"], seed=1)
    for _, panel in table.groupby(["protocol", "metric"]):
        areas = panel[panel["quantity"] == AREA]
        families = [areas] + [
            panel[(panel["quantity"] == DIFFERENCE) & (panel["baseline"] == baseline)]
            for baseline in ("uniform", "mine")
        ]
        assert [len(family) for family in families] == [2, 3, 3]
        for family in families:
            expected = statistics.holm(family["p_value"].to_numpy())
            np.testing.assert_array_equal(family["p_holm"], expected)
    assert table.loc[table["quantity"] == EFFICIENCY, ["p_value", "p_holm"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        (
            {"strategy": "mine", "trial": 5},
            "nll of strategy 'mine' in trial 5, round 0, protocol 'paper'",
        ),
        ({"strategy": "paml", "round": 3}, "nll of strategy 'paml' in trial 0, round 3"),
        ({"strategy": "paml", "metric": "rmse", "trial": 2}, "rmse of strategy 'paml' in trial 2"),
        ({"strategy": "mine"}, "strategy 'mine' in trial 0, round 0"),
        ({"round": 0}, "strategy 'paml' in trial 0, round 0"),
    ],
)
def test_a_missing_score_is_named(absent, message):
    scores = tidy()
    gone = np.logical_and.reduce([scores[name] == value for name, value in absent.items()])
    with pytest.raises(ValueError, match=rf"{message}.* is missing; expected the same trials and"):
        statistics.compare(scores[~gone], "paml", ["mine"], seed=1)


@pytest.mark.parametrize(
    ("strategies", "expected"),
    [
        (["uniform", "oracle", "paml", "mine"], ("uniform", ["paml", "mine"])),
        (["latin_hypercube", "uniform"], ("latin_hypercube", ["uniform"])),
    ],
)
def test_the_subject_is_the_first_and_the_oracle_plays_no_part(strategies, expected):
    assert statistics.roles(strategies) == expected


@pytest.mark.parametrize("strategies", [[], ["oracle"], ["paml", "oracle"]])
def test_nothing_to_compare_is_refused(strategies):
    with pytest.raises(ValueError, match=r"at least two strategies besides 'oracle', found \["):
        statistics.roles(strategies)


def test_the_area_is_the_mean_lead_over_the_budget():
    differences = np.array([[0.0, 1.0], [-2.0, 1.0], [-4.0, 1.0]])
    # (0 - 2) / 2 + (-2 - 4) / 2 = -4 over two rounds
    np.testing.assert_allclose(
        statistics.with_area(differences), [[-2.0, 1.0], [-4.0, 1.0], [-2.0, 1.0]]
    )


@pytest.mark.parametrize(
    ("subject", "factor"),
    [
        ([5.0, 3.0, 9.0, 9.0, 9.0], 4.0),  # there after one round, though not for long
        ([5.0, 4.0, 3.0, 2.0, 1.0], 2.0),  # at the baseline's end in round 2 of 4
        ([5.0, 4.9, 4.8, 2.9, 2.0], 4.0 / 3.0),
        ([5.0, 4.5, 4.0, 3.5, 3.0], 1.0),  # the baseline itself
        ([5.0, 4.5, 4.0, 3.5, 3.1], 0.0),  # never there
    ],
)
def test_the_efficiency_counts_whole_rounds_until_the_baselines_end(subject, factor):
    baseline = np.array([5.0, 4.5, 4.0, 3.5, 3.0])
    assert statistics.data_efficiency(np.array(subject), baseline) == factor


def test_the_efficiency_goes_by_mean_curves():
    subject = np.array([[4.0, 4.0], [3.0, 1.0], [9.0, 9.0], [9.0, 9.0]])
    baseline = np.array([[4.0, 4.0], [4.0, 4.0], [4.0, 4.0], [1.0, 3.0]])
    assert statistics.effects(subject, baseline)[-1] == 3.0


def test_there_is_no_efficiency_where_the_baseline_ends_no_better_than_it_began():
    subject, baseline = curves(trials=6)
    baseline[-1] = baseline[0]
    table = statistics.compare_curves(subject, baseline, seed=1).set_index("quantity")
    assert table.loc[EFFICIENCY, ["estimate", "low", "high"]].isna().all()
    assert table.loc[[DIFFERENCE, AREA], ["estimate", "low", "high"]].notna().all(axis=None)


def test_intervals_agree_with_a_slow_twin():
    subject, baseline = curves(trials=8)
    low, high = statistics.intervals(subject, baseline, seed=1)
    rng = np.random.default_rng(5)
    resamples = []
    for _ in range(6000):
        chosen = rng.integers(8, size=8)
        mean_subject = [np.mean([row[trial] for trial in chosen]) for row in subject]
        mean_baseline = [np.mean([row[trial] for trial in chosen]) for row in baseline]
        lead = np.subtract(mean_subject, mean_baseline)
        area = sum((lead[i] + lead[i + 1]) / 2 for i in range(4)) / 4
        reached = [i for i in range(1, 5) if mean_subject[i] <= mean_baseline[4]]
        resamples.append([*lead[1:], area, 4 / reached[0] if reached else 0.0])
    outside = stats.norm.sf(np.sqrt(8 / 7) * stats.t.ppf(0.975, 7))
    expected = np.quantile(resamples, [outside, 1 - outside], axis=0)
    tolerance = 0.3 * np.std(resamples, axis=0)  # five standard errors of either quantile
    assert np.all(np.abs(low - expected[0]) <= tolerance)
    assert np.all(np.abs(high - expected[1]) <= tolerance)


def test_intervals_of_many_trials_are_those_of_students_t():
    subject, baseline = curves(trials=400)
    low, high = statistics.intervals(subject, baseline, seed=1)
    lead = (subject - baseline)[1:]
    expected = stats.t.interval(0.95, 399, lead.mean(axis=1), stats.sem(lead, axis=1))
    np.testing.assert_allclose([low[:4], high[:4]], expected, atol=0.02)


def test_intervals_of_ten_trials_cover_the_truth_95_percent_of_the_time():
    subject = np.random.default_rng(0).normal(size=(801, 10))  # 800 studies instead of rounds
    low, high = statistics.intervals(subject, np.zeros_like(subject), seed=1)
    covered = np.mean((low[:800] < 0.0) & (high[:800] > 0.0))
    assert covered == pytest.approx(0.95, abs=0.025)  # plain percentiles cover 0.89


def test_pairing_takes_out_what_the_trials_have_in_common():
    _, baseline = curves(trials=6)
    baseline += 100.0 * np.random.default_rng(0).normal(size=6)
    table = statistics.compare_curves(baseline - 0.25, baseline, seed=1).set_index("quantity")
    compared = table.loc[[DIFFERENCE, AREA]]
    np.testing.assert_allclose(compared[["estimate", "low", "high"]], -0.25)


@pytest.mark.parametrize("trials", [1, 2, 4])
def test_few_trials_have_estimates_but_no_intervals(trials):
    table = statistics.compare_curves(*curves(trials), seed=1)
    assert table["estimate"].notna().all()
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["p_value"].notna().sum() == (0 if trials == 1 else 5)


def test_five_trials_have_intervals():
    table = statistics.compare_curves(*curves(5), seed=1)
    assert table[["low", "high"]].notna().all(axis=None)


@pytest.mark.parametrize(
    "differences",
    [
        [0.3, -0.1, 0.7, 0.9, 1.4, -0.2],
        [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0],
        [1.0, -2.0, 3.0, -4.0, 5.0, -6.0],
        [0.5, 0.5, -0.5, 1.0, 1.0, 2.0],
        [0.0, 0.5, -0.25, 1.0, 1.5, 2.0],
    ],
)
def test_the_signed_rank_test_counts_all_sign_patterns(differences):
    nonzero = np.array([value for value in differences if value])
    ranks = stats.rankdata(np.abs(nonzero))
    balance = np.abs([ranks @ signs for signs in product([-1, 1], repeat=len(nonzero))])
    expected = np.mean(balance >= np.abs(ranks @ np.sign(nonzero)) - 1e-9)
    assert statistics.signed_rank_p_value(np.array(differences)) == pytest.approx(expected)


@pytest.mark.parametrize("trials", [2, 5, 10])
def test_the_smallest_p_value_halves_with_each_trial(trials):
    differences = -np.arange(1.0, trials + 1)
    assert statistics.signed_rank_p_value(differences) == pytest.approx(2.0 ** (1 - trials))


@pytest.mark.parametrize("differences", [[0.7], [0.0, 0.0, 0.0]])
def test_one_trial_or_no_difference_has_no_p_value(differences):
    assert np.isnan(statistics.signed_rank_p_value(np.array(differences)))


@given(
    st.lists(st.floats(0.0, 1.0) | st.just(float("nan")), min_size=1, max_size=8),
    st.floats(0.01, 0.2),
)
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values, level):
    members = sorted((p, i) for i, p in enumerate(p_values) if not np.isnan(p))
    rejected = set()
    for step, (p, index) in enumerate(members):
        if p * (len(members) - step) > level:
            break
        rejected.add(index)
    adjusted = statistics.holm(np.array(p_values))
    assert set(np.flatnonzero(adjusted <= level)) == rejected
    np.testing.assert_array_equal(np.isnan(adjusted), np.isnan(p_values))


def test_holm_on_a_textbook_family():
    p_values = np.array([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(statistics.holm(p_values), [0.03, 0.06, 0.06, 0.02])


def test_a_round_0_that_is_not_shared_is_a_warning(caplog):
    table = tidy()
    statistics.compare(table, "paml", ["uniform", "mine"], seed=0)
    assert not caplog.messages
    apart = (table["strategy"] == "mine") & (table["round"] == 0) & (table["trial"] == 2)
    table.loc[apart & (table["protocol"] == "paper") & (table["metric"] == "nll"), "value"] += 0.5
    statistics.compare(table, "paml", ["uniform", "mine"], seed=0)
    (message,) = caplog.messages
    assert "nll of 'mine' under 'paper' begins elsewhere" in message
    assert "in 1 of 6 trials, by up to 0.5," in message
