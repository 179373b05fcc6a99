"""The dimensions of h, by experiment."""

from pathlib import Path

import pytest
import yaml

from pamlflow.configuration.dimensions import latent_dimensions, warnings
from pamlflow.configuration.validation import validated

ROOT = Path(__file__).parents[3]
STUDY = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
BOX = {"mass": [0.5, 5.0], "stiffness": [1.0, 20.0], "damping": [0.1, 1.0]}


def study_with(model=None, **experiment):
    """The study's file with an experiment of one's own laid over it."""
    own = {"domain": "spring:Spring", "space": BOX, "test_grid": [2] * len(BOX)} | experiment
    own["test_grid"] = [2] * len(own["space"])
    return validated(
        STUDY
        | {"experiments": STUDY["experiments"] | {"own": own}, "run": {"experiments": ["own"]}}
        | {"model": STUDY["model"] | (model or {})}
    )


def test_the_papers_experiments_have_two_and_no_warning():
    study = validated(STUDY)
    assert len(study["experiments"]) == 6
    assert {latent_dimensions(study, name) for name in study["experiments"]} == {2}
    assert list(warnings(study)) == []


@pytest.mark.parametrize(
    ("experiment", "dimensions"),
    [
        ({}, 3),
        ({"space": {"mass": [0.5, 5.0]}}, 1),
        ({"descriptors": {"hidden": ["mass", "damping"]}}, 3),
        ({"descriptors": {"superfluous": {"noise": [0.0, 1.0]}}}, 3),
        ({"fixed": {"length": 1.0}}, 3),
        ({"space": {f"v{i}": [0.0, 1.0] for i in range(8)}}, 8),
        ({"latent_dimensions": 5}, 5),
    ],
)
def test_an_experiment_has_one_for_each_parameter_that_varies(experiment, dimensions):
    study = study_with(**experiment)
    assert latent_dimensions(study, "own") == dimensions
    assert list(warnings(study)) == []


@pytest.mark.parametrize(
    ("model", "experiment", "found"),
    [
        ({"latent_dimensions": 2}, {}, 2),
        ({"latent_dimensions": 4}, {"latent_dimensions": 1}, 1),
        ({}, {"space": {f"v{i}": [0.0, 1.0] for i in range(9)}}, 8),
    ],
)
def test_fewer_are_warned_of_by_experiment(model, experiment, found):
    study = study_with(model, **experiment)
    (warning,) = warnings(study)
    varying = len(study["experiments"]["own"]["space"])
    text = f"experiments.own: latent_dimensions is {found}, and {varying} parameters vary"
    assert warning.startswith(text)


def test_an_experiment_that_does_not_run_is_not_warned_of():
    study = study_with({"latent_dimensions": 2})
    study["run"]["experiments"] = ["cart_pole"]
    assert list(warnings(study)) == []
