"""pyproject.toml, requirements.lock and environment.yml describe one environment."""

import re
import tomllib
from importlib.metadata import distribution

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from running import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK_LINES = [
    line for line in (ROOT / "requirements.lock").read_text().splitlines() if line[:1] != "#"
]
LOCKED = {
    canonicalize_name(name): Version(version)
    for name, version in (line.split("==") for line in LOCK_LINES)
}
DIRECT = [
    Requirement(text)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in group
]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_every_direct_dependency_is_pinned_to_a_version_it_allows(requirement):
    assert LOCKED[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_lock_is_a_sorted_list_of_exact_versions_and_nothing_else():
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in LOCK_LINES)
    assert sorted(LOCK_LINES, key=str.upper) == LOCK_LINES
    assert len(LOCKED) == len(LOCK_LINES)


def test_what_the_locked_packages_need_is_locked_too():
    missing = {
        (name, needed.name)
        for name in LOCKED
        for needed in map(Requirement, distribution(name).requires or ())
        if needed.marker is None or needed.marker.evaluate({"extra": ""})
        if canonicalize_name(needed.name) not in LOCKED
    }
    assert not missing


def test_conda_users_get_the_same_list_and_the_same_python():
    (pip,) = (entry["pip"] for entry in ENVIRONMENT if isinstance(entry, dict))
    assert pip == ["-r requirements.lock", "-e ."]
    (python,) = (str(entry) for entry in ENVIRONMENT if str(entry).startswith("python"))
    assert python == "python=3.11"
    assert PROJECT["requires-python"] == "==3.11.*"


def test_no_file_names_an_index():
    for name in ("pyproject.toml", "requirements.lock", "environment.yml", "Makefile"):
        text = (ROOT / name).read_text()
        assert "://" not in text and "index-url" not in text, name


def test_tensorflow_comes_once():
    assert "tensorflow" in LOCKED and "tensorflow-cpu" not in LOCKED
