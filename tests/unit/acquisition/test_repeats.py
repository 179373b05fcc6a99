"""Candidates that are, on the robot, tasks that have been run."""

import dataclasses
import logging

import numpy as np
import pytest

from pamlflow.acquisition import (
    STRATEGIES,
    BoxOffer,
    PoolOffer,
    Selection,
    Situation,
    log_repeat,
)
from pamlflow.acquisition.candidates import CandidateSettings, make_candidates
from pamlflow.acquisition.paml import PamlSettings, paml
from pamlflow.acquisition.repeats import NEAR, NEW, as_they_were_run, repeated_tasks
from pamlflow.models.interface import LatentPosterior
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet, Variable

CART_POLE = Box((Variable("mass", "kg"), Variable("length", "m")), [0.5, 0.5], [5.0, 2.0])


def tasks_at(descriptors, variables=CART_POLE.variables):
    """One transition of each task."""
    transitions = np.zeros((len(descriptors), 1))
    state = (Variable("position", "m"),)
    lengths = np.ones(len(descriptors), dtype=np.int64)
    parameters = np.zeros((len(descriptors), len(variables)))
    arrays = transitions, transitions, lengths, descriptors, parameters
    return TaskSet(*arrays, state, state, variables, variables)


def situation_of(descriptors, *, box=CART_POLE, model=None, pool=None, **changed):
    tasks = tasks_at(np.asarray(descriptors, dtype=float), box.variables)
    offer = BoxOffer(box) if pool is None else PoolOffer(pool, box)
    return Situation(1, model, offer, tasks, np.random.default_rng(0), **changed)


@pytest.mark.parametrize(
    ("run", "asked", "repeated"),
    [
        ([[3.0, 1.0], [2.0, 1.488]], [1.995, 1.489], 1),
        ([[3.0, 1.0], [2.0, 1.488]], [2.0, 1.488], 1),
        ([[3.0, 1.0], [2.0, 1.488]], [2.0, 1.0], NEW),  # the mass of one, the length of the other
        ([[3.0, 1.0], [2.0, 1.488]], [2.5, 1.25], NEW),
        ([[0.5, 0.5], [5.0, 2.0]], [5.0, 2.0], 1),
        ([[0.5, 0.5], [5.0, 2.0]], [0.51, 0.501], 0),
        ([[3.0, 1.0], [3.02, 1.01]], [3.03, 1.01], 1),  # the nearest
        ([[3.0, 1.0], [3.0, 1.0]], [3.0, 1.0], 0),  # the first of equals
        ([[5.5, 1.0]], [5.0, 1.0], NEW),  # outside the box a task is run by hand
        ([[5.1, 1.0]], [5.0, 1.0], 0),
    ],
)
@pytest.mark.parametrize("unit", [1.0, 1e-13, 1e9])
def test_which_task_is_repeated_in_any_unit(run, asked, repeated, unit):
    box = Box(CART_POLE.variables, unit * CART_POLE.low, unit * CART_POLE.high)
    situation = situation_of(unit * np.array(run), box=box)
    assert repeated_tasks(situation, unit * np.array([asked])) == [repeated]


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("number", [1, 4, 60])
def test_a_uniform_draw_is_as_seldom_a_repeat_however_many_tasks_there_are(dimensions, number):
    variables = tuple(Variable(f"v{i}", "1") for i in range(dimensions))
    box = Box(variables, np.zeros(dimensions), np.arange(1.0, dimensions + 1.0))
    rng = np.random.default_rng(number)
    situation = situation_of(box.latin_hypercube(number, rng), box=box)
    share = np.mean(repeated_tasks(situation, box.sample(200_000, rng)) != NEW)
    most = (2.0 * NEAR) ** dimensions
    assert 0.3 * most < share < 1.3 * most


def test_a_picture_is_repeated_by_the_same_picture():
    pictures = np.random.default_rng(0).random((4, 8, 8, 1))
    tasks = tasks_at(pictures[[2, 0]], (Variable("brightness", "1"),))
    situation = Situation(1, None, PoolOffer(pictures), tasks, np.random.default_rng(0))
    np.testing.assert_array_equal(repeated_tasks(situation, pictures), [1, NEW, 0, NEW])


@pytest.fixture
def folded(trained):
    """A model that is sure of one task, at h = [-1, -1], with the descriptor that h = [1, 1] decodes to.

    Latent points decode linearly, those two to opposite corners of the box of CART_POLE.
    """
    view, unit = trained.descriptor, np.array([2.25, 0.75])
    flat = view._replace(
        slope=np.diag(unit), intercept=np.array([2.75, 1.25]), weights=0.0 * view.weights
    )
    scaler = dataclasses.replace(
        trained.scaler, descriptor_mean=np.zeros(2), descriptor_scale=np.ones(2)
    )
    known = LatentPosterior(np.full((1, 2), -1.0), np.full((1, 2), 1e-4))
    return dataclasses.replace(trained, descriptor=flat, scaler=scaler, latent=known)


RUN = np.array([[4.98, 1.99]])


