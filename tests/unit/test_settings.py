"""Typed settings and the configuration that they are made from."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from pamlflow import settings
from pamlflow.acquisition.candidates import CandidateSettings
from pamlflow.configuration.validation import schema, validated
from pamlflow.models import without_kind
from pamlflow.models.latent_gp.settings import (
    ModelSettings,
    PictureSettings,
    StochasticSettings,
    TrainingSettings,
)
from pamlflow.settings import (
    Bounds,
    InferenceSettings,
    SettingError,
    Settings,
    problem_in,
    world_settings,
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


ALL = {
    "Model": ModelSettings,
    "Picture": PictureSettings,
    "Training": TrainingSettings,
    "Stochastic": StochasticSettings,
    "Inference": InferenceSettings,
    "Candidate": CandidateSettings,
}


@pytest.fixture(scope="module")
def config():
    """A study that leaves every default as it is."""
    return validated(STUDY)


def test_defaults_are_those_of_the_configuration(config):
    assert ModelSettings.from_config(without_kind(config["model"])) == ModelSettings()
    assert TrainingSettings.from_config(config["training"]) == TrainingSettings()
    assert InferenceSettings(**config["inference"]) == InferenceSettings()


def test_protocols_of_a_file_become_a_tuple():
    read = InferenceSettings(protocols=["paper", "prior"])
    assert read.protocols == ("paper", "prior")
    assert read == InferenceSettings(protocols=("paper", "prior"))


def test_settings_are_frozen_and_refuse_unknown_keys():
    for cls in ALL.values():
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(cls(), dataclasses.fields(cls)[0].name, None)
        with pytest.raises(TypeError, match="unexpected keyword"):
            cls(no_such_key=1)


def test_training_schedule_of_a_file_becomes_settings(config):
    section = config["training"] | {"first_iterations": 7}
    assert TrainingSettings.from_config(section).first_iterations == 7
    with pytest.raises(ValueError, match="unknown key; did you mean 'first_iterations'"):
        TrainingSettings.from_config({"first_iteration": 7})
    with pytest.raises(ValueError, match="step: unknown key; did you mean 'steps'"):
        TrainingSettings.from_config({"stochastic": {"step": 7}})


@pytest.mark.parametrize(
    ("section", "changed", "message"),
    [
        ("Model", {"noise": "task-scaled"}, "noise: expected .*task_scaled.*, found 'task-scaled'"),
        ("Model", {"signal": None}, "signal: expected .*, found None"),
        (
            "Model",
            {"inducing_points": 0},
            "inducing_points: expected a whole number from 2 to 5000, found 0",
        ),
        (
            "Model",
            {"noise_floor": math.nan},
            "noise_floor: expected a number from 1e-10 to 0.5, found nan",
        ),
        ("Picture", {"weight": -0.1}, "weight: expected a number from 1e-06 to 1, found -0.1"),
        ("Model", {"latent_dimensions": 2.5}, "latent_dimensions: expected a whole number .* 2.5"),
        ("Model", {"latent_dimensions": True}, "latent_dimensions: expected a whole .* found True"),
        ("Model", {"noise_floor": "1e-6"}, "noise_floor: expected a number .* found '1e-6'"),
        ("Model", {"noise_floor": None}, "noise_floor: expected a number .* found None"),
        ("Model", {"pictures": {"weight": 0.1}}, r"pictures: expected PictureSettings\(...\)"),
        ("Training", {"stochastic": None}, r"stochastic: expected StochasticSettings\(...\)"),
        ("Inference", {"protocols": "paper"}, "protocols: expected a list of names, found 'paper'"),
        ("Training", {"bound": "colapsed"}, 'bound: expected "collapsed" or "stochastic"'),
        ("Training", {"starts": 0}, "starts: expected a whole number from 1"),
        ("Stochastic", {"batch_tasks": 0}, "batch_tasks: expected a whole number from 1"),
        ("Inference", {"objective": "Elbo"}, 'objective: expected "predictive" or "elbo"'),
        ("Candidate", {"candidates": "Latent"}, 'candidates: expected "latent" or "descriptor"'),
    ],
)
def test_a_setting_that_means_nothing_is_refused(section, changed, message):
    with pytest.raises(ValueError, match=message):
        ALL[section](**changed)


def test_whole_numbers_may_be_written_as_others():
    """As 1e3 in a file."""
    made = ModelSettings(inducing_points=20.0)
    assert made.inducing_points == 20 and isinstance(made.inducing_points, int)


def test_no_batch_stands_for_all():
    assert StochasticSettings(batch_tasks=None).batch_tasks is None


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


def test_numbers_of_numpy_become_those_of_python():
    """They are written to files, as JSON."""
    made = ModelSettings(inducing_points=np.int64(20), noise_floor=np.float32(0.25))
    assert made == ModelSettings(inducing_points=20, noise_floor=0.25)
    assert '"inducing_points": 20, ' in json.dumps(dataclasses.asdict(made))


SECTIONS = {
    ModelSettings: ("model",),
    PictureSettings: ("model", "pictures"),
    TrainingSettings: ("training",),
    StochasticSettings: ("training", "stochastic"),
    settings.InferenceSettings: ("inference",),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_settings_and_the_schema_have_the_same_keys_values_and_bounds(section):
    entries = schema()
    for key in SECTIONS[section]:
        entries = entries["properties"][key]
    hints = get_type_hints(section, include_extras=True)
    assert hints.keys() == entries["properties"].keys() - {
        "kind"
    }  # which says what the others are of
    for name, hint in hints.items():
        entry = entries["properties"][name]
        if "enum" in entry:
            assert get_args(hint) == tuple(entry["enum"])
        elif {"integer", "number"} & set(np.atleast_1d(entry["type"])):
            assert get_origin(hint) is Annotated
            assert get_args(hint)[1] == (entry["minimum"], entry["maximum"])
            for end in get_args(hint)[1]:
                assert getattr(section(**{name: end}), name) == end


def test_how_tasks_are_run_is_left_out_where_it_is_the_default():
    section = {"steps": 12, "excitation": "shared", "runs": 1}
    experiment = {"domain": "cart_pole", "simulation": section, "initial_tasks": 4}
    assert world_settings(experiment) == {"domain": "cart_pole", "simulation": {"steps": 12}}
    changed = {**experiment, "simulation": section | {"runs": 3}}
    assert world_settings(changed)["simulation"] == {"steps": 12, "runs": 3}
    assert section == {"steps": 12, "excitation": "shared", "runs": 1}


def test_what_has_no_options_does_not_say_so():
    assert world_settings({"domain": "cart_pole", "options": {}}) == {"domain": "cart_pole"}
    given = {"domain": "cart_pole", "options": {"control_limit": 1.0}}
    assert world_settings(given) == given


def test_nothing_of_recorded_tasks_is_simulated():
    own = {"domain": "own_records:Decays", "test_tasks": 3}
    assert world_settings({**own, "simulation": {"steps": 3}}) == own


@dataclasses.dataclass(frozen=True)
class Inner(Settings):
    number: Annotated[int, Bounds(1, 5)] = 2


@dataclasses.dataclass(frozen=True)
class Outer(Settings):
    form: Literal["round", "square"] = "round"
    inner: Inner = Inner()


def test_settings_can_be_changed_by_a_section_of_a_file():
    square = Outer(form="square")
    assert square.changed({"inner": {"number": 3.0}}) == Outer("square", Inner(3))
    assert square.changed({}) == square and square.described()[0][2] == "`square`"


def test_a_setting_that_its_class_checks_is_described_in_words():
    @dataclasses.dataclass(frozen=True)
    class Own(Settings):
        columns: Annotated[dict[str, str], "columns and their units"] = dataclasses.field(
            default_factory=dict
        )
        share: Annotated[float | None, Bounds(0.0, 1.0)] = None

    assert [row[1] for row in Own().described()] == [
        "columns and their units",
        "a number from 0 to 1",
    ]
    assert Own.from_config({"columns": {"a": "m"}}).to_config()["columns"] == {"a": "m"}


@pytest.mark.parametrize(
    ("section", "key", "text"),
    [
        ({"inner": {"number": 6}}, ("inner", "number"), "expected a whole number from 1 to 5"),
        ({"inner": {"numbr": 6}}, ("inner", "numbr"), "unknown key; did you mean 'number'?"),
        ({"form": 3}, ("form",), 'expected "round" or "square", found 3'),
    ],
)
def test_an_error_says_which_setting_it_is_of(section, key, text):
    with pytest.raises(SettingError) as raised:
        Outer.from_config(section)
    assert raised.value.key == key and raised.value.text.startswith(text)
    assert str(raised.value).startswith(f"{'.'.join(key)}: {text}")
    assert problem_in(("options",), raised.value) == (("options", *key), raised.value.text)


@dataclasses.dataclass(frozen=True)
class Named(Settings):
    """Lists, sections and entries by name."""

    names: tuple[str, ...] = ("one",)
    parts: Mapping[str, Inner] = dataclasses.field(default_factory=dict)
    lengths: Mapping[str, float] = dataclasses.field(default_factory=dict)
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)
    choices: tuple[float, ...] = ()
    exact: bool = False
    own: Annotated[Mapping[str, int], "whatever the class knows"] = dataclasses.field(
        default_factory=dict
    )
    outer: Outer = Outer()


def test_settings_can_be_given_for_names_in_their_order():
    section = {"parts": {"b": {"number": 3.0}, "a": {}}, "lengths": {"x": 1}, "values": {"y": [1]}}
    settings = Named.from_config(section | {"names": ["a", "b"]})
    assert settings.names == ("a", "b") and isinstance(settings.lengths["x"], float)
    assert list(settings.parts.items()) == [("b", Inner(3)), ("a", Inner())]
    assert settings.to_config() == {
        "names": ("a", "b"),
        "parts": {"b": {"number": 3}, "a": {"number": 2}},
        "lengths": {"x": 1},
        "texts": {},
        "values": {"y": [1]},
        "choices": (),
        "exact": False,
        "own": {},
        "outer": {"form": "round", "inner": {"number": 2}},
    }
    assert Named.from_config(json.loads(json.dumps(settings.to_config()))) == settings
    assert settings.files() == {}
    assert Named().described() == [
        ("`names`", "a list of names", '`["one"]`'),
        ("`parts.<name>.number`", "a whole number from 1 to 5", "`2`"),
        ("`lengths`", "numbers by name", ""),
        ("`texts`", "texts by name", ""),
        ("`values`", "values by name", ""),
        ("`choices`", "a list of numbers", ""),
        ("`exact`", "true or false", "`false`"),
        ("`own`", "whatever the class knows", ""),
        ("`outer.form`", '"round" or "square"', "`round`"),
        ("`outer.inner.number`", "a whole number from 1 to 5", "`2`"),
    ]


@pytest.mark.parametrize(
    ("section", "key", "text"),
    [
        ({"parts": {"a": {"number": 9}}}, ("parts", "a", "number"), "expected a whole number from"),
        ({"parts": {"a": {"nmber": 3}}}, ("parts", "a", "nmber"), "unknown key; did you mean"),
        ({"parts": {"a": 3}}, ("parts", "a"), "expected a section of keys, found 3"),
        ({"names": "one"}, ("names",), "expected a list of names, found 'one'"),
        ({"names": ["one", 2]}, ("names",), "expected a list of names"),
        ({"choices": [1, "two"]}, ("choices",), "expected a list of numbers, found [1, 'two']"),
        ({"choices": 1.0}, ("choices",), "expected a list of numbers, found 1.0"),
        ({"lengths": 3}, ("lengths",), "expected a section of names, found 3"),
        ({"parts": [1]}, ("parts",), "expected a section of names, found"),
        ({"lengths": {"x": "long"}}, ("lengths", "x"), "expected a number, found 'long'"),
        ({"lengths": {"x": True}}, ("lengths", "x"), "expected a number, found True"),
        ({"texts": {"x": 3}}, ("texts", "x"), "expected a text, found 3"),
        ({"exact": 1}, ("exact",), "expected bool, found 1"),
    ],
)
def test_an_error_says_of_which_name_it_is(section, key, text):
    with pytest.raises(SettingError) as raised:
        Named.from_config(section)
    assert raised.value.key == key and raised.value.text.startswith(text)


@pytest.mark.parametrize(
    "section", [ModelSettings(latent_dimensions=2), TrainingSettings("stochastic")]
)
def test_a_section_of_settings_makes_them_again(section):
    assert section.to_config() == dataclasses.asdict(section)
    assert type(section).from_config(section.to_config()) == section
