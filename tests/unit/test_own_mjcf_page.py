"""The page on MJCF files shows the examples, and what it says of them is so."""

import importlib.util
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

from pamlflow.cli import main
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import validated
from pamlflow.domains import make_domain
from pamlflow.settings import world_settings
from pamlflow.world import World

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "own_mjcf.md").read_text(encoding="utf-8")
ARM = yaml.safe_load((ROOT / "docs" / "examples" / "arm.yaml").read_text(encoding="utf-8"))
OVERLAYS = [
    text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "run:" not in text
]
TARGETS = re.findall(r"`((?:\w+:|option)[^` ]+)`", PAGE.split("| target |")[1].split("\n\n")[0])
STUDIES = ["config/swimmer.yaml", "config/half_cheetah.yaml"]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def merged(below, above):
    """One configuration laid over another, as Snakemake does it."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    names = [*below, *(name for name in above if name not in below)]
    return {
        name: merged(below.get(name), above[name]) if name in above else below[name]
        for name in names
    }


def world_of(config, name):
    """The world of an experiment, checked as before a run."""
    filled = validated({"seed": 1, **config})
    require_parts(filled)
    return World.from_config(world_settings(filled["experiments"][name]))


def tasks_of(world, seed=0):
    """A few tasks all over the space."""
    rng = np.random.default_rng(seed)
    return world.observe(world.space.sobol(4, rng), world.domain.draw_excitation(rng), rng)


@pytest.mark.parametrize("name", ["arm.xml", "arm.yaml"])
def test_the_page_shows_the_example(name):
    source = (ROOT / "docs" / "examples" / name).read_text(encoding="utf-8")
    assert f"```{name.partition('.')[2]}\n{source}```" in PAGE


def test_check_domain_prints_what_the_page_shows(capsys):
    ((command, shown),) = re.findall(
        r"```sh\npamlflow (check-domain [^\n]*)\n```.*?```\n(.*?)```", PAGE, re.S
    )
    assert main(command.split()) == 0
    assert capsys.readouterr().out == shown


def test_the_arm_moves_differently_in_each_task():
    tasks = tasks_of(world_of(ARM, "arm"))
    assert (tasks.num_tasks, tasks.inputs.shape[1], tasks.outputs.shape[1]) == (4, 8, 4)
    first, *others = tasks.outputs.reshape(4, 100, 4)
    assert all(np.abs(other - first).max() > 0.1 for other in others)


@pytest.mark.parametrize("text", OVERLAYS)
def test_what_is_laid_over_the_example_works(text):
    config = merged(ARM, yaml.safe_load(text))
    changed, plain = world_of(config, "arm"), world_of(ARM, "arm")
    drawn = changed.domain.draw_excitation(np.random.default_rng(0))
    others = plain.domain.draw_excitation(np.random.default_rng(0))
    ours, theirs = (tasks_of(world) for world in (changed, plain))
    differs = ours.outputs.shape != theirs.outputs.shape or not np.allclose(
        ours.outputs, theirs.outputs
    )
    assert differs and len(drawn.controls) == len(others.controls)


def test_the_page_has_the_overlays_and_targets_that_are_tested():
    assert len(OVERLAYS) == 2 and len(TARGETS) == 13


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_of_the_table_is_one_of_the_arm(target):
    options = {"file": "docs/examples/arm.xml", "parameters": {"p": {"sets": target}}}
    domain = make_domain("mjcf", options)
    assert domain.run(np.array([0.5]), domain.draw_excitation(np.random.default_rng(0)))


def test_the_extra_of_the_page_has_the_files_of_others():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert any(each.startswith("gymnasium") for each in extras["gymnasium"])
    assert "\ngymnasium==" in (ROOT / "requirements.lock").read_text()
    assert "pip install -e '.[gymnasium]'" in PAGE and "fourteen" in PAGE


@pytest.mark.parametrize("path", STUDIES)
def test_studies_of_the_files_of_others_have_tasks(path):
    if importlib.util.find_spec("gymnasium") is None:
        pytest.skip("needs gymnasium: pip install -e '.[gymnasium]'")
    config = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    (name,) = config["run"]["experiments"]
    world = world_of(config, name)
    tasks = tasks_of(world)
    assert tasks.outputs.shape[1] == {"swimmer": 8, "half_cheetah": 17}[name]
    assert (tasks.outputs.std(axis=0) > 1e-3).all()
    folder = Path(importlib.util.find_spec("gymnasium").submodule_search_locations[0])
    assert len(list((folder / "envs" / "mujoco" / "assets").glob("*.xml"))) == 14
