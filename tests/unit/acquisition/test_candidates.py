"""Candidates: points of the box, and latent points that map into it."""

import dataclasses
import logging

import numpy as np
import pytest
import scipy.stats

from pamlflow.acquisition.candidates import (
    CandidateSettings,
    descriptor_candidates,
    latent_candidates,
    make_candidates,
)
from pamlflow.acquisition.interface import Situation
from pamlflow.acquisition.offer import BoxOffer
from pamlflow.acquisition.paml import paml
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.spaces import Box
from pamlflow.world import World


@pytest.fixture(scope="module")
def situation(trained, ragged_tasks):
    return Situation(
        round=1,
        model=trained,
        offer=BoxOffer(Box(ragged_tasks.descriptor_variables, [0.5, -1.0], [2.0, 1.0])),
        tasks=ragged_tasks,
        rng=np.random.default_rng(0),
    )


SETTINGS = CandidateSettings(candidates="latent", num_candidates=400)


def with_box(situation, low, high):
    box = Box(situation.offer.box.variables, np.full(2, low), np.full(2, high))
    return dataclasses.replace(situation, offer=BoxOffer(box))


@pytest.mark.parametrize("kind", ["latent", "descriptor"])
def test_candidates_lie_inside_the_box(situation, kind):
    descriptors, latent = make_candidates(situation, CandidateSettings(kind, 300))
    assert len(descriptors) > 0
    assert situation.offer.contains(descriptors).all()
    assert latent.mean.shape == latent.variance.shape == (len(descriptors), 2)
    assert np.all(latent.variance > 0.0)


def test_descriptor_candidates_fill_the_box_and_know_their_latents(situation):
    descriptors, latent = descriptor_candidates(situation, 100)
    assert descriptors.shape == (100, 2)
    cells = np.floor((descriptors - situation.offer.box.low) / np.array([1.5, 2.0]) * 4)
    assert len({tuple(cell) for cell in cells}) == 16
    expected = situation.model.infer(descriptors=descriptors)
    np.testing.assert_array_equal(latent.mean, expected.mean)


def test_latent_candidates_are_spread_like_the_prior_and_map_to_the_descriptors(situation):
    descriptors, latent = latent_candidates(situation, 400)
    np.testing.assert_allclose(descriptors, situation.model.predict_descriptors(latent.mean))
    assert 10 < len(descriptors) < 400
    assert np.all(latent.variance < 1e-6)

    _, anywhere = latent_candidates(with_box(situation, -1e6, 1e6), 400)
    assert anywhere.mean.shape == (400, 2)
    for axis in anywhere.mean.T:
        assert scipy.stats.kstest(axis, "norm").statistic < 0.03  # 0.068 at 5% if drawn at random


def test_latent_candidates_follow_the_scale_of_h(situation):
    """The stochastic bound leaves h in whatever scale its search found."""
    model = situation.model
    latent = model.latent._replace(
        mean=10.0 * model.latent.mean, variance=100.0 * model.latent.variance
    )
    anywhere = with_box(situation, -1e6, 1e6)
    _, scaled = latent_candidates(
        dataclasses.replace(anywhere, model=dataclasses.replace(model, latent=latent)), 400
    )
    np.testing.assert_allclose(scaled.mean.std(axis=0), [10.0, 10.0], rtol=0.05)


def test_far_latents_leave_the_box_instead_of_returning_to_its_middle(situation):
    """The trap: without a linear mean, E[psi | h] far from the tasks is the middle of the box."""
    far = 30.0 * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0], [1.0, 1.0]])
    descriptors = situation.model.predict_descriptors(far)
    assert not situation.offer.contains(descriptors).any()

    flat = situation.model.descriptor
    flat = flat._replace(slope=0.0 * flat.slope, intercept=0.0 * flat.intercept)
    trapped = dataclasses.replace(situation.model, descriptor=flat)
    assert situation.offer.contains(trapped.predict_descriptors(far)).all()


def test_without_a_latent_candidate_descriptors_are_used(situation, caplog):
    nowhere = with_box(situation, 1e6, 2e6)
    with caplog.at_level(logging.WARNING):
        descriptors, latent = make_candidates(nowhere, SETTINGS)
    assert descriptors.shape == (400, 2) and len(latent.mean) == 400
    assert nowhere.offer.contains(descriptors).all()
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
        descriptors, _ = make_candidates(dataclasses.replace(situation, model=model), SETTINGS)
    assert "using descriptors" in caplog.text
    assert np.linalg.matrix_rank(descriptors - descriptors.mean(axis=0)) == 2


def test_a_narrow_box_far_from_zero_is_spread_over_as_any_other(situation, caplog):
    """Such as temperatures about 300 K that vary by 0.1 mK."""
    situation = dataclasses.replace(
        situation, hidden=True
    )  # whether tasks are repeated is not asked here
    offset, width = np.array([300.0, -40.0]), np.array([1e-4, 1e-5])
    middle = (situation.offer.box.low + situation.offer.box.high) / 2.0
    scale = width / (situation.offer.box.high - situation.offer.box.low)
    scaler = situation.model.scaler
    scaler = dataclasses.replace(
        scaler,
        descriptor_mean=offset + (scaler.descriptor_mean - middle) * scale,
        descriptor_scale=scaler.descriptor_scale * scale,
    )
    box = Box(situation.offer.box.variables, offset - width / 2.0, offset + width / 2.0)
    moved = dataclasses.replace(
        situation,
        offer=BoxOffer(box),
        model=dataclasses.replace(situation.model, scaler=scaler),
        rng=np.random.default_rng(3),
    )
    with caplog.at_level(logging.WARNING):
        _, latent = make_candidates(moved, SETTINGS)
    _, expected = make_candidates(
        dataclasses.replace(situation, rng=np.random.default_rng(3)), SETTINGS
    )
    assert "using descriptors" not in caplog.text
    np.testing.assert_array_equal(latent.mean, expected.mean)


def test_as_many_candidates_as_asked_for_before_the_box(situation):
    everywhere = with_box(situation, -1e6, 1e6)
    descriptors, _ = make_candidates(everywhere, CandidateSettings(num_candidates=50))
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
    tasks = world.observe(world.descriptors.space.latin_hypercube(4, rng), excitation, rng)
    model = ModelSettings(inducing_points=25)
    training = TrainingSettings(first_iterations=40, next_iterations=15, starts=1)
    state, _ = train(tasks, model, training, rng)
    settings = CandidateSettings(kind, 200)
    for round_ in range(1, 11):
        seen = Situation(round_, state, BoxOffer(world.space), tasks, rng)
        selection = paml(seen, settings)
        chosen = selection.candidates[selection.chosen]
        tasks = tasks.append(world.observe(chosen[None], excitation, rng))
        state, _ = train(tasks, model, training, rng, state)
    box = world.descriptors.space
    unit = (tasks.descriptors[4:] - box.low) / (box.high - box.low)
    places = {tuple(place) for place in np.floor(20 * unit).astype(int)}
    assert len(places) >= 7, unit
    assert np.ptp(unit, axis=0).min() > 0.5
