"""A configuration is read from its files as the workflow reads it."""

import pytest
import yaml

from pamlflow.configuration import loading
from pamlflow.configuration.loading import load
from pamlflow.configuration.validation import ConfigurationError, validated

EXPERIMENT = {
    "domain": "cart_pole",
    "space": {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]},
    "test_grid": [3, 3],
}


@pytest.fixture
def write(tmp_path):
    def written(name, **values):
        path = tmp_path / name
        path.write_text(yaml.safe_dump(values))
        return path

    return written


def test_files_are_laid_over_the_study_of_a_clone(write):
    file = write("mine.yaml", run={"experiments": ["mine"]}, experiments={"mine": EXPERIMENT})
    last = write("last.yaml", run={"trials": 3}, experiments={"mine": {"test_grid": [4, 5]}})
    config = load([file, last])
    assert config["run"]["experiments"] == ["mine"] and config["run"]["trials"] == 3
    assert config["experiments"]["mine"]["test_grid"] == [4, 5]
    assert config["experiments"]["mine"]["space"] == EXPERIMENT["space"]
    assert "pendubot" in config["experiments"]


def test_beside_an_installed_package_a_file_is_the_study(write, monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "DEFAULT", tmp_path / "none.yaml")
    study = {"run": {"experiments": ["mine"]}, "experiments": {"mine": EXPERIMENT}}
    assert load([write("mine.yaml", **study)]) == validated(study)


def test_what_is_wrong_is_named_with_its_line(write, tmp_path):
    wrong = {**EXPERIMENT, "space": {"pole_mas": [0.5, 5.0], "pole_length": [0.5, 2.0]}}
    file = write("mine.yaml", run={"experiments": ["mine"]}, experiments={"mine": wrong})
    with pytest.raises(
        ConfigurationError, match=r"pole_mas: no parameter .*mine\.yaml, line \d+\)"
    ):
        load([file])
    with pytest.raises(ConfigurationError, match="sed: unknown key; did you mean 'seed'"):
        load([write("typo.yaml", sed=1)])
    (tmp_path / "twice.yaml").write_text("seed: 1\nseed: 2\n")
    with pytest.raises(ConfigurationError, match="seed: given twice, in lines 1 and 2"):
        load([tmp_path / "twice.yaml"])
    with pytest.raises(ConfigurationError, match=r"no\.yaml: .*"):
        load([tmp_path / "no.yaml"])
