"""The commands of the page on MJCF files, run on studies that are as small as can be."""

import csv
import importlib.util
import re
import shlex
import shutil

import numpy as np
import pytest
from running import ROOT, overlay, rules, run

from pamlflow.cli import main

PAGE = (ROOT / "docs" / "own_mjcf.md").read_text(encoding="utf-8")
LINES = re.findall(r"^snakemake .*$", PAGE, re.M)
SMALL = {
    "run": {"trials": 1, "strategies": ["uniform"]},
    "model": {"inducing_points": 8},
    "training": {"first_iterations": 3, "next_iterations": 2, "starts": 1},
    "inference": {"protocols": ["few_shot_0"]},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the files that the page names."""
    folder = tmp_path_factory.mktemp("own_mjcf")
    for name in ("docs/examples", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def arguments(folder, line):
    """The arguments of a command of the page, with the study of its file made small."""
    _, *given = shlex.split(line)
    name = given[-1].split("/")[-1].removesuffix(".yaml")
    points = 3 if name == "swimmer" else 2
    small = {"test_grid": [2] * points, "initial_tasks": 2, "added_tasks": 1}
    experiment = small | {"simulation": {"steps": 12}}
    given = given[given.index("--cores") + 2 :]  # `run` has its own
    return name, [*given, overlay(folder, **SMALL, experiments={name: experiment})]


def test_the_page_has_the_commands_that_are_run():
    assert len(LINES) == 4 and sum("--dry-run" in line for line in LINES) == 1


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("--", 2)[-1])
def test_a_command_of_the_page_does_what_it_says(folder, line, monkeypatch):
    if "config/" in line and importlib.util.find_spec("gymnasium") is None:
        pytest.skip("needs gymnasium: pip install -e '.[gymnasium]'")
    name, given = arguments(folder, line)
    # Of others' files only what it takes to score a model, for each job takes seconds.
    target = [f"results/{name}/learning_curves.png"] if "config/" in line else []
    output = run(folder, *target, *given)
    if "--dry-run" in line:
        assert rules(output)["simulate_test_tasks"] == 1
        assert not (folder / "results").exists()
        return
    assert (folder / "results" / name / "learning_curves.png").stat().st_size > 1000
    with (folder / "results" / name / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["round"] for row in rows} == {"0", "1"}
    assert all(np.isfinite(float(row["value"])) for row in rows)
    monkeypatch.chdir(folder)
    assert main(["check", f"results/{name}"]) == 0


def test_another_file_makes_everything_anew(folder):
    """After the commands of the page; nothing is to be done before the file changes."""
    (line,) = [each for each in LINES if "arm.yaml" in each and "--dry-run" not in each]
    _, given = arguments(folder, line)
    assert rules(run(folder, "--dry-run", *given)) == {}
    robot = folder / "docs" / "examples" / "arm.xml"
    robot.write_text(robot.read_text().replace('damping="1"', 'damping="2"'))
    plan = rules(run(folder, "--dry-run", *given))
    assert plan["simulate_test_tasks"] == plan["simulate_initial_tasks"] == 1
    assert plan["train_initial_round"] == plan["acquire_round"] == plan["evaluate_trial"] == 1


def test_a_name_that_the_file_lacks_is_told_before_any_job(folder):
    text = (folder / "docs/examples/arm.yaml").read_text().replace("body:load", "body:laod")
    (folder / "wrong.yaml").write_text(text)
    output = run(folder, "--configfile", folder / "wrong.yaml", status=1)
    expected = "sets: the file has no body 'laod'; did you mean 'load'? (known: world, upper, fore,"
    assert f"experiments.arm.options.parameters.load.{expected}" in output
    assert "wrong.yaml, line" in output or "wrong.yaml:" in output
