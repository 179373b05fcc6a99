"""Real runs of a tiny study: what comes out, what a change re-runs, what a kill costs."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import psutil
import pytest
import yaml
from running import ROOT, SMOKE, changed, command, rules, run

from pamlflow.cli import main
from pamlflow.jobs.recover import recover
from pamlflow.storage import store

RESULTS = "results/smoke"
FIGURES = {"learning_curves", "error_maps", "latent_space", "choices", "chosen_values"}


@pytest.fixture
def replan(smoke, tmp_path):
    """What Snakemake would run in the finished folder after a change of smoke.yaml."""

    def plan(**changes):
        return run(smoke, "--dry-run", "--configfile", changed(tmp_path, **changes))

    return plan


def test_the_summary_has_every_score_once(smoke):
    with (smoke / RESULTS / "summary.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    header = ["experiment", "strategy", "trial", "round", "protocol", "metric", "value"]
    assert rows[0] == header
    for metric in ("nll", "rmse"):
        scored = [tuple(row[1:5]) for row in rows[1:] if row[5] == metric]
        assert scored == [
            (strategy, "0", str(round_), protocol)
            for strategy, last in (("paml", 2), ("oracle", 0))
            for round_ in range(last + 1)
            for protocol in ("few_shot_0", "few_shot_5")
        ]


def test_the_trained_model_of_the_docs_predicts(smoke, monkeypatch):
    page = (ROOT / "docs" / "trained_model.md").read_text(encoding="utf-8")
    example = page.split("```python")[1].split("```")[0]
    here = {"cart_pole_quickstart": "smoke", "round_06": "round_02", "20": "5"}
    for theirs, ours in here.items():
        assert theirs in example
        example = example.replace(theirs, ours)
    monkeypatch.chdir(smoke)
    names = {}
    exec(example, names)
    assert names["mean"].shape == names["variance"].shape == (1, 15, 4)
    error = np.abs(names["outputs"][:, 5:] - names["mean"])
    assert np.all(error < 6 * np.sqrt(names["variance"]))


def test_every_product_is_there_and_every_file_is_valid(smoke):
    figures = [f"{name}.{suffix}" for name in FIGURES for suffix in ("svg", "png")]
    for name in (*figures, "summary.h5"):
        assert (smoke / RESULTS / name).stat().st_size > 1000
    files = [str(path) for path in smoke.rglob("*.h5")]
    assert main(["check", *files]) == 0


def test_every_job_had_a_seed_of_its_own(smoke):
    """Summaries draw nothing; their seed is zero."""
    files = [path for path in smoke.rglob("*.h5") if path.name != "summary.h5"]
    assert len({store.read(path).seed for path in files}) == len(files) > 5


def test_every_job_reported_itself_with_a_running_count(smoke):
    lines = re.findall(r"^\S+ +(\d+) of 16 done, .*$", (smoke / "output.txt").read_text(), re.M)
    assert lines == [str(done) for done in range(1, 17)]


def test_every_job_left_a_log_and_a_benchmark(smoke):
    logs = {path.with_suffix("") for path in (smoke / "logs").rglob("*.log")}
    benchmarks = {path.with_suffix("") for path in (smoke / "logs").rglob("*.tsv")}
    assert logs == benchmarks and len(logs) == 15


def test_the_report_shows_the_figures_and_their_captions(smoke, tmp_path):
    report = tmp_path / "report.html"
    run(smoke, "--configfile", SMOKE, "--report", report)
    text = report.read_text()
    assert all(f"{name}.svg" in text for name in FIGURES)
    assert "negative log predictive density" in text and "the mean of q(h)" in text
    landing = json.loads(re.search(r"var workflow_desc = (.*);", text)[1])
    curves = (smoke / RESULTS / "learning_curves.svg").read_text(encoding="utf-8")
    assert curves[curves.index("<svg") :].strip() in landing and landing.count("<svg") == 1


@pytest.mark.parametrize("target", ["paml/trial_00/round_01.h5", "learning_curves.svg"])
def test_the_environment_of_the_user_changes_no_byte(smoke, tmp_path, monkeypatch, target):
    folder = shutil.copytree(smoke, tmp_path / "elsewhere")
    style = tmp_path / "matplotlibrc"
    style.write_text("text.usetex: True\nfont.size: 30\nsavefig.bbox: tight\naxes.linewidth: 9\n")
    for setting in (
        f"MATPLOTLIBRC={style}",
        "MPLBACKEND=nonsense",
        "PYTHONHASHSEED=7",
        "PYTHONOPTIMIZE=2",
        "PYTHONWARNINGS=error",
        "GPFLOW_FLOAT=float32",
        "TF_USE_LEGACY_KERAS=0",
        "TF_XLA_FLAGS=--tf_xla_auto_jit=2",
        "LC_ALL=POSIX",
        "OMP_NUM_THREADS=3",
    ):
        monkeypatch.setenv(*setting.split("=", 1))
    made = folder / RESULTS / target
    before = made.read_bytes()
    made.unlink()
    run(folder, f"{RESULTS}/{target}", "--configfile", SMOKE, "--rerun-triggers", "mtime")
    assert made.read_bytes() == before


def test_a_larger_budget_only_adds_rounds(replan):
    plan = replan(experiments__smoke__added_tasks=4)
    assert rules(plan) == {
        "acquire_round": 2,
        "evaluate_trial": 1,
        "aggregate_metrics": 1,
        **{f"plot_{name}": 1 for name in FIGURES},
    }
    rounds = set(re.findall(r"output: results/smoke/\w+/trial_00/round_(\d+).h5", plan))
    assert rounds == {"03", "04"}


def test_another_strategy_runs_its_own_rounds_from_the_shared_start(replan):
    plan = replan(run__strategies=["paml", "uniform", "oracle"])
    own = {"draw_design": 0, "train_initial_round": 0, "acquire_round": 2, "evaluate_trial": 1}
    counts = rules(plan)
    assert {rule: counts[rule] for rule in own} == own
    assert set(re.findall(r"output: results/smoke/(\w+)/trial_00", plan)) == {"uniform"}


def test_a_strategy_may_have_candidates_of_its_own(smoke, tmp_path):
    folder = shutil.copytree(smoke, tmp_path / "own")
    config = yaml.safe_load(SMOKE.read_text())
    config["run"]["strategies"] = ["paml", "spread"]
    own = {"strategy": "paml", "options": {"candidates": "descriptor", "num_candidates": 50}}
    config["strategies"] = {"spread": own}
    (folder / "own.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    target = "results/smoke/spread/trial_00/round_01.h5"
    output = run(folder, target, "--configfile", folder / "own.yaml")
    assert "1 of 1 done" in output
    record = store.read(folder / target)
    assert record.config["strategy"] == "paml"
    assert record.config["options"] == {"candidates": "descriptor", "num_candidates": 50}


def test_another_trial_leaves_the_first_one_alone(replan):
    plan = replan(run__trials=2)
    counts = rules(plan)
    assert counts["simulate_initial_tasks"] == counts["train_initial_round"] == 1
    assert counts["acquire_round"] == counts["evaluate_trial"] == 2
    assert set(re.findall(r"output: \S*trial_(\d+)", plan)) == {"01"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"inference__objective": "elbo"}, {"evaluate_trial"}),
        ({"run__strategies": ["oracle"]}, set()),
        (
            {"strategies__paml__options__num_candidates": 60},
            {"acquire_round", "evaluate_trial"}
            | {"plot_latent_space", "plot_choices", "plot_chosen_values"},
        ),
        (
            {"training__next_iterations": 6},
            {"acquire_round", "evaluate_trial"}
            | {"plot_latent_space", "plot_choices", "plot_chosen_values"},
        ),
        (
            {"experiments__smoke__test_grid": [3, 4]},
            {"simulate_test_tasks", "train_oracle", "evaluate_trial"},
        ),
    ],
    ids=["objective", "strategies", "candidates", "iterations", "test grid"],
)
def test_a_change_re_runs_what_depends_on_it(replan, change, expected):
    always = {"aggregate_metrics", "plot_learning_curves", "plot_error_maps"}
    assert set(rules(replan(**change))) == expected | always


def test_another_way_to_write_the_same_configuration_re_runs_nothing(replan):
    plan = replan(
        experiments__smoke__simulation={"substeps": 10, "steps": 20.0},
        model={"noise": "task_scaled", "inducing_points": 15},
    )
    assert "Nothing to be done" in plan


def test_what_is_not_read_re_runs_nothing(replan):
    """The rule for failed tasks, where none has failed, and the schedule of the other bound."""
    plan = replan(
        experiments__smoke__failed_tasks="replace", training__stochastic={"learning_rate": 0.02}
    )
    assert "Nothing to be done" in plan


def test_several_experiments_have_a_figure_of_all(smoke, tmp_path):
    folder = shutil.copytree(smoke, tmp_path / "several")
    config = yaml.safe_load(SMOKE.read_text())
    config["experiments"]["other"] = {**config["experiments"]["smoke"], "strategies": ["oracle"]}
    config["run"]["experiments"].append("other")
    changed = tmp_path / "several.yaml"
    changed.write_text(yaml.safe_dump(config, sort_keys=False))
    overview = "results/overview_few_shot_5"
    plan = run(folder, "--dry-run", "--configfile", changed)
    assert rules(plan)["plot_overview"] == 2
    output = run(folder, f"{overview}.svg", "--configfile", changed)
    assert "plot_overview few_shot_5" in output
    assert "acquire_round" not in output
    for suffix in ("svg", "png"):
        assert (folder / f"{overview}.{suffix}").stat().st_size > 1000


def test_a_killed_run_ends_with_the_numbers_of_an_undisturbed_one(smoke, tmp_path):
    """SIGKILL of a job, then of Snakemake and its jobs, then the same command once more."""
    folder = shutil.copytree(smoke, tmp_path / "killed")
    shutil.rmtree(folder / RESULTS / "paml")
    (folder / RESULTS / "summary.csv").unlink()

    snakemake = start(folder)
    for job in psutil.Process(snakemake.pid).children(recursive=True):
        job.kill()
    output, _ = snakemake.communicate(timeout=60)
    assert "FAILED" in output and snakemake.returncode == 1

    snakemake = start(folder)
    os.killpg(snakemake.pid, signal.SIGKILL)
    snakemake.communicate(timeout=60)
    assert "--unlock" in run(folder, "--configfile", SMOKE, status=1)

    recover(folder)
    run(folder, "--configfile", SMOKE)
    for name in ("summary.csv", "summary.h5"):
        undisturbed = (smoke / RESULTS / name).read_bytes()
        assert (folder / RESULTS / name).read_bytes() == undisturbed


def start(folder):
    """Start Snakemake in a process group of its own; return while round 1 trains."""
    log = folder / "logs/smoke/paml/trial_00/round_01.log"
    log.unlink()
    snakemake = subprocess.Popen(**command(folder, "--configfile", SMOKE), start_new_session=True)
    deadline = time.monotonic() + 120
    while not log.exists() or not log.stat().st_size:
        assert snakemake.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    return snakemake
