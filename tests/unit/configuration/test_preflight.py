"""Before any job: what a configuration names in Python is there."""

import copy
import re
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import ConfigurationError, validated
from pamlflow.settings import world_settings
from pamlflow.world import World

STUDY = Path(__file__).parents[3] / "config" / "config.yaml"


@pytest.fixture
def config():
    return validated(yaml.safe_load(STUDY.read_text()))


def test_the_study_can_be_made(config):
    require_parts(config)


def test_everything_that_cannot_be_made_is_named_at_once(config):
    names = {"mine": "no_such_package:choose", "found": "json:loads", "again": "paml"}
    config["strategies"] = {
        name: {"strategy": target, "options": {}} for name, target in names.items()
    }
    config["run"]["strategies"] = list(names)
    experiments = config["experiments"]
    experiments["cart_pole"]["space"] = {"pole_mas": [0.5, 5.0], "pole_length": [0.5, 2.0]}
    experiments["pendubot"]["domain"] = "no_such_package:Robot"
    experiments["cart_double_pole"]["domain"] = "json:loads"
    experiments["cart_pole_pixels"]["fixed"] = {"pole_weight": 1.0}
    with pytest.raises(ConfigurationError) as raised:
        require_parts(config)
    lines = str(raised.value).splitlines()
    found = dict(line.strip().split(": ", 1) for line in lines[1:])
    assert lines[0].startswith(f"{len(found)} problems")
    assert found["experiments.cart_pole.space.pole_mas"].startswith(
        "no parameter of cart_pole; did you mean 'pole_mass'? (known: pole_mass, pole_length)"
    )
    text = "missing, cart_pole has this parameter; give its range, or fix it"
    assert found["experiments.cart_pole.space.pole_mass"] == text
    assert "no parameter" in found["experiments.cart_pole_pixels.fixed.pole_weight"]
    assert "no_such_package" in found["experiments.pendubot.domain"]
    assert "no_such_package" in found["strategies.mine.strategy"]
    assert "'json:loads' cannot be made with steps" in found["experiments.cart_double_pole.domain"]


def test_experiments_that_are_not_to_run_are_not_made(config):
    spoilt = copy.deepcopy(config)
    spoilt["experiments"]["pendubot"]["domain"] = "no_such_package:Robot"
    spoilt["run"]["experiments"] = ["cart_pole"]
    require_parts(spoilt)


def test_strategies_that_no_experiment_of_the_run_names_are_not_imported(config):
    config["strategies"] = {"mine": {"strategy": "no_such_package:choose", "options": {}}}
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
    draw_excitation = run = print
"""


@pytest.mark.parametrize(
    ("made", "looked_at", "expected"),
    [
        ("1 / 0", "OSError", "cannot be made with steps, .*line 4: ZeroDivisionError: division by"),
        ("raise SystemExit(3)", "OSError", "cannot be made with .*line 4: SystemExit: 3"),
        ("pass", "OSError('gone')", "`parameter_variables`: .*line 8: OSError: gone"),
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
    assert re.search(rf"experiments.pendubot.domain: .*{expected}", line)
    assert line.endswith("(mine.yaml, line 3)")


OPTIONS = """
from dataclasses import dataclass
from typing import Annotated, Literal
from own_domain import Decay
from pamlflow.settings import Bounds, Settings

@dataclass(frozen=True)
class Own(Settings):
    damping: Annotated[float, Bounds(0, 10)] = 0.5
    form: Literal["linear", "cubic"] = "linear"

    def __post_init__(self):
        super().__post_init__()
        1 / (self.damping - 7)

class Damped(Decay):
    options = Own()

    def __init__(self, options, **simulation):
        super().__init__(simulation["steps"])
        self.options = options
