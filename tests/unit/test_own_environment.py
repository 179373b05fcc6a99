"""docs/own_environment.md: its configurations can be used, its commands print what it shows, it is true."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from pamlflow.cli import main
from pamlflow.configuration.loading import load
from pamlflow.diagnosis.effects import effects
from pamlflow.diagnosis.finding import KINDS
from pamlflow.domains import make_domain
from pamlflow.domains.gymnasium.options import GymnasiumSettings
from pamlflow.spaces import Box

gymnasium = pytest.importorskip("gymnasium")

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PAGE = (ROOT / "docs" / "own_environment.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CONFIGS, COMMANDS, SHOWN = (
    [text for its, text in BLOCKS if its == kind] for kind in ("yaml", "sh", "")
)
NAMES = ("pendulum", "acrobot", "cart_pole_of_gymnasium")


def options(name):
    config = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    return config["experiments"][name]["options"]


def test_the_page_shows_the_whole_configuration():
    assert CONFIGS[0] == (EXAMPLES / "pendulum.yaml").read_text(encoding="utf-8")


def test_the_commands_are_those_that_are_run_here_and_in_the_tests_of_the_workflow():
    assert COMMANDS == [
        ".venv/bin/pamlflow check-domain docs/examples/pendulum.yaml\n",
        ".venv/bin/snakemake --cores 2 --configfile docs/examples/pendulum.yaml\n",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found_of_the_examples(name, capsys):
    assert main(["check-domain", str(EXAMPLES / f"{name}.yaml")]) == 0
    assert capsys.readouterr().out == SHOWN[0].replace("pendulum", name)


def test_the_finding_of_the_page_is_found(tmp_path, capsys):
    text = (EXAMPLES / "acrobot.yaml").read_text(encoding="utf-8")
    replaced = {"outer_mass": "outer_length", "unit: kg": "unit: m", "LINK_MASS_2": "LINK_LENGTH_2"}
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "acrobot.yaml"
    file.write_text(text)
    assert main(["check-domain", str(file)]) == 1
    assert capsys.readouterr().out.splitlines(keepends=True)[0] == SHOWN[1]


def mends(fragment, name):
    """The options of an example with those of a fragment in their place."""
    changed = {**options(name), **fragment}
    if "environment" in fragment and fragment["environment"] != options(name)["environment"]:
        changed["state"] = {"angle": {"value": "data.qpos[2]", "angle": True}}
        changed["controls"] = {}
    return changed


@pytest.mark.parametrize("text", CONFIGS[1:], ids=lambda text: text.split(":")[1].strip()[:12])
def test_each_fragment_makes_a_domain(text):
    fragment = yaml.safe_load(text)
    if "Swimmer" in str(fragment) and not importlib.util.find_spec("glfw"):
        pytest.skip("the renderer of gymnasium is not installed")
    name = "cart_pole_of_gymnasium" if "CartPole" in str(fragment) else "pendulum"
    domain = make_domain("gymnasium", mends(fragment, name), steps=20)
    excitation = domain.draw_excitation(np.random.default_rng(0))
    tasks = np.array([[0.5, 0.2], [1.5, 0.3]])[:, : len(domain.parameter_variables)]
    one, other = (domain.run(task, excitation).outputs for task in tasks)
    assert one.shape == (20, len(domain.output_variables)) and not np.array_equal(one, other)


def effect(name, attribute, **derived):
    """The effect of an attribute of the environment of an example, from 0.7 of its value to 1.4."""
    own = {**options(name), "parameters": {attribute: {"sets": attribute}}, "derived": derived}
    value = getattr(gymnasium.make(own["environment"]).unwrapped, attribute)
    domain = make_domain("gymnasium", own, steps=100)
    excitation = domain.draw_excitation(np.random.default_rng(0))
    ends = np.array([0.7 * value]), np.array([1.4 * value])
    (size,) = effects(
        lambda task: domain.run(task, excitation), Box(domain.parameter_variables, *ends)
    )
    return size


def test_attributes_do_what_the_page_says():
    assert effect("acrobot", "LINK_LENGTH_2") == 0.0 < effect("acrobot", "LINK_COM_POS_2")
    assert effect("cart_pole_of_gymnasium", "masscart") == 0.0
    derived = {"total_mass": "masspole + masscart"}
    assert effect("cart_pole_of_gymnasium", "masscart", **derived) > 0.1
    assert effect("pendulum", "g") > 0.1
    pendulum = gymnasium.make("Pendulum-v1").unwrapped
    assert not hasattr(pendulum, "gravity")
    for name, moving in (
        ("MountainCar-v0", {"force", "gravity"}),
        ("MountainCarContinuous-v0", {"power"}),
    ):
        made = gymnasium.make(name).unwrapped
        numbers = {"force", "gravity", "power", "max_speed", "max_position"} & set(vars(made))
        state = {"position": {"value": "state[0]"}, "velocity": {"value": "state[1]"}}
        for attribute in numbers:
            own = {"environment": name, "state": state, "parameters": {"it": {"sets": attribute}}}
            domain = make_domain("gymnasium", own, steps=100)
            excitation = domain.draw_excitation(np.random.default_rng(0))
            value = getattr(made, attribute)
            runs = [domain.run(np.array([it * value]), excitation).outputs for it in (1.0, 1.2)]
            assert np.array_equal(*runs) == (attribute not in moving), (name, attribute)


def test_the_tables_have_all_options_and_all_findings():
    section = PAGE.split("## What the options say")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [
        *GymnasiumSettings().to_config()
    ]
    section = PAGE.split("## What `check-domain` finds")[1]
    assert dict(re.findall(r"^\| ([a-z ]+) \| (.+) \|$", section, re.MULTILINE)[1:]) == KINDS


def test_the_causes_of_rising_curves_name_all_findings():
    text = (ROOT / "docs" / "rising_curves.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\*([a-z ]+)\*", text))
    assert set(KINDS) - {"fails", "ends early"} <= named


def test_the_examples_are_whole_configurations():
    for name in NAMES:
        assert load([EXAMPLES / f"{name}.yaml"])["run"]["experiments"] == [name]
