"""Typed settings and the configuration that they are made from."""

import dataclasses

import pytest

from pamlflow import settings
from pamlflow.configuration.validation import validated
from pamlflow.settings import (
    AcquisitionSettings,
    InferenceSettings,
    ModelSettings,
    TrainingSettings,
)

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