"""


@pytest.mark.parametrize(
    ("domain", "options", "expected"),
    [
        ("cart_pole", {"control_limt": 3}, "options.control_limt: unknown key; did you mean 'con"),
        ("cart_pole", {"control_limit": 0}, "options.control_limit: expected a number from 0.001"),
        ("cart_pole", {"control_noise": "1"}, "options.control_noise: expected a .*, found '1'"),
        ("damped:Damped", {"dampin": 1}, "options.dampin: unknown key; did you mean 'damping'"),
        ("damped:Damped", {"form": "square"}, 'options.form: expected "linear" or "cubic", found'),
        ("damped:Damped", {"damping": 11}, "options.damping: expected a number from 0 to 10, f"),
        ("damped:Damped", {"damping": 7}, "options: .*damped.py, line 14: ZeroDivisionError: "),
        ("own_domain:Decay", {"damping": 1}, "options: the domain 'own_domain:Decay' takes none"),
        ("cart_pole", {"control_limit": 12, "control_noise": 0}, None),
        ("damped:Damped", {"damping": 1, "form": "cubic"}, None),
    ],
)
def test_options_are_checked_by_the_class_of_the_domain(
    config, tmp_path, monkeypatch, domain, options, expected
):
    (tmp_path / "damped.py").write_text(OPTIONS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "damped", raising=False)
    space = config["experiments"]["cart_pole"]["space"]
    own = {"domain": domain, "options": options}
    own["space"] = space if domain == "cart_pole" else {"rate": [0.0, 1.0]}
    config["run"]["experiments"] = ["cart_pole"]
    config["experiments"]["cart_pole"] |= own
    config["experiments"]["cart_pole"]["simulation"] = {"steps": 5}
    if expected is None:
        require_parts(config)
        made = World.from_config(world_settings(config["experiments"]["cart_pole"])).domain
        assert asdict(made.options) == options
        return
    key = ("experiments", "cart_pole", "options")
    written_at = {key: "mine.yaml, line 3"} | {
        (*key, name): "mine.yaml, line 4" for name in options
    }
    with pytest.raises(ConfigurationError) as raised:
        require_parts(config, written_at)
    line = str(raised.value).splitlines()[1]
    assert re.search(rf"experiments\.cart_pole\.{expected}", line)
    own_line = 4 if re.match(r"options\.", expected) else 3
    assert line.endswith(f"(mine.yaml, line {own_line})")


RECORDED = {
    "domain": "own_records:Decays",
    "space": {"rate": [0.0, 1.0], "gain": [1.0, 2.0]},
    "test_tasks": 5,
    "initial_tasks": 4,
    "added_tasks": 3,
}
SHORT = {"run": {"experiments": ["shelf"]}, "inference": {"protocols": ["few_shot_5"]}}


def recorded(*without, **changes):
    """A study of recorded tasks after changes of its experiment."""
    shelf = {key: value for key, value in (RECORDED | changes).items() if key not in without}
    return validated({**SHORT, "experiments": {"shelf": shelf}})


@pytest.mark.parametrize("changes", [{}, {"pool": 11}, {"options": {"number": 12}}])
def test_recorded_tasks_can_be_used(changes):
    require_parts(recorded(strategies=["paml"], **changes))


@pytest.mark.parametrize(
    ("study", "expected"),
    [
        (recorded(strategies=["paml"], pool=12), r"test_tasks: 16 .* too few for 5 .* and 12 oth"),
        (recorded(strategies=["paml"], test_tasks=10), "test_tasks: 16 tasks were .* and 7 others"),
        (
            recorded(strategies=["paml"], options={"number": 3}, test_tasks=1),
            "test_tasks: 3 tasks were recorded, too few for 1",
        ),
        (
            recorded(strategies=["paml"], space={"rate": [0.0, 0.5], "gain": [1.0, 2.0]}),
            r": space: a recorded task has rate = ",
        ),
        (
            recorded(strategies=["paml"], space={"rate": [0.0, 1.0]}),
            "space.gain: missing, own_records:Decays has this parameter",
        ),
        (
            recorded("test_tasks", test_grid=[2, 2]),
            "test_grid: the tasks of own_records:Decays are recorded: give `test_tasks`",
        ),
        (
            recorded(strategies=["paml"], domain="own_domain:Decay", space={"rate": [0.0, 1.0]}),
            "test_tasks: the tasks of own_domain:Decay are simulated: give a `test_grid`",
        ),
    ],
)
def test_recorded_tasks_that_do_not_do_are_told(study, expected):
    with pytest.raises(ConfigurationError, match=rf"experiments\.shelf.*{expected}"):
        require_parts(study)


def test_a_context_is_at_most_half_of_the_shortest_recorded_task():
    study = recorded(strategies=["paml"])
    study["inference"]["protocols"] = ["few_shot_5", "few_shot_11"]
    with pytest.raises(ConfigurationError, match=r"protocols\[1\]: 'few_shot_11' .* the 20 transi"):
        require_parts(study)


@pytest.mark.parametrize(
    ("without", "changes", "expected"),
    [
        (["test_tasks"], {}, "test_grid: missing, expected a list, .* give `test_tasks` instead"),
        ([], {"test_grid": [2, 2]}, "test_tasks: tasks of a `test_grid` are .* keep one of them"),
        ([], {"strategies": ["latin_hypercube"]}, "latin_hypercube asks for points of a box"),
        ([], {"failed_tasks": "replace"}, "failed_tasks: the tasks of a pool are given"),
        ([], {"pool": 6}, "pool: expected at least 7 for 4 initial_tasks and 3 added_tasks"),
    ],
)
def test_keys_of_recorded_tasks_go_together(without, changes, expected):
    with pytest.raises(ConfigurationError, match=expected):
        recorded(*without, **{"strategies": ["paml"]} | changes)


MJCF = """
<mujoco><option timestep="0.01"/><worldbody><body name="link">
  <joint name="hinge" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 0 0 -1" size="0.05"/>