@pytest.mark.parametrize("kind", ["latent", "descriptor", "pool"])
def test_paml_does_not_ask_for_what_has_been_run(folded, kind):
    """The repeats lie farthest from the task in latent space, and are that task on the robot."""
    pool = np.array([[4.97, 1.98], [4.98, 1.99], [3.0, 1.4]]) if kind == "pool" else None
    situation = situation_of(RUN, model=folded, pool=pool)
    settings = PamlSettings("descriptor" if kind == "descriptor" else "latent", 4096)
    selection = paml(situation, settings)
    (repeat,) = repeated_tasks(situation, selection.candidates[[selection.chosen]])
    assert repeat == NEW
    repeats = repeated_tasks(situation, selection.candidates) != NEW
    assert repeats.any()
    np.testing.assert_array_equal(selection.latent.mean[repeats], -1.0)
    assert selection.utilities[repeats].max() < np.median(selection.utilities[~repeats])

    # With something hidden, the point that is farthest in latent space is another task.
    hidden = dataclasses.replace(situation, hidden=True, rng=np.random.default_rng(0))
    hidden = paml(hidden, settings)
    assert repeated_tasks(situation, hidden.candidates[[hidden.chosen]]) == [0]


def test_a_repeat_is_the_task_as_its_transitions_tell_it(folded):
    situation = situation_of(RUN, model=folded)
    descriptors = np.array([[2.0, 1.0], [4.98, 1.99]])
    correlated = np.full((2, 2, 2), 0.3) + 0.2 * np.eye(2)
    latent = LatentPosterior(np.ones((2, 2)), np.full((2, 2), 0.5), correlated)
    found = as_they_were_run(situation, descriptors, latent)
    np.testing.assert_array_equal(found.mean, [[1.0, 1.0], [-1.0, -1.0]])
    np.testing.assert_array_equal(found.variance, [[0.5, 0.5], [1e-4, 1e-4]])
    np.testing.assert_array_equal(found.covariance, [correlated[0], 1e-4 * np.eye(2)])
    np.testing.assert_array_equal(latent.mean, np.ones((2, 2)))  # what was given stays
    assert as_they_were_run(situation, descriptors[:1], latent) is latent
    hidden = dataclasses.replace(situation, hidden=True)
    assert as_they_were_run(hidden, descriptors, latent) is latent


def test_where_all_latent_candidates_are_repeats_descriptors_are_used(folded, caplog):
    """The view decodes into the neighbourhood of the one task, and in both directions at that."""
    near = folded.descriptor._replace(
        slope=1e-3 * folded.descriptor.slope, intercept=np.array([4.9, 1.95])
    )
    situation = situation_of(RUN, model=dataclasses.replace(folded, descriptor=near))
    with caplog.at_level(logging.WARNING):
        descriptors, _ = make_candidates(situation, CandidateSettings())
    assert "using descriptors" in caplog.text
    assert np.mean(repeated_tasks(situation, descriptors) == NEW) > 0.9
    caplog.clear()
    descriptors, _ = make_candidates(
        dataclasses.replace(situation, hidden=True), CandidateSettings()
    )
    assert np.all(repeated_tasks(situation, descriptors) == 0) and not caplog.records


def test_a_pool_of_repeats_alone_is_still_chosen_from(folded, caplog):
    situation = situation_of(RUN, model=folded, pool=np.repeat(RUN, 3, axis=0))
    for name in ("paml", "uniform"):
        strategy = STRATEGIES[name]
        caplog.clear()
        log_repeat(strategy.choose(situation, strategy.settings()), situation)
        assert "mass = 4.98 kg, length = 1.99 m, which is all but task 0 again" in caplog.text


@pytest.mark.parametrize(
    ("asked", "hidden", "level", "said"),
    [
        (
            [1.995, 1.489],
            False,
            "WARNING",
            "round 1 asks for mass = 1.995 kg, length = 1.489 m, which is all but task 1 again; only",
        ),
        ([1.995, 1.489], True, "INFO", "task 1 again; what is hidden may differ"),
        ([4.0, 1.0], False, None, ""),
    ],
)
def test_a_repeat_is_logged_whoever_asks_for_it(caplog, asked, hidden, level, said):
    situation = situation_of([[3.0, 1.0], [2.0, 1.488]], hidden=hidden)
    candidates, latent = (
        np.array([[4.0, 1.5], asked]),
        LatentPosterior(np.zeros((2, 1)), np.ones((2, 1))),
    )
    with caplog.at_level(logging.INFO):
        log_repeat(Selection(candidates, latent, np.zeros(2), 1), situation)
    assert [record.levelname for record in caplog.records] == ([level] if level else [])
    assert said in caplog.text


def test_a_picture_that_is_asked_for_again_is_logged(caplog):
    picture = np.full((1, 8, 8, 1), 0.5)
    tasks = tasks_at(picture, (Variable("brightness", "1"),))
    situation = Situation(3, None, PoolOffer(picture), tasks, np.random.default_rng(0), hidden=True)
    latent = LatentPosterior(np.zeros((1, 1)), np.ones((1, 1)))
    with caplog.at_level(logging.INFO):
        log_repeat(Selection(picture, latent, np.zeros(1), 0), situation)
    assert "round 3 asks for the picture of task 0 again" in caplog.text
