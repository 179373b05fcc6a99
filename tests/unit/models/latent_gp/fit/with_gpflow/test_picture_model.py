"""The joint objective of dynamics and pictures, and the rounds that are trained on it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from bars import bars

from pamlflow.models.interface import TaskArrays, TrainingError, TrainingRecord
from pamlflow.models.latent_gp.fit.optimiser import Optimiser
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.fit.with_gpflow.latent import kl_divergence
from pamlflow.models.latent_gp.fit.with_gpflow.picture_model import PictureModel
from pamlflow.models.latent_gp.settings import ModelSettings, PictureSettings, TrainingSettings
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.tasks import Variable

SETTINGS = ModelSettings(2, inducing_points=20, pictures=PictureSettings(pretraining_steps=60))
BRIEF = TrainingSettings(first_iterations=10, next_iterations=10)


def weighted(weight):
    """The settings with another weight of the pictures."""
    return dataclasses.replace(SETTINGS, pictures=PictureSettings(weight))


@pytest.fixture(scope="module")
def tasks(make_tasks):
    """Four tasks that are seen as bars as high as their amplitude says."""
    known = make_tasks([12, 9, 12, 10])
    return dataclasses.replace(
        known,
        descriptors=bars(3.0 * known.parameters[:, 0]),
        descriptor_variables=(Variable("brightness", "1"),),
    )


UNCHOSEN = bars([2.0, 3.5, 5.0, 4.2, 2.8])


@pytest.fixture
def model(tasks):
    model = PictureModel(tasks, SETTINGS, UNCHOSEN)
    model.choose_inducing_points()
    return model


@pytest.fixture(scope="module")
def trained(tasks):
    rng = np.random.default_rng(0)
    return train(tasks, SETTINGS, BRIEF, rng, unchosen=UNCHOSEN)


def test_latents_are_those_of_all_pictures_with_the_training_tasks_first(model, tasks):
    mean, variance = model.moments()
    assert model.num_tasks == 4
    assert mean.shape == variance.shape == (9, 2)
    alone = PictureModel(tasks, SETTINGS, None)
    assert alone.moments()[0].shape == (4, 2)
    seen = model.scaler.descriptors(np.concatenate([tasks.descriptors, UNCHOSEN]))
    encoded = model.trained().descriptor.encode(seen)
    np.testing.assert_allclose(encoded.mean, mean, rtol=1e-4, atol=1e-6)


def test_objective_weighs_pictures_and_counts_each_task_once(tasks, model):
    """Dynamics of the training tasks, weighted pictures of all tasks, divergence of all."""
    mean, variance = model.moments()
    dynamics = model.dynamics.bound(model.data, mean[:4], variance[:4], model.relative_jitter)
    pictures = model.descriptor.bound(mean, variance, model.relative_jitter)
    divergence = kl_divergence(mean, variance)
    objective = float(model.maximum_log_likelihood_objective())
    assert objective == pytest.approx(float(dynamics + pictures - divergence), rel=1e-6)
    ten = weighted(10.0 * SETTINGS.pictures.weight)
    heavy = PictureModel(tasks, ten, UNCHOSEN)
    heavy.choose_inducing_points()
    difference = float(heavy.maximum_log_likelihood_objective()) - objective
    assert difference == pytest.approx(9.0 * float(pictures), rel=1e-4)


def test_encoder_learns_from_the_dynamics_too(tasks):
    model = PictureModel(tasks, SETTINGS, UNCHOSEN)
    model.choose_inducing_points()
    encoder, decoder = model.descriptor.encoder, model.descriptor.decoder
    variables = [encoder.trainable_variables[0], decoder.trainable_variables[0]]
    with tf.GradientTape() as tape:
        mean, variance = model.moments()
        loss = -model.dynamics.bound(model.data, mean[:4], variance[:4], model.relative_jitter)
    from_encoder, from_decoder = tape.gradient(loss, variables)
    assert float(tf.reduce_max(tf.abs(from_encoder))) > 0.0
    assert from_decoder is None


def test_training_on_both_views_raises_the_bound_of_each(model):
    def parts():
        mean, variance = model.moments()
        dynamics = model.dynamics.bound(model.data, mean[:4], variance[:4], model.relative_jitter)
        return float(dynamics), float(model.descriptor.bound(mean, variance, model.relative_jitter))

    before = parts()
    variables = model.trainable_variables
    networks = model.descriptor.encoder.trainable_variables
    assert {id(it) for it in networks} <= {id(it) for it in variables}
    Optimiser(model, TrainingRecord()).minimise(15, "both views")
    after = parts()
    assert after[0] > before[0] + 1.0
    assert after[1] > before[1] + 0.1


def test_a_new_scale_of_h_is_noticed_by_neither_view(model, tasks):
    before = model.trained()
    model.rescale_latents()
    after = model.trained()
    mean, variance = model.moments()
    np.testing.assert_allclose(np.mean(mean**2 + variance, axis=0), 1.0, rtol=1e-4)
    inputs, _, _ = tasks.padded()
    for old, new in zip(
        before.predict(inputs, before.latent), after.predict(inputs, after.latent), strict=True
    ):
        np.testing.assert_allclose(old, new, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        before.predict_descriptors(before.latent.mean),
        after.predict_descriptors(after.latent.mean),
        atol=1e-4,
    )


def test_a_picture_alone_tells_what_the_encoder_says(trained, tasks):
    model, _ = trained
    assert model.latent.mean.shape == (4, 2)
    latent = model.infer(descriptors=tasks.descriptors)
    np.testing.assert_allclose(latent.mean, model.latent.mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(latent.variance, model.latent.variance, rtol=1e-4)


def test_pictures_of_another_size_are_refused(trained, tasks):
    model, _ = trained
    shape = r", ".join(map(str, tasks.descriptors.shape[1:]))
    with pytest.raises(ValueError, match=rf"descriptors: expected shape \[N, {shape}\], found"):
        model.infer(descriptors=tasks.descriptors[:, ::2])


def test_transitions_refine_what_the_picture_tells(trained, tasks):
    model, _ = trained
    data = TaskArrays(*tasks.padded())
    both = model.infer(descriptors=tasks.descriptors, data=data)
    # A picture of an amplitude that is not the task's own does not outweigh many transitions.
    wrong = model.infer(descriptors=tasks.descriptors[::-1], data=data)
    picture = model.infer(descriptors=tasks.descriptors[::-1])
    assert np.all(both.variance.prod(axis=1) < model.latent.variance.prod(axis=1))
    assert np.any(np.abs(wrong.mean - picture.mean) > 1e-3)


def test_trained_model_survives_the_way_through_datasets(trained, tasks):
    model, _ = trained
    again = TrainedModel.from_datasets(model.to_datasets())
    for old, new in zip(
        model.infer(descriptors=tasks.descriptors),
        again.infer(descriptors=tasks.descriptors),
        strict=True,
    ):
        np.testing.assert_array_equal(old, new)
    points = model.latent.mean
    decoded = again.predict_descriptors(points)
    assert decoded.shape == tasks.descriptors.shape
    np.testing.assert_array_equal(decoded, model.predict_descriptors(points))


def test_next_round_starts_with_the_networks_of_the_last_one(trained, tasks, make_tasks):
    model, record = trained
    new = dataclasses.replace(
        make_tasks([10], seed=7),
        descriptors=UNCHOSEN[:1],
        descriptor_variables=tasks.descriptor_variables,
    )
    # A dimension that the dynamics have no use for: of pictures it may be one of their own.
    values = model.dynamics.values._replace(lengthscales_h=np.array([1.0, 400.0]))
    previous = dataclasses.replace(
        model, dynamics=dataclasses.replace(model.dynamics, values=values)
    )
    rng = np.random.default_rng(1)
    more, later = train(tasks.append(new), SETTINGS, BRIEF, rng, previous, unchosen=UNCHOSEN[1:])
    assert not any("scratch" in event for event in later.events)
    assert more.latent.mean.shape == (5, 2)
    # The networks have moved, but not far.
    for name, weights in model.descriptor.decoder.items():
        moved = np.abs(more.descriptor.decoder[name] - weights).max()
        assert moved < 1.0
    assert later.bound[-1] > record.bound[0]


def test_a_fit_without_a_finite_bound_says_what_was_tried(monkeypatch, tasks):
    loss = PictureModel.training_loss
    monkeypatch.setattr(PictureModel, "training_loss", lambda model: np.nan * loss(model))
    with pytest.raises(
        TrainingError, match=r"no finite bound, with jitter up to .* parameters: none"
    ):
        train(tasks, SETTINGS, BRIEF, np.random.default_rng(0), unchosen=UNCHOSEN)