</body></worldbody></mujoco>
"""


@pytest.mark.parametrize(
    ("options", "key", "message"),
    [
        ({"file": "arn.xml"}, "options.file", "no such file: .*arn.xml; did you mean 'arm.xml'"),
        (
            {"parameters": {"m": {"sets": "body:lnk.mass"}}},
            "options.parameters.m.sets",
            "the file has no body 'lnk'; did you mean 'link'",
        ),
        ({"observed": ["joint:hing"]}, r"options.observed\[0\]", "no joint 'hing'; did you mean"),
        ({"observe": []}, "options.observe", "unknown key; did you mean 'observed'"),
        ({"start": {"positions": {"h": 1}}}, "options.start.positions.h", "has no joint 'h'"),
    ],
)
def test_options_that_a_file_does_not_have_are_named_where_they_stand(
    config, tmp_path, monkeypatch, options, key, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arm.xml").write_text(MJCF)
    own = {"file": "arm.xml", "parameters": {"m": {"sets": "body:link.mass"}}}
    section = {"domain": "mjcf", "space": {"m": [1, 2]}, "test_grid": [2], "options": own}
    config["experiments"] = {"arm": config["experiments"]["cart_pole"] | section}
    config["run"] |= {"experiments": ["arm"], "strategies": ["uniform"]}
    require_parts(config)
    config["experiments"]["arm"]["options"] = own | options
    with pytest.raises(ConfigurationError, match=f"experiments.arm.{key}: .*{message}"):
        require_parts(config)


def test_steps_that_are_too_long_for_a_file_are_named(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arm.xml").write_text(MJCF)
    own = {"file": "arm.xml", "parameters": {"m": {"sets": "body:link.mass"}}}
    section = {"domain": "mjcf", "space": {"m": [1, 2]}, "test_grid": [2], "options": own}
    section["simulation"] = config["experiments"]["cart_pole"]["simulation"] | {"substeps": 3}
    config["experiments"] = {"arm": config["experiments"]["cart_pole"] | section}
    config["run"] |= {"experiments": ["arm"], "strategies": ["uniform"]}
    with pytest.raises(ConfigurationError, match=r"longer than the 0.01 s .* set substeps: 5"):
        require_parts(config)
