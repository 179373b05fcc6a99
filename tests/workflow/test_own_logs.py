"""docs/own_logs.md as a new user follows it, at a small size."""

import contextlib
import re
import shlex
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from running import ROOT, overlay, run

from pamlflow import Learner
from pamlflow.cli import main
from pamlflow.domains.frames.runs import RecordedOptions

PAGE = (ROOT / "docs" / "own_logs.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "docs" / "examples" / "own_logs.yaml"
ADDED = 2  # in place of 6
SMALL = {
    "run": {"strategies": ["paml", "oracle"], "trials": 1},
    "experiments": {"arms": {"options": {"most_transitions": 45}, "added_tasks": ADDED}},
    "model": {"inducing_points": 10},
    "training": {"first_iterations": 5, "next_iterations": 3, "starts": 1},
}


def blocks(language, page=PAGE):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.M | re.S)
    return [text for its, text in fenced if its == language]


COMMANDS = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]


def recorded(folder):
    """The first command of the page."""
    program, script = COMMANDS[0]
    assert program == "python"
    subprocess.run([sys.executable, ROOT / script], cwd=folder, check=True)
    return folder


def snakemake(folder, arguments):
    """Snakemake with the arguments of the page, at a small size."""
    own = [str(ROOT / it) if it.startswith("docs/") else it for it in arguments]
    at = own.index(str(EXAMPLE)) + 1
    return run(folder, *own[:at], str(overlay(folder, **SMALL)), *own[at:])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a study after all commands of the page but the last, and what Snakemake printed."""
    folder = recorded(tmp_path_factory.mktemp("own_logs"))
    (_, *check), (_, *go) = (it for it in COMMANDS if it[0] == "snakemake")
    with contextlib.chdir(folder):
        program, look, file = COMMANDS[1]
        assert program == "pamlflow" and main([look, str(ROOT / file)]) == 0
    printed = snakemake(folder, check)
    assert not (folder / "data").exists() and re.search(r"total +\d+|\d+ jobs", printed)
    return folder, snakemake(folder, go)


def test_what_is_shown_of_files_is_in_them(tmp_path):
    recorded(tmp_path)
    log, table = blocks("")
    for name, shown in (("arm_00.csv", log), ("runs.csv", table)):
        assert (tmp_path / "recordings" / name).read_text().startswith(shown)
    (shown,) = blocks("yaml")
    example = yaml.safe_load(EXAMPLE.read_text())
    assert yaml.safe_load(shown)["experiments"] == example["experiments"]
    assert shown in EXAMPLE.read_text()


def test_the_page_explains_each_option():
    (table,) = re.findall(r"\| option \| what it says \|\n(.*?)\n\n", PAGE, re.S)
    explained = {
        name for row in table.splitlines()[1:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert explained == RecordedOptions.names()


def test_the_commands_lead_to_learning_curves(finished, monkeypatch, capsys):
    folder, _ = finished
    for name in re.findall(r"`(results/arms/\w+\.png)`", PAGE):
        assert (folder / name).stat().st_size > 1000
    monkeypatch.chdir(folder)
    program, show, file = COMMANDS[-1]
    assert program == "pamlflow" and "round_06" in file
    assert main([show, file.replace("round_06", f"round_{ADDED:02d}")]) == 0
    assert f"round {ADDED}" in capsys.readouterr().out
    assert main(["check", "results"]) == 0


def test_the_order_of_files_is_that_of_the_tasks(finished, monkeypatch, capsys):
    folder, _ = finished
    monkeypatch.chdir(folder)
    order, _ = blocks("python")
    assert "round_06" in order
    order = order.replace("round_06", f"round_{ADDED:02d}")
    exec(compile(order, "own_logs.md", "exec"), {})
    names = yaml.safe_load(capsys.readouterr().out)
    runs = set(pd.read_csv("recordings/runs.csv")["file"])
    assert len(names) == len(set(names)) == 3 + ADDED and set(names) < runs


def test_a_changed_log_makes_the_study_anew(finished, tmp_path):
    folder = shutil.copytree(finished[0], tmp_path / "copy")
    arguments = next(it[1:] for it in COMMANDS if it[0] == "snakemake")
    assert "Nothing to be done" in snakemake(folder, arguments)
    path = folder / "recordings" / "arm_07.csv"
    path.write_text(path.read_text().replace("-", "", 1))
    plan = snakemake(folder, arguments)
    assert "files.recordings/arm_07.csv: expected" in plan
    assert len(re.findall(r"^rule acquire_round:", plan, re.M)) == ADDED


def test_a_learner_takes_the_same_logs(tmp_path, monkeypatch):
    monkeypatch.chdir(recorded(tmp_path))
    _, learner = blocks("python")
    names = {}
    exec(compile(learner, "own_logs.md", "exec"), names)
    assert names["learner"].num_tasks == 1 and len(names["learner"].tasks.inputs) == 199
    page = (ROOT / "docs" / "robot.md").read_text(encoding="utf-8")
    log = pd.read_csv("recordings/arm_01.csv").rename(columns={"time": "t"})
    log.to_csv("log_0.csv", index=False)
    (told,) = (block for block in blocks("python", page) if "log_0.csv" in block)
    own = {"Learner": Learner, "box": names["box"]}
    exec(compile(told, "robot.md", "exec"), own)
    assert own["learner"].num_tasks == 1
