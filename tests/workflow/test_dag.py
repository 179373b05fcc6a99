"""What Snakemake plans to do, and refuses to plan."""

import re
from collections import Counter

import pytest
from running import ROOT, overlay, run


def jobs(folder, *arguments):
    """The number of jobs of each rule in a dry run."""
    stats = run(folder, "--dry-run", "--quiet", "rules", *arguments)
    return Counter({rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", stats, re.M)})


def test_the_study_has_every_job_of_the_paper(tmp_path):
    assert jobs(tmp_path) == {
        "simulate_test_tasks": 5,
        "simulate_initial_tasks": 5 * 10,
        "draw_design": 5 * 10,
        "train_initial_round": 5 * 10,
        "train_oracle": 5 * 10,
        "acquire_round": 5 * 10 * 3 * 15,
        "evaluate_trial": 5 * 10 * 4,
        "aggregate_metrics": 5,
        "plot_learning_curves": 5,
        "compare_strategies": 5,
        "plot_comparison": 5,
        "plot_latent_space": 5,
        "plot_choices": 5,
        "plot_chosen_values": 5,
        "plot_error_maps": 5,
        "all": 1,
        "total": 2696,
    }


def test_the_quickstart_has_trials_to_average_and_leaves_the_study_alone(tmp_path):
    plan = run(tmp_path, "--dry-run", "--configfile", ROOT / "config" / "quickstart.yaml")
    counts = Counter(re.findall(r"^rule (\w+):$", plan, re.M))
    assert counts["train_initial_round"] == counts["train_oracle"] == 2
    assert counts["acquire_round"] == 2 * 3 * 6
    assert counts["evaluate_trial"] == 2 * 4
    assert "cart_pole/" not in plan


def test_the_oracle_alone_adds_no_task(tmp_path):
    changed = overlay(tmp_path, run={"strategies": ["oracle"], "trials": 1})
    counts = jobs(tmp_path, "--configfile", changed)
    assert counts["train_oracle"] == 5
    assert not counts["acquire_round"] and not counts["train_initial_round"]
    assert counts["plot_error_maps"] == 5 and not counts["plot_choices"]


@pytest.mark.parametrize(
    ("strategies", "comparisons"),
    [(["uniform"], 0), (["paml", "oracle"], 0), (["uniform", "latin_hypercube"], 5)],
)
def test_a_comparison_needs_two_strategies_that_add_tasks(tmp_path, strategies, comparisons):
    changed = overlay(tmp_path, run={"strategies": strategies, "trials": 1})
    counts = jobs(tmp_path, "--configfile", changed)
    assert counts["compare_strategies"] == counts["plot_comparison"] == comparisons


def test_a_strategy_of_ones_own_runs_under_its_name(tmp_path):
    changed = overlay(
        tmp_path,
        run={"strategies": ["mine"], "trials": 1},
        strategies={"mine": "my_package.my_module:choose"},
    )
    plan = run(tmp_path, "--dry-run", "--configfile", changed)
    assert "results/cart_pole/mine/trial_00/round_15.h5" in plan


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"run": {"trails": 3}}, "run.trails: unknown key; did you mean 'trials'?"),
        ({"run": {"strategies": ["palm"]}}, "run.strategies[0]: unknown name 'palm'; did you mean"),
        ({"run": {"experiments": ["cartpole"]}}, "unknown name 'cartpole'; did you mean"),
        ({"run": {"trials": 0}}, "run.trials: expected a whole number at least 1"),
    ],
)
def test_a_bad_configuration_ends_in_a_short_message_before_any_job(tmp_path, changes, expected):
    output = run(tmp_path, "--configfile", overlay(tmp_path, **changes), status=1)
    assert expected in output
    assert "Traceback" not in output
    assert len(output.splitlines()) < 10
    assert not (tmp_path / "data").exists()
