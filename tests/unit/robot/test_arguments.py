"""What a learner is given is checked when it opens, before a robot runs."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from spring_robot import BOX, INPUTS, STATE, files_of, open_learner, record

from pamlflow import Box, Variable
from pamlflow.acquisition import STRATEGIES
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.storage.store import StoreError

MASS, STIFFNESS = BOX.variables


def box(*variables):
    return Box(variables, [0.5] * len(variables), [3.0] * len(variables))


async def waits(situation):
    """A coroutine."""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"initial_tasks": 0}, "initial_tasks: expected a whole number from 1 to 1000, found 0"),
        ({"initial_tasks": 4.0}, "initial_tasks: expected a whole number, found 4.0"),
        ({"initial_tasks": True}, "initial_tasks: expected a whole number, found True"),
        ({"initial_tasks": "4"}, "initial_tasks: expected a whole number, found '4'"),
        ({"initial_tasks": None}, "initial_tasks: expected a whole number, found None"),
        ({"initial_tasks": 10**9}, "initial_tasks: expected .* from 1 to 1000, found 1000000000"),
        ({"initial_tasks": np.float64(4.0)}, "initial_tasks: expected a whole number"),
        ({"seed": -1}, "seed: expected a whole number from 0 to .*, found -1"),
        ({"seed": 2**63}, "seed: expected a whole number from 0 to"),
        ({"seed": 0.5}, "seed: expected a whole number, found 0.5"),
        ({"strategy": "unifrom"}, "unknown strategy 'unifrom': did you mean 'uniform'"),
        ({"strategy": "latin_hypercube"}, "raise `initial_tasks` instead"),
        ({"strategy": STRATEGIES["latin_hypercube"]}, "raise `initial_tasks` instead"),
        ({"strategy": 3}, r"strategy: expected a function .* or one of paml, .* 3"),
        ({"strategy": None}, r"strategy: expected a function .* found None"),
        ({"strategy": lambda: None}, r"strategy: expected a function of the situation alone"),
        ({"strategy": lambda situation, rng: None}, "missing a required argument: 'rng'"),
        ({"strategy": lambda *, situation: None}, "too many positional arguments"),
        ({"strategy": ModelSettings}, "strategy: expected a function .* found <class"),
        ({"strategy": waits}, "strategy: expected .* that returns a Selection"),
        ({"space": ["mass"]}, r"space: expected a pamlflow\.Box, found \['mass'"),
        ({"space": box()}, "space: expected a list of .*, found an empty one"),
        ({"space": box(MASS, MASS)}, "space: expected different names, found mass again"),
        (
            {"space": Box((MASS,), [-1e308], [1e308])},
            "space: expected a finite width of 'mass', found more than 1e308",
        ),
        ({"input_variables": ()}, "input_variables: expected a list of .*, found an empty one"),
        ({"input_variables": "position"}, "input_variables: .*Variable.*found 'position'"),
        ({"input_variables": iter(INPUTS)}, "input_variables: expected a list of"),
        ({"output_variables": ["position"]}, "output_variables: .*found 'position' in it"),
        ({"output_variables": STATE * 2}, "different names, found position, velocity again"),
        ({"output_variables": [Variable("", "m")]}, "text that can be read as the name"),
        ({"output_variables": [Variable("a\0b", "m")]}, "text that can be read as the name"),
        ({"output_variables": [Variable("a", "\ud800")]}, "text that can be read as the unit"),
        ({"output_variables": [Variable("a", 1)]}, "text as the unit"),
        (
            {"model": TrainingSettings()},
            r"model: expected pamlflow\.models\.latent_gp\.settings\.ModelSettings",
        ),
        ({"training": {"starts": 1}}, r"training: expected .*\.TrainingSettings"),
        ({"options": 1000}, "options: expected a mapping of settings, found 1000"),
        ({"options": {"num_candidate": 9}}, "options.num_candidate: unknown key; did you mean"),
        ({"options": {"num_candidates": 0}}, "options.num_candidates: expected a whole number"),
        ({"kind": "latent_pg"}, "unknown kind of model 'latent_pg': did you mean 'latent_gp'"),
        ({"pool": np.ones((3, 1))}, r"pool: expected \[C, 2\] \(mass, stiffness\), found \[3, 1\]"),
        ({"pool": np.ones((3, 2, 2))}, r"pool: expected \[C, 2\] .*, found \[3, 2, 2\]"),
        ({"pool": []}, r"pool: expected \[C, 2\] .*, found \[0\]"),
        ({"pool": np.zeros((0, 2))}, "pool: expected at least 2 candidates .*, found 0"),
        ({"pool": [["1", "4"], ["2", "5"]]}, "pool: expected an array of real numbers"),
        ({"pool": np.full((3, 2), np.nan)}, "pool, row 0: .* inside the box, found mass = nan kg"),
        ({"pool": [[1.0, 4.0]]}, "at least 2 candidates for the initial tasks, found 1"),
        (
            {"pool": [[1.0, 4.0], [1e3, 4.0]]},
            r"pool, row 1: .* inside the box, found mass = 1000.0 kg, stiffness = 4.0 N/m",
        ),
        (
            {"pool": pd.DataFrame({"mass": [1.0, 2.0], "length": [4.0, 5.0]})},
            "pool: expected columns 'mass', 'stiffness' in any order, found 'mass', 'length'",
        ),
    ],
)
def test_what_cannot_work_is_refused_at_once(tmp_path, changed, message):
    with pytest.raises((TypeError, ValueError), match=message):
        open_learner(tmp_path / "robot", **changed)
    assert files_of(tmp_path) == {}


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        (3, "folder: expected the path of a folder, found 3"),
        (b"robot", "folder: expected the path of a folder, found b'robot'"),
        ("", "folder: expected the path of a folder, found ''"),
        ("ro\0bot", "folder: expected the path of a folder"),
        ("~nobody_of_this_name/robot", "write the whole path"),
    ],
)
def test_a_folder_that_is_none_is_refused(folder, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}|{message}$"):
        open_learner(folder)


def test_a_file_in_place_of_the_folder_is_left(tmp_path):
    path = tmp_path / "robot"
    path.write_text("precious")
    with pytest.raises(ValueError, match=f"folder: expected a folder, found a file at {path}"):
        open_learner(path)
    with pytest.raises(StoreError, match=r"below: cannot be written \(Not a directory\)"):
        open_learner(path / "below")
    assert path.read_text() == "precious"


def test_the_home_is_written_as_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    open_learner("~/robot")
    assert [path.name for path in tmp_path.iterdir()] == ["robot"]
    assert (tmp_path / "robot" / "learner.json").exists()


def test_numbers_of_numpy_are_as_good_as_others(tmp_path):
    plain = {
        "seed": 3,
        "model": ModelSettings(inducing_points=20, noise_floor=0.5),
        "options": {"num_candidates": 64},
    }
    numpy = {
        "seed": np.uint8(3),
        "initial_tasks": np.int64(2),
        "model": ModelSettings(inducing_points=np.int32(20), noise_floor=np.float32(0.5)),
        "options": {"num_candidates": np.int64(64)},
    }
    one, other = (
        open_learner(tmp_path / name, **given) for name, given in (("a", plain), ("b", numpy))
    )
    assert (tmp_path / "a/learner.json").read_text() == (tmp_path / "b/learner.json").read_text()
    assert json.dumps(one._rounds._config) == json.dumps(other._rounds._config)
    np.testing.assert_array_equal(one.ask(), other.ask())


def test_a_strategy_may_have_defaults_or_be_an_object(tmp_path):
    class Strategy:
        def __call__(self, situation, weight=1.0):
            """Choose."""

    for number, strategy in enumerate((Strategy(), lambda *situation: None)):
        open_learner(tmp_path / str(number), strategy=strategy)


def test_a_pool_with_names_is_put_in_order_by_them(tmp_path):
    pool = BOX.sobol(4, np.random.default_rng(0))
    table = pd.DataFrame(pool[:, ::-1], columns=["stiffness", "mass"])
    expected = open_learner(tmp_path / "a", pool=pool).ask()
    np.testing.assert_array_equal(open_learner(tmp_path / "b", pool=table).ask(), expected)


def test_an_initial_task_that_the_pool_lacks_is_named_when_it_opens(tmp_path, caplog):
    pool = BOX.sobol(4, np.random.default_rng(0))
    due = open_learner(tmp_path, pool=pool)._choices.design
    caplog.clear()
    learner = open_learner(tmp_path, pool=pool[~np.all(pool == due[1], axis=1)])
    assert caplog.record_tuples == [("pamlflow.robot.choices", logging.WARNING, absent(due[1]))]
    np.testing.assert_array_equal(learner.ask(), due[0])
    record(learner, 1.0)  # another in place of the first
    with pytest.raises(ValueError, match=r"task 1 should be .*, which is no row that is left"):
        learner.ask()


def absent(descriptor):
    return (
        f"initial task {descriptor} is not in `pool`: tell another task in its place, or give a "
        "pool with it"
    )


def test_models_without_a_learner_are_not_written_over(tmp_path):
    (tmp_path / "round_00.h5").write_bytes(b"of a study")
    with pytest.raises(ValueError, match=r"holds round_00\.h5, but no learner\.json"):
        open_learner(tmp_path)
    assert files_of(tmp_path) == {"round_00.h5": b"of a study"}


def test_a_folder_is_a_path_of_any_kind(tmp_path):
    class Place:
        def __fspath__(self):
            return str(tmp_path / "robot")

    assert open_learner(Place())._folder == Path(tmp_path / "robot")
