"""What is in the files that options name counts as the options do."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pamlflow.configuration.validation import validated
from pamlflow.disagreement import disagreements
from pamlflow.domains.content import ChangedError, digests
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
def study(tmp_path, monkeypatch):
    """A study of the file robot.xml in the working directory."""
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
    return Study(validated(config | {"inference": {"protocols": ["prior"]}}))


def simulate(study):
    made_from = origin(study, TEST_TASKS)
    config = dict(made_from.config)
    grid = config.pop("test_grid")
    simulate_test_tasks(
        experiment=config, test_grid=grid, seed=made_from.seed, output=Path(TEST_TASKS)
    )
    return made_from


def test_the_digest_of_a_file_is_among_what_tasks_are_made_from(study):
    digest = hashlib.sha256(ROBOT.encode()).hexdigest()
    assert study.world("arm")["files"] == {"robot.xml": digest}
    assert "files" not in world_settings(study.of("arm"))
    assert digests("cart_pole", {"control_limit": 3.0}) == {}
    assert digests("no_such_domain", {}) == {}


def test_what_was_made_from_another_file_disagrees(study, tmp_path):
    made_from = simulate(study)
    assert disagreements({TEST_TASKS: origin(study, TEST_TASKS)}) == []
    (tmp_path / "robot.xml").write_text(ROBOT.replace("0.05", "0.06"))
    (found,) = disagreements({TEST_TASKS: origin(study, TEST_TASKS)})
    assert found.rule == made_from.rule and found.reason.startswith("files.robot.xml: expected")
    simulate(study)
    assert disagreements({TEST_TASKS: origin(study, TEST_TASKS)}) == []


def test_a_file_that_changes_during_a_run_stops_it(study, tmp_path):
    planned = study.world("arm")
    excitation = World.from_config(planned).domain.draw_excitation(np.random.default_rng(0))
    assert excitation.controls.shape == (5, 0)
    (tmp_path / "robot.xml").write_text(ROBOT.replace("0.05", "0.06"))
    message = (
        "robot.xml, a file of the domain 'mjcf', has changed since this run was planned; start"
    )
    with pytest.raises(ChangedError, match=message):
        World.from_config(planned)
