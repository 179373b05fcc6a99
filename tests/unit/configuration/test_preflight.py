"""Before any job: what a configuration names in Python is there."""

import copy
from pathlib import Path

import pytest
import yaml

from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import ConfigurationError, validated

STUDY = Path(__file__).parents[3] / "config" / "config.yaml"


@pytest.fixture
def config():
    return validated(yaml.safe_load(STUDY.read_text()))


def test_the_study_can_be_made(config):
    require_parts(config)


def test_everything_that_cannot_be_made_is_named_at_once(config):
    names = {"mine": "no_such_package:choose", "found": "json:loads", "again": "paml"}
    config["strategies"] = {name: {"strategy": target} for name, target in names.items()}
    experiments = config["experiments"]
    experiments["cart_pole"]["space"] = {"pole_mas": [0.5, 5.0], "pole_length": [0.5, 2.0]}
    experiments["pendubot"]["domain"] = "no_such_package:Robot"
    experiments["cart_double_pole"]["domain"] = "json:loads"
    experiments["cart_pole_pixels"]["fixed"] = {"pole_weight": 1.0}
    with pytest.raises(ConfigurationError) as raised:
        require_parts(config)
    lines = str(raised.value).splitlines()
    assert lines[0].startswith("5 problems")
    found = dict(line.strip().split(": ", 1) for line in lines[1:])
    assert "pole_mas" in found["experiments.cart_pole"]
    assert "pole_weight" in found["experiments.cart_pole_pixels"]
    assert "no_such_package" in found["experiments.pendubot"]
    assert "no_such_package" in found["strategies.mine"]
    assert "'json:loads' cannot be made with steps" in found["experiments.cart_double_pole"]


def test_experiments_that_are_not_to_run_are_not_made(config):
    spoilt = copy.deepcopy(config)
    spoilt["experiments"]["pendubot"]["domain"] = "no_such_package:Robot"
    spoilt["run"]["experiments"] = ["cart_pole"]
    require_parts(spoilt)
