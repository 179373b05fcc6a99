"""A study without `.snakemake`, as in a copy: its files say what they were made from."""

import re
import shutil

import pytest
from running import SMOKE, changed, rules, run

RESULTS = "results/smoke"
FIGURES = {"learning_curves", "error_maps", "latent_space", "choices", "chosen_values"}
ALL_FIGURES = {f"plot_{name}": 1 for name in FIGURES}


@pytest.fixture(scope="module")
def study(smoke, tmp_path_factory):
    """A copy of the finished run without Snakemake's notes, for dry runs."""
    folder = tmp_path_factory.mktemp("lost") / "study"
    return shutil.copytree(smoke, folder, ignore=shutil.ignore_patterns(".snakemake"))


def contents(folder):
    """The date and the size of every file but those of Snakemake."""
    paths = (path for path in folder.rglob("*") if ".snakemake" not in path.parts)
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}


def test_what_agrees_is_left_alone(study):
    plan = run(study, "--dry-run", "--configfile", SMOKE)
    assert "Nothing to be done" in plan and "agree" not in plan


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"seed": 1},
            {
                "simulate_test_tasks": 1,
                "simulate_initial_tasks": 1,
                "draw_design": 1,
                "train_initial_round": 1,
                "train_oracle": 1,
                "acquire_round": 2,
                "evaluate_trial": 2,
                "aggregate_metrics": 1,
                **ALL_FIGURES,
            },
        ),
        (
            {"training__next_iterations": 6},
            {"acquire_round": 2, "evaluate_trial": 1, "aggregate_metrics": 1, **ALL_FIGURES},
        ),
        (
            {"run__trials": 2},
            {
                "simulate_initial_tasks": 1,
                "draw_design": 1,
                "train_initial_round": 1,
                "train_oracle": 1,
                "acquire_round": 2,
                "evaluate_trial": 2,
                "aggregate_metrics": 1,
                **{name: 1 for name in ALL_FIGURES if name != "plot_latent_space"},
            },
        ),
        (
            {"experiments__smoke__added_tasks": 3},
            {"acquire_round": 1, "evaluate_trial": 1, "aggregate_metrics": 1, **ALL_FIGURES},
        ),
        (
            {"run__strategies": ["paml"]},
            {"aggregate_metrics": 1, "plot_learning_curves": 1, "plot_error_maps": 1},
        ),
    ],
    ids=["seed", "setting", "trial", "round", "strategies"],
)
def test_what_a_change_concerns_is_planned_and_nothing_else(study, tmp_path, changes, expected):
    before = contents(study)
    plan = run(study, "--dry-run", "--configfile", changed(tmp_path, **changes))
    assert rules(plan) == expected
    assert "not agree with the configuration, to be made again" in plan
    assert contents(study) == before


def test_only_what_a_target_comes_from_is_made_again(study, tmp_path):
    target = f"{RESULTS}/initial/trial_00/round_00.h5"
    plan = run(study, target, "--dry-run", "--configfile", changed(tmp_path, seed=1))
    assert rules(plan) == {"simulate_initial_tasks": 1, "train_initial_round": 1}


def test_rules_that_are_not_allowed_keep_their_files(study, tmp_path):
    target, seed = f"{RESULTS}/paml/trial_00/round_01.h5", changed(tmp_path, seed=1)
    options = ("--allowed-rules", "acquire_round", "--configfile", seed)
    plan = run(study, target, "--dry-run", *options)
    assert rules(plan) == {"acquire_round": 1}
    kept = plan.split("kept since --allowed-rules leaves them out")[1]
    assert "data/smoke/trial_00/initial_tasks.h5: seed: expected" in kept


def test_another_figure_in_its_place_is_drawn_again(smoke, study, tmp_path):
    folder = shutil.copytree(study, tmp_path / "study")
    name = f"{RESULTS}/learning_curves.svg"
    (folder / name).write_text("last year's")
    output = run(folder, "--configfile", SMOKE)
    assert f"{name}: changed since it was made" in output
    assert re.findall(r"done, .*?(\w+) smoke", output) == ["plot_learning_curves"]
    assert (folder / name).read_bytes() == (smoke / name).read_bytes()
    assert "Nothing to be done" in run(folder, "--dry-run", "--configfile", SMOKE)
