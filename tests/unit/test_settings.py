"""Typed settings and the configuration that they are made from."""

import dataclasses
import math
import re

import pytest

from pamlflow import settings
from pamlflow.configuration.validation import validated
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.settings import AcquisitionSettings, InferenceSettings

STUDY = {
    "seed": 1,
    "run": {"experiments": ["toy"], "strategies": ["paml"], "trials": 1},
    "experiments": {
        "toy": {
            "domain": "cart_pole",
            "space": {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]},
            "test_grid": [2, 2],
        }
    },
}


@pytest.fixture(scope="module")
def config():
    """A study that leaves every default as it is."""
    return validated(STUDY)


def test_defaults_are_those_of_the_configuration(config):
    assert ModelSettings.from_config(config["model"]) == ModelSettings()
    assert TrainingSettings.from_config(config["training"]) == TrainingSettings()
    assert InferenceSettings(**config["inference"]) == InferenceSettings()
    assert AcquisitionSettings(**config["acquisition"]) == AcquisitionSettings()


def test_protocols_of_a_file_become_a_tuple():
    read = InferenceSettings(protocols=["paper", "prior"])
    assert read.protocols == ("paper", "prior")
    assert read == InferenceSettings(protocols=("paper", "prior"))


def test_settings_are_frozen_and_refuse_unknown_keys():
    for cls in vars(settings).values():
        if dataclasses.is_dataclass(cls) and isinstance(cls, type):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(cls(), dataclasses.fields(cls)[0].name, None)
            with pytest.raises(TypeError, match="unexpected keyword"):
                cls(no_such_key=1)


def test_training_schedule_of_a_file_becomes_settings(config):
    section = config["training"] | {"first_iterations": 7}
    assert TrainingSettings.from_config(section).first_iterations == 7
    with pytest.raises(TypeError, match="unexpected keyword"):
        TrainingSettings.from_config({"first_iteration": 7})


@pytest.mark.parametrize(
    ("section", "changed", "message"),
    [
        ("Model", {"noise": "task-scaled"}, "noise: expected .*task_scaled.*, found 'task-scaled'"),
        ("Model", {"signal": None}, "signal: expected .*, found None"),
        ("Model", {"inducing_points": 0}, "inducing_points: expected a number above 0, found 0"),
        ("Model", {"noise_floor": math.nan}, "noise_floor: expected a number above 0, found nan"),
        ("Picture", {"weight": -0.1}, "weight: expected a number above 0"),
        ("Training", {"bound": "colapsed"}, 'bound: expected "collapsed" or "stochastic"'),
        ("Training", {"starts": 0}, "starts: expected a number above 0"),
        ("Stochastic", {"batch_tasks": 0}, "batch_tasks: expected a number above 0"),
        ("Inference", {"objective": "Elbo"}, 'objective: expected "predictive" or "elbo"'),
        ("Acquisition", {"candidates": "Latent"}, 'candidates: expected "latent" or "descriptor"'),
    ],
)
def test_a_setting_that_means_nothing_is_refused(section, changed, message):
    with pytest.raises(ValueError, match=message):
        getattr(settings, f"{section}Settings")(**changed)


def test_no_batch_stands_for_all():
    assert settings.StochasticSettings(batch_tasks=None).batch_tasks is None


@pytest.mark.parametrize(
    ("given", "varying", "dimensions", "warned"),
    [
        (None, 1, 1, None),
        (None, 3, 3, None),
        (None, 8, 8, None),
        (None, 11, 8, "is 8, and 11 parameters vary .*: latent_dimensions is at most 8: let fewer"),
        (
            2,
            3,
            2,
            "is 2, and 3 parameters vary between tasks; .*: set latent_dimensions to 3, or l",
        ),
        (2, 2, 2, None),
        (2, 1, 2, None),  # the paper's pictures
    ],
)
def test_h_has_a_dimension_for_each_parameter_that_varies(
    caplog, given, varying, dimensions, warned
):
    model = ModelSettings(given, inducing_points=7)
    assert model.dimensions(varying) == dimensions
    assert model.for_tasks(varying) == ModelSettings(dimensions, inducing_points=7)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == bool(warned)
    assert all(re.search(warned, message) for message in messages)
