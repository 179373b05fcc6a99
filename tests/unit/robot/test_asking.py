"""What is sent to a robot: initial tasks in any order, and nothing outside the box or the pool."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from spring_robot import BOX, files_of, open_learner, record, run

from pamlflow import RecordingError
from pamlflow.acquisition import Selection
from pamlflow.models.interface import LatentPosterior
from pamlflow.robot.choices import Choices

DESIGN = np.array([[1.0, 4.0], [2.0, 8.0], [2.5, 3.0], [0.6, 9.0]])
NEAR = 1e-7 * (BOX.high - BOX.low)  # as rounding to single precision


def choices(strategy=None, pool=None):
    return Choices(BOX, DESIGN, strategy, {}, pool, seed=0)


@pytest.mark.parametrize(
    ("told", "due"),
    [
        ([], [0, 1, 2, 3]),
        ([0], [1, 2, 3]),
        ([2], [0, 1, 3]),
        ([3, 1], [0, 2]),
        ([3, 2, 1, 0], []),
        (["other"], [1, 2, 3]),  # in place of the first
        (["other", 3], [1, 2]),
        ([3, "other"], [1, 2]),
        (["other", 0], [2, 3]),
        ([1, 1], [2, 3]),  # the second time in place of the first
        (["other"] * 4, []),
        (["other"] * 6, []),
    ],
)
@pytest.mark.parametrize("rounding", [0.0, NEAR, -NEAR])
def test_the_first_initial_task_that_was_not_told_is_due(told, due, rounding):
    rows = [[1.7, 5.5] if each == "other" else DESIGN[each] + rounding for each in told]
    found = choices().due(np.array(rows).reshape(-1, 2))
    np.testing.assert_array_equal(found, DESIGN[due])


def test_a_task_farther_away_than_a_rounding_is_another(tmp_path):
    found = choices().due(DESIGN[[2]] + 1e-4)
    np.testing.assert_array_equal(found, DESIGN[1:])  # and 2 is to be run still


def test_a_learner_that_is_told_in_another_order_asks_for_what_is_left(tmp_path):
    learner = open_learner(tmp_path, initial_tasks=3)
    first, second, third = learner._choices.design
    for descriptor, expected in ((third, first), (first, second)):
        learner.tell(descriptor, *run(descriptor))
        np.testing.assert_array_equal(learner.ask(), expected)
        np.testing.assert_array_equal(open_learner(tmp_path, initial_tasks=3).ask(), expected)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda about: about["design"][1].__setitem__(0, 6.6), "changed since it was written"),
        (lambda about: about["design"][1].__setitem__(0, 2.2), "changed since it was written"),
        (lambda about: about.__setitem__("seed", 5), "changed since it was written"),
    ],
)
def test_a_digit_changed_in_the_file_is_noticed(tmp_path, change, problem):
    open_learner(tmp_path)
    path = tmp_path / "learner.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about))  # in one line: nothing is changed
    open_learner(tmp_path)
    change(about)
    path.write_text(json.dumps(about))
    with pytest.raises(
        RecordingError, match=rf"learner\.json: .*{problem}.*restore it from a copy"
    ):
        open_learner(tmp_path)


@pytest.mark.parametrize(
    ("design", "problem"),
    [
        ([[1.0, 4.0], [6.6, 8.0]], "task 1: expected 'mass' from 0.5 to 3.0, found 6.6"),
        ([[1.0, 4.0], [1.0, 1.9]], "task 1: expected 'stiffness' from 2.0 to 10.0, found 1.9"),
        ([[1.0, 4.0], [1.0, float("nan")]], "task 1: expected 'stiffness' .*, found nan"),
        ([[1.0, 4.0], [float("inf"), 4.0]], "task 1: expected 'mass' .*, found inf"),
        ([[1.0, 4.0], [10**400, 4.0]], "too large"),
        ([[1.0, 4.0]], r"design: expected shape \[2, 2\], found \[1, 2\]"),
        ([[1.0], [2.0]], r"design: expected shape \[2, 2\], found \[2, 1\]"),
        ([], r"design: expected shape \[2, 2\], found \[0\]"),
        ("lost", "could not convert"),
        (None, "design: expected shape"),
    ],
)
def test_a_design_outside_the_box_is_refused_without_a_digest_too(tmp_path, design, problem):
    open_learner(tmp_path)
    path = tmp_path / "learner.json"
    about = json.loads(path.read_text()) | {"design": design}
    del about["sha256"]
    path.write_text(json.dumps(about))
    with pytest.raises(RecordingError, match=rf"learner\.json: not what a learner .*{problem}"):
        open_learner(tmp_path)


def test_a_folder_from_before_there_was_a_digest_opens_with_its_design(tmp_path):
    """SciPy may draw another Latin hypercube one day."""
    open_learner(tmp_path)
    path = tmp_path / "learner.json"
    about = json.loads(path.read_text()) | {"design": [[1.0, 4.0], [3.0 + 1e-9, 9.0]]}
    del about["sha256"]
    path.write_text(json.dumps(about))
    learner = open_learner(tmp_path)
    np.testing.assert_array_equal(learner.ask(), [1.0, 4.0])
    record(learner, 1.0)
    np.testing.assert_array_equal(learner.ask(), [3.0, 9.0])  # the rounding is taken back


@pytest.mark.parametrize("text", ["{", "", "[]", "null", "1", '{"design": "lost"}', "[" * 10**5])
def test_what_no_learner_wrote_is_said_to_be(tmp_path, text):
    open_learner(tmp_path)
    (tmp_path / "learner.json").write_text(text)
    with pytest.raises(RecordingError, match=r"learner\.json: not what a learner writes"):
        open_learner(tmp_path)


def chosen(*candidates, latents=2):
    """A strategy that chooses the first of these candidates."""
    latent = LatentPosterior(*np.ones((2, len(candidates), latents)))
    return lambda situation: Selection(candidates, latent, np.zeros(len(candidates)), 0)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (chosen([6.6, 4.0]), "task 2 should be mass = 6.6 kg, stiffness = 4.0 N/m, .* outside"),
        (chosen([1.0, 4.0, 5.0]), r"candidates: expected shape \[C, 2\], found \[1, 3\]"),
        (chosen([1.0, 4.0], latents=3), r"latent.mean: expected shape \[C, 2\], found \[1, 3\]"),
        (lambda situation: np.array([1.0, 4.0]), "expected a pamlflow.acquisition.Selection"),
        (lambda situation: None, "expected a pamlflow.acquisition.Selection from it, found None"),
    ],
)
def test_what_a_strategy_says_is_checked_before_it_goes_to_the_robot(
    tmp_path, monkeypatch, strategy, message
):
    learner = open_learner(tmp_path, strategy=strategy)
    record(learner, 1.0, 2.0)
    model = SimpleNamespace(latent=LatentPosterior(np.zeros((2, 2)), np.ones((2, 2))))
    monkeypatch.setattr(learner._rounds, "model", lambda tasks: model)
    before = files_of(tmp_path)
    with pytest.raises((TypeError, ValueError), match=message):
        learner.ask()
    assert files_of(tmp_path) == before


def test_a_rounding_outside_the_box_is_taken_back(tmp_path, monkeypatch):
    beyond = BOX.high + NEAR
    learner = open_learner(tmp_path, strategy=chosen(beyond))
    record(learner, 1.0, 2.0)
    model = SimpleNamespace(latent=LatentPosterior(np.zeros((2, 2)), np.ones((2, 2))))
    monkeypatch.setattr(learner._rounds, "model", lambda tasks: model)
    np.testing.assert_array_equal(learner.ask(), BOX.high)


def test_what_is_asked_for_is_not_the_learners_own_array(tmp_path):
    learner = open_learner(tmp_path)
    asked = learner.ask()
    kept = asked.copy()
    asked[:] = 99.0
    np.testing.assert_array_equal(learner.ask(), kept)


@pytest.mark.parametrize("context", [-1, 2.5, True, "20", None])
def test_a_context_that_is_none_is_named(tmp_path, context):
    with pytest.raises((TypeError, ValueError), match="context: expected a whole number"):
        open_learner(tmp_path).scores(context)
