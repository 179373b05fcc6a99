"""Candidates: points of the box, and latent points that map into it."""

import dataclasses
import logging

import numpy as np
import pytest
import scipy.stats

from pamlflow.acquisition.candidates import (
    descriptor_candidates,
    latent_candidates,
    make_candidates,
)
from pamlflow.acquisition.interface import Situation
from pamlflow.acquisition.paml import paml
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.settings import AcquisitionSettings
from pamlflow.spaces import Box
from pamlflow.world import World


@pytest.fixture(scope="module")
def situation(trained, ragged_tasks):
    return Situation(
        round=1,
        model=trained,
        space=Box(ragged_tasks.descriptor_variables, np.array([0.5, -1.0]), np.array([2.0, 1.0])),
        tasks=ragged_tasks,
        design=np.array([[1.0, 0.0], [1.5, 0.5]]),
        settings=AcquisitionSettings(candidates="latent", num_candidates=400),
        rng=np.random.default_rng(0),
    )


def with_settings(situation, **settings):
    return dataclasses.replace(situation, settings=AcquisitionSettings(**settings))


@pytest.mark.parametrize("kind", ["latent", "descriptor"])
def test_candidates_lie_inside_the_box(situation, kind):
    changed = with_settings(situation, candidates=kind, num_candidates=300)
    descriptors, latent = make_candidates(changed)
    assert len(descriptors) > 0
    assert situation.space.contains(descriptors).all()
    assert latent.mean.shape == latent.variance.shape == (len(descriptors), 2)
    assert np.all(latent.variance > 0.0)


def test_descriptor_candidates_fill_the_box_and_know_their_latents(situation):
    descriptors, latent = descriptor_candidates(
        with_settings(situation, candidates="descriptor", num_candidates=100)
    )
    assert descriptors.shape == (100, 2)
    cells = np.floor((descriptors - situation.space.low) / np.array([1.5, 2.0]) * 4)
    assert len({tuple(cell) for cell in cells}) == 16
    expected = situation.model.infer(descriptors=descriptors)
    np.testing.assert_array_equal(latent.mean, expected.mean)


def test_latent_candidates_are_spread_like_the_prior_and_map_to_the_descriptors(situation):
    descriptors, latent = latent_candidates(situation)
    np.testing.assert_allclose(descriptors, situation.model.predict_descriptors(latent.mean))
    assert 10 < len(descriptors) < 400
    assert np.all(latent.variance < 1e-6)

    box = Box(situation.space.variables, np.full(2, -1e6), np.full(2, 1e6))
    _, anywhere = latent_candidates(dataclasses.replace(situation, space=box))
    assert anywhere.mean.shape == (400, 2)
    for axis in anywhere.mean.T:
        assert scipy.stats.kstest(axis, "norm").statistic < 0.03  # 0.068 at 5% if drawn at random


def test_latent_candidates_follow_the_scale_of_h(situation):
    """The stochastic bound leaves h in whatever scale its search found."""
    model = situation.model
    latent = model.latent._replace(
        mean=10.0 * model.latent.mean, variance=100.0 * model.latent.variance
    )
    box = Box(situation.space.variables, np.full(2, -1e6), np.full(2, 1e6))
    _, scaled = latent_candidates(
        dataclasses.replace(situation, space=box, model=dataclasses.replace(model, latent=latent))
    )
    np.testing.assert_allclose(scaled.mean.std(axis=0), [10.0, 10.0], rtol=0.05)


def test_far_latents_leave_the_box_instead_of_returning_to_its_middle(situation):
    """The trap: without a linear mean, E[psi | h] far from the tasks is the middle of the box."""
    far = 30.0 * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, 1.0]])
    descriptors = situation.model.predict_descriptors(far)
    assert not situation.space.contains(descriptors).any()

    flat = situation.model.descriptor
    flat = flat._replace(slope=0.0 * flat.slope, intercept=0.0 * flat.intercept)
    trapped = dataclasses.replace(situation.model, descriptor=flat)
    assert situation.space.contains(trapped.predict_descriptors(far)).all()


def test_without_a_latent_candidate_descriptors_are_used(situation, caplog):
    nowhere = dataclasses.replace(
        situation,
        space=Box(situation.space.variables, np.array([1e6, 1e6]), np.array([2e6, 2e6])),
    )
    with caplog.at_level(logging.WARNING):
        descriptors, latent = make_candidates(nowhere)
    assert descriptors.shape == (400, 2) and len(latent.mean) == 400
    assert nowhere.space.contains(descriptors).all()
    assert "using descriptors" in caplog.text


@pytest.mark.parametrize("tasks_on", ["a point", "a line"])
def test_candidates_that_know_too_few_directions_give_way_to_descriptors(
    situation, caplog, tasks_on
):
    flat = situation.model.descriptor
    slope = np.array([[1.0, 1.0], [0.0, 0.0]]) * (tasks_on == "a line")
    flat = flat._replace(slope=slope, intercept=np.zeros(2), weights=0.0 * flat.weights)
    model = dataclasses.replace(situation.model, descriptor=flat)
    with caplog.at_level(logging.WARNING):
        descriptors, _ = make_candidates(dataclasses.replace(situation, model=model))
    assert "using descriptors" in caplog.text
    assert np.linalg.matrix_rank(descriptors - descriptors.mean(axis=0)) == 2


def test_as_many_candidates_as_asked_for_before_the_box(situation):
    everywhere = dataclasses.replace(
        with_settings(situation, candidates="latent", num_candidates=50),
        space=Box(situation.space.variables, np.full(2, -1e6), np.full(2, 1e6)),
    )
    descriptors, _ = make_candidates(everywhere)
    assert len(descriptors) == 50


@pytest.mark.parametrize(
    ("kind", "hidden"), [("latent", []), ("descriptor", []), ("latent", ["pole_mass"])]
)
def test_ten_rounds_do_not_choose_the_same_task_over_and_over(kind, hidden):
    """What a search that extrapolates badly would do; here with a real cart-pole and a small model."""
    world = World.from_config(
        {
            "domain": "cart_pole",
            "simulation": {"steps": 20},
            "descriptors": {"hidden": hidden},
            "space": {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]},
        }
    )
    rng = np.random.default_rng(0)
    excitation = world.domain.draw_excitation(rng)
    tasks = world.observe(world.view.space.latin_hypercube(4, rng), excitation, rng)
    model = ModelSettings(inducing_points=25)
    training = TrainingSettings(first_iterations=40, next_iterations=15, starts=1)
    state, _ = train(tasks, model, training, rng)
    settings = AcquisitionSettings(candidates=kind, num_candidates=200)
    for round_ in range(1, 11):
        seen = Situation(round_, state, world.view.space, tasks, np.empty((0, 2)), settings, rng)
        selection = paml(seen)
        chosen = selection.candidates[selection.chosen]
        tasks = tasks.append(world.observe(chosen[None], excitation, rng))
        state, _ = train(tasks, model, training, rng, state)
    box = world.view.space
    unit = (tasks.descriptors[4:] - box.low) / (box.high - box.low)
    places = {tuple(place) for place in np.floor(20 * unit).astype(int)}
    assert len(places) >= 7, unit
    assert np.ptp(unit, axis=0).min() > 0.5
