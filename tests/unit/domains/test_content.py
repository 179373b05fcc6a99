"""What is in the files that a domain reads counts as its options do."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pamlflow.configuration.validation import validated
from pamlflow.disagreement import disagreements
from pamlflow.domains.content import (
    MISSING,
    ChangedError,
    changed_file,
    digests,
    require_unchanged,
)
from pamlflow.origins import origin
from pamlflow.settings import world_settings
from pamlflow.stages.simulate import simulate_test_tasks
from pamlflow.study import Study
from pamlflow.world import World

ROBOT = """
<mujoco><option timestep="0.005"/><worldbody><body name="link">
  <joint name="hinge" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0 0 -1" size="0.05"/>
</body></worldbody></mujoco>
"""
TEST_TASKS = "data/arm/test_tasks.h5"


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A new look at a study of the file robot.xml in the working directory, as each run has."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "robot.xml").write_text(ROBOT)
    parameters = {"mass": {"unit": "kg", "sets": "body:link.mass"}}
    experiment = {
        "domain": "mjcf",
        "options": {"file": "robot.xml", "parameters": parameters},
        "space": {"mass": [1.0, 2.0]},
        "test_grid": [2],
        "simulation": {"steps": 5},
    }
    run = {"experiments": ["arm"], "strategies": ["uniform"], "trials": 1}
    config = {"seed": 1, "run": run, "experiments": {"arm": experiment}}
    return lambda: Study(validated(config | {"inference": {"protocols": ["prior"]}}))


def simulate(study):
    made_from = origin(study, TEST_TASKS)
    config = dict(made_from.config)
    grid = config.pop("test_grid")
    simulate_test_tasks(
        experiment=config, test_grid=grid, seed=made_from.seed, output=Path(TEST_TASKS)
    )
    return made_from


def test_the_digest_of_a_file_is_among_what_tasks_are_made_from(plan):
    study = plan()
    digest = hashlib.sha256(ROBOT.encode()).hexdigest()
    assert study.world("arm")["files"] == {"robot.xml": digest}
    assert "files" not in world_settings(study.of("arm"))


def test_what_was_made_from_another_file_disagrees(plan, tmp_path):
    made_from = simulate(plan())
    assert disagreements({TEST_TASKS: origin(plan(), TEST_TASKS)}) == []
    (tmp_path / "robot.xml").write_text(ROBOT.replace("0.05", "0.06"))
    (found,) = disagreements({TEST_TASKS: origin(plan(), TEST_TASKS)})
    assert found.rule == made_from.rule and found.reason.startswith("files.robot.xml: expected")
    simulate(plan())
    assert disagreements({TEST_TASKS: origin(plan(), TEST_TASKS)}) == []


def test_a_file_that_changes_during_a_run_stops_it(plan, tmp_path):
    planned = plan().world("arm")
    excitation = World.from_config(planned).domain.draw_excitation(np.random.default_rng(0))
    assert excitation.controls.shape == (5, 0)
    (tmp_path / "robot.xml").write_text(ROBOT.replace("0.05", "0.06"))
    message = r"^robot.xml has changed since this run was planned, and the domain 'mjcf' reads it"
    with pytest.raises(ChangedError, match=message):
        World.from_config(planned)


def test_a_domain_that_cannot_be_made_has_no_files(plan):
    assert digests("cart_pole", {"control_limit": 3.0}) == {}
    assert digests("mjcf", {"file": "none.xml"}) == {} == digests("mjcf", {"fil": "robot.xml"})
    assert digests("no_such_domain", {}) == {} == digests("no.such:Domain", {"a": 1})


OWN = """
from dataclasses import dataclass
from pathlib import Path
from pamlflow.settings import Settings

@dataclass(frozen=True)
class Logs(Settings):
    folder: str = "logs"

    def files(self):
        return {name: Path(self.folder, name) for name in ("first.bin", "second.bin", "bag")}

class Own:
    options = Logs()
"""


def test_a_class_of_ones_own_says_what_it_reads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_logs_of_test.py").write_text(OWN)
    (tmp_path / "logs" / "bag").mkdir(parents=True)
    (tmp_path / "logs" / "first.bin").write_bytes(b"1")
    name, first = "own_logs_of_test:Own", hashlib.sha256(b"1").hexdigest()
    found = digests(name, {})
    assert list(found) == ["first.bin", "second.bin", "bag"]
    assert found["first.bin"] == first and found["second.bin"] == MISSING
    (tmp_path / "logs" / "bag" / "part_0.mcap").write_bytes(b"2")
    other = digests(name, {})
    assert changed_file(other, found) == "bag has changed"
    require_unchanged(name, {}, other)
    with pytest.raises(ChangedError, match="bag has changed since this run was planned"):
        require_unchanged(name, {}, found)
    assert digests(name, {"folder": "none"})["first.bin"] == MISSING


def test_what_differs_between_two_lists_of_files_is_named():
    assert changed_file({"a": "1"}, {"a": "1"}) is None
    assert changed_file({"a": "1", "b": "2"}, {"a": "1"}) == "b was added"
    assert changed_file({"a": "1"}, {"a": "1", "b": "2"}) == "b was left out"
