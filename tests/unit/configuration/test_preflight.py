"""Before any job: what a configuration names in Python is there."""

import copy
import re
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
    config["run"]["strategies"] = list(names)
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
    assert "no_such_package" in found["experiments.pendubot.domain"]
    assert "no_such_package" in found["strategies.mine.strategy"]
    assert "'json:loads' cannot be made with steps" in found["experiments.cart_double_pole.domain"]


def test_experiments_that_are_not_to_run_are_not_made(config):
    spoilt = copy.deepcopy(config)
    spoilt["experiments"]["pendubot"]["domain"] = "no_such_package:Robot"
    spoilt["run"]["experiments"] = ["cart_pole"]
    require_parts(spoilt)


def test_strategies_that_no_experiment_of_the_run_names_are_not_imported(config):
    config["strategies"] = {"mine": {"strategy": "no_such_package:choose"}}
    config["experiments"]["pendubot"]["strategies"] = ["mine"]
    config["run"]["experiments"] = ["cart_pole"]
    require_parts(config)
    config["run"]["experiments"] = ["pendubot"]
    with pytest.raises(ConfigurationError, match=r"strategies\.mine\.strategy: cannot load"):
        require_parts(config)


DOMAIN = """
class Broken:
    def __init__(self, **simulation):
        {made}

    @property
    def parameter_variables(self):
        raise {looked_at}

    input_variables = output_variables = ()
    draw_excitation = simulate = transitions = print
"""


@pytest.mark.parametrize(
    ("made", "looked_at", "expected"),
    [
        ("1 / 0", "OSError", "cannot be made with steps, .*line 4: ZeroDivisionError: division by"),
        ("raise SystemExit(3)", "OSError", "cannot be made with .*line 4: SystemExit: 3"),
        ("pass", "OSError('gone')", "cannot be used: .*line 8: OSError: gone"),
    ],
)
def test_what_a_domain_raises_is_told_with_its_line_and_place(
    config, tmp_path, monkeypatch, made, looked_at, expected
):
    name = f"broken_{abs(hash((made, looked_at)))}"
    (tmp_path / f"{name}.py").write_text(DOMAIN.format(made=made, looked_at=looked_at))
    monkeypatch.syspath_prepend(tmp_path)
    config["run"]["experiments"] = ["pendubot"]
    config["experiments"]["pendubot"]["domain"] = f"{name}:Broken"
    written_at = {("experiments", "pendubot", "domain"): "mine.yaml, line 3"}
    with pytest.raises(ConfigurationError) as raised:
        require_parts(config, written_at)
    heading, line = str(raised.value).splitlines()
    assert heading.startswith("1 problem in")
    assert re.search(rf"experiments.pendubot.domain: .*{name}.*{expected}", line)
    assert line.endswith("(mine.yaml, line 3)")
