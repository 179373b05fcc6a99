"""What Snakemake plans to do, and refuses to plan."""

import re
import subprocess
from collections import Counter

import pytest
from running import ROOT, command, overlay, run

BOMB = "\n".join(f"x{n}: &x{n} {{a: {f'*x{n - 1}, b: *x{n - 1}' * (n > 0)}}}" for n in range(40))
TWO = {"experiments": ["cart_pole", "pendubot"]}


def jobs(folder, *arguments):
    """The number of jobs of each rule in a dry run."""
    stats = run(folder, "--dry-run", "--quiet", "rules", *arguments)
    return Counter({rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", stats, re.M)})


def test_the_study_has_every_job_of_the_paper(tmp_path):
    assert jobs(tmp_path) == {
        "simulate_test_tasks": 6,
        "simulate_initial_tasks": 6 * 10,
        "draw_design": 5 * 10,
        "draw_pool": 10,
        "train_initial_round": 6 * 10,
        "train_oracle": 6 * 10,
        "acquire_round": (3 * 3 + 2 * 4 + 2) * 10 * 15,
        "evaluate_trial": (3 * 4 + 2 * 5 + 3) * 10,
        "aggregate_metrics": 6,
        "plot_learning_curves": 6,
        "compare_strategies": 6,
        "plot_comparison": 6,
        "plot_latent_space": 6,
        "plot_choices": 6,
        "plot_chosen_values": 6,
        "plot_error_maps": 6,
        "plot_montage": 1,
        "plot_reconstructions": 1,
        "plot_traversal": 1,
        "rank_candidates": 1,
        "plot_rank_correlation": 1,
        "plot_overview": 3,
        "all": 1,
        "total": 3403,
    }


def test_recorded_tasks_have_pools_that_wait_for_the_test_tasks(tmp_path):
    shelf = {
        "domain": "own_records:Decays",
        "space": {"rate": [0.0, 1.0], "gain": [1.0, 2.0]},
        "test_tasks": 5,
        "initial_tasks": 2,
        "added_tasks": 2,
        "strategies": ["paml", "oracle"],
    }
    study = overlay(
        tmp_path,
        experiments={"shelf": shelf},
        run={"experiments": ["shelf"], "trials": 2},
        inference={"protocols": ["few_shot_5"]},
    )
    call = command(
        tmp_path, "--dry-run", "data/shelf/trial_01/initial_tasks.h5", "--configfile", study
    )
    call["env"]["PYTHONPATH"] += f":{ROOT / 'tests'}"
    done = subprocess.run(**call, check=False)
    assert done.returncode == 0, done.stdout
    planned = re.findall(r"^rule (\w+):", done.stdout, re.M)
    assert planned == ["simulate_test_tasks", "draw_pool", "simulate_initial_tasks"]
    assert "input: data/shelf/test_tasks.h5" in done.stdout


def test_an_experiment_with_a_pool_has_no_design_and_its_own_strategies(tmp_path):
    run_ = {"experiments": ["cart_pole_pixels"], "strategies": ["latin_hypercube"], "trials": 1}
    plan = run(tmp_path, "--dry-run", "--configfile", overlay(tmp_path, run=run_))
    counts = Counter(re.findall(r"^rule (?!all:)(\w+):$", plan, re.M))
    assert counts["draw_pool"] == 1 and not counts["draw_design"]
    assert counts["acquire_round"] == 2 * 15 and counts["evaluate_trial"] == 3
    pool, test = "data/cart_pole_pixels/trial_00/pool.h5", "data/cart_pole_pixels/test_tasks.h5"
    inputs = dict(re.findall(r"^    input: (.*)\n    output: (.*)$", plan, re.M))
    made_from = {output: set(names.split(", ")) for names, output in inputs.items()}
    folder = "results/cart_pole_pixels"
    assert pool in made_from[f"{folder}/initial/trial_00/round_00.h5"]
    assert pool in made_from[f"{folder}/paml/trial_00/round_15.h5"]
    assert made_from[f"{folder}/oracle/trial_00/round_00.h5"] == {test}


def test_the_quickstart_has_trials_to_average_and_leaves_the_study_alone(tmp_path):
    plan = run(tmp_path, "--dry-run", "--configfile", ROOT / "config" / "quickstart.yaml")
    counts = Counter(re.findall(r"^rule (\w+):$", plan, re.M))
    assert counts["train_initial_round"] == counts["train_oracle"] == 2
    assert counts["acquire_round"] == 2 * 3 * 6
    assert counts["evaluate_trial"] == 2 * 4
    assert "cart_pole/" not in plan


def test_the_oracle_alone_adds_no_task(tmp_path):
    changed = overlay(tmp_path, run={**TWO, "strategies": ["oracle"], "trials": 1})
    counts = jobs(tmp_path, "--configfile", changed)
    assert counts["train_oracle"] == 2
    assert not counts["acquire_round"] and not counts["train_initial_round"]
    assert counts["plot_error_maps"] == 2 and not counts["plot_choices"]


@pytest.mark.parametrize(
    ("strategies", "comparisons"),
    [(["uniform"], 0), (["paml", "oracle"], 0), (["uniform", "latin_hypercube"], 2)],
)
def test_a_comparison_needs_two_strategies_that_add_tasks(tmp_path, strategies, comparisons):
    changed = overlay(tmp_path, run={**TWO, "strategies": strategies, "trials": 1})
    counts = jobs(tmp_path, "--configfile", changed)
    assert counts["compare_strategies"] == counts["plot_comparison"] == comparisons


def test_a_strategy_of_ones_own_runs_under_its_name(tmp_path):
    changed = overlay(
        tmp_path,
        run={"strategies": ["mine"], "trials": 1},
        strategies={"mine": {"strategy": "pamlflow.acquisition.uniform:uniform"}},
    )
    plan = run(tmp_path, "--dry-run", "--configfile", changed)
    assert "results/cart_pole/mine/trial_00/round_15.h5" in plan


def test_too_few_latent_dimensions_are_warned_of_once_and_given_to_the_jobs(tmp_path):
    run_ = {"experiments": ["cart_pole"], "strategies": ["uniform"], "trials": 1}
    changed = overlay(tmp_path, run=run_, model={"latent_dimensions": 1})
    plan = run(tmp_path, "--dry-run", "--configfile", changed)
    warning = "experiments.cart_pole: latent_dimensions is 1, and 2 parameters vary between tasks"
    assert plan.count(warning) == 1
    pictures = overlay(tmp_path, run={**run_, "experiments": ["cart_pole_pixels"]})
    assert jobs(tmp_path, "--configfile", pictures)["plot_traversal"] == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"run": {"trails": 3}}, "run.trails: unknown key; did you mean 'trials'?"),
        ({"run": {"strategies": ["palm"]}}, "run.strategies[0]: unknown name 'palm'; did you mean"),
        ({"run": {"experiments": ["cartpole"]}}, "unknown name 'cartpole'; did you mean"),
        ({"run": {"trials": 0}}, "run.trials: expected a whole number at least 1"),
        (
            {
                "run": {"strategies": ["mine"]},
                "strategies": {"mine": {"strategy": "no_package:choose"}},
            },
            "strategies.mine.strategy: cannot load the strategy",
        ),
    ],
)
def test_a_bad_configuration_ends_in_a_short_message_before_any_job(tmp_path, changes, expected):
    output = run(tmp_path, "--configfile", overlay(tmp_path, **changes), status=1)
    assert expected in output
    assert "Traceback" not in output
    assert len(output.splitlines()) < 10
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("content", "arguments", "expected"),
    [
        (
            "run:\n  trials: 1\n  trials: 2\n",
            (),
            "run.trials: given twice, in lines 2 and 3; keep one",
        ),
        ("", (), "mine.yaml: expected keys such as `run:`, found nothing"),
        ("seed: 1", ("all",), "all: there is no such file; --configfile takes all that follows it"),
        ("a: &a {b: *a}", (), "a.b: an alias (*) stands within what it refers to"),
        (BOMB, (), "mine.yaml: expected at most 20000 values, each alias (*) written out, found"),
        (
            "seed: 1",
            ("--config", "run.trials=2"),
            "--config run.trials: only keys of the top level",
        ),
        ("seed: 1", ("--config", "seed=2", "seed=3"), "--config seed: given 2 times; keep one"),
    ],
)
def test_what_snakemake_reads_by_itself_is_told_in_short(tmp_path, content, arguments, expected):
    (tmp_path / "mine.yaml").write_text(content)
    output = run(tmp_path, "--dry-run", "--configfile", "mine.yaml", *arguments, status=1)
    assert expected in output
    assert "Traceback" not in output and len(output.splitlines()) < 10
