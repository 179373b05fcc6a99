"""The joint objective of both views and q(H), and where its inducing points lie."""

import dataclasses

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from gpflow.config import Config, as_context

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit.latent import kl_divergence
from pamlflow.models.latent_gp.fit.vector_model import VectorModel
from pamlflow.models.latent_gp.settings import ModelSettings


def make(tasks, seed=0, **settings):
    rng = np.random.default_rng(seed)
    size = (tasks.num_tasks, settings.get("latent_dimensions", 2))
    start = LatentPosterior(rng.normal(size=size), rng.uniform(0.05, 0.3, size=size))
    model = VectorModel(tasks, ModelSettings(**({"inducing_points": 15} | settings)), start)
    model.choose_inducing_points()
    return model


@pytest.fixture
def model(ragged_tasks):
    return make(ragged_tasks)


def test_objective_is_the_sum_of_its_parts(model):
    """Eq. 10."""
    expected = model.dynamics.bound(model.data, *model.moments(), model.jitter)
    expected += model.descriptor.bound(*model.moments(), model.jitter)
    expected -= kl_divergence(*model.moments())
    np.testing.assert_allclose(model.maximum_log_likelihood_objective(), expected, rtol=1e-12)
    np.testing.assert_allclose(
        model.training_loss(), -(expected + model.log_prior_density()), rtol=1e-12
    )


def test_gradient_of_the_loss_equals_finite_differences(model):
    rng, step = np.random.default_rng(0), 1e-5
    model.dynamics.noise_slope.assign([0.3, -0.2])
    variables = model.trainable_variables
    with tf.GradientTape() as tape:
        loss = model.training_loss()
    gradients = tape.gradient(loss, variables)
    here = [variable.numpy() for variable in variables]
    for _ in range(4):
        directions = [rng.normal(size=value.shape) for value in here]
        ends = []
        for sign in (1.0, -1.0):
            for variable, value, direction in zip(variables, here, directions, strict=True):
                variable.assign(value + sign * step * direction)
            ends.append(float(model.training_loss()))
        along = sum(
            np.sum(g.numpy() * direction)
            for g, direction in zip(gradients, directions, strict=True)
        )
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(along, rel=1e-5, abs=1e-5)


def test_order_of_the_tasks_does_not_matter(ragged_tasks):
    order = [3, 0, 4, 2, 7, 1, 6, 5]
    one = make(ragged_tasks)
    start = LatentPosterior(*(moment.numpy()[order] for moment in one.moments()))
    other = VectorModel(ragged_tasks.subset(order), ModelSettings(inducing_points=15), start)
    other.dynamics.inducing_inputs.assign(one.dynamics.inducing_inputs)
    other.dynamics.inducing_latents.assign(one.dynamics.inducing_latents)
    # The descriptor view has no more than 32 tasks: all of them are its inducing points.
    np.testing.assert_allclose(one.training_loss(), other.training_loss(), rtol=1e-9)


def test_units_do_not_matter(ragged_tasks):
    metres = make(ragged_tasks)
    millimetres = make(
        dataclasses.replace(
            ragged_tasks,
            inputs=1e3 * ragged_tasks.inputs + 5.0,
            outputs=1e-3 * ragged_tasks.outputs - 2.0,
            descriptors=1e6 * ragged_tasks.descriptors,
        )
    )
    np.testing.assert_allclose(metres.training_loss(), millimetres.training_loss(), rtol=1e-8)


@pytest.mark.parametrize("noise", ["per_output", "task_scaled"])
def test_noise_slope_is_trained_for_task_scaled_noise_only(ragged_tasks, noise):
    model = make(ragged_tasks, noise=noise)
    trainable = {id(variable) for variable in model.trainable_variables}
    slope = model.dynamics.noise_slope.unconstrained_variable
    assert (id(slope) in trainable) == (noise == "task_scaled")
    np.testing.assert_array_equal(model.dynamics.noise_slope, [0.0, 0.0])


@pytest.mark.parametrize("signal", ["per_output", "shared"])
def test_either_the_outputs_or_the_kernel_have_a_signal_to_train(ragged_tasks, signal):
    dynamics = make(ragged_tasks, signal=signal).dynamics
    assert dynamics.output_scale.trainable == (signal == "per_output")
    assert dynamics.kernel_x.variance.trainable == (signal == "shared")


def test_predictions_are_those_of_gpflow_with_a_signal_for_each_output(ragged_tasks):
    model = make(ragged_tasks, noise="per_output")
    scales, noise = np.array([2.0, 0.3]), np.array([0.02, 0.05])
    model.dynamics.output_scale.assign(scales)
    model.dynamics.noise.assign(noise)
    model.latent.variance.assign(np.full(model.latent.mean.shape, 1e-12))
    trained = model.trained()
    mean, variance = trained.predict(ragged_tasks.padded()[0], trained.latent, "elbo")
    inputs, outputs, mask = (part.numpy() for part in model.data)
    latents = np.broadcast_to(trained.latent.mean[:, None], (*mask.shape, 2))
    joint = np.concatenate([inputs, latents], axis=-1)[mask > 0]
    dynamics = model.dynamics
    lengthscales = np.hstack([dynamics.kernel_x.lengthscales, dynamics.kernel_h.lengthscales])
    for p in range(2):
        signal = np.square(scales[p])
        with as_context(Config(jitter=1e-6 * signal)):
            sgpr = gpflow.models.SGPR(
                (joint, outputs[mask > 0][:, [p]]),
                gpflow.kernels.SquaredExponential(signal, lengthscales),
                np.hstack([dynamics.inducing_inputs, dynamics.inducing_latents]),
                noise_variance=noise[p],
            )
            expected = [part.numpy()[:, 0] for part in sgpr.predict_y(joint)]
        unit = model.scaler.output_scale[p]
        found = mean[mask > 0][:, p], variance[mask > 0][:, p]
        np.testing.assert_allclose(
            (found[0] - model.scaler.output_mean[p]) / unit, expected[0], atol=1e-5
        )
        np.testing.assert_allclose(found[1] / unit**2, expected[1], rtol=1e-3)


def test_inducing_points_are_distinct_transitions(model, ragged_tasks):
    inputs = model.scaler.inputs(ragged_tasks.inputs)
    latents = np.repeat(model.latent.mean.numpy(), ragged_tasks.lengths, axis=0)
    known = {tuple(row) for row in np.hstack([inputs, latents]).round(9)}
    chosen = np.hstack([model.dynamics.inducing_inputs, model.dynamics.inducing_latents]).round(9)
    assert len({tuple(row) for row in chosen}) == 15
    assert {tuple(row) for row in chosen} <= known


def test_inducing_points_of_a_later_round_come_from_the_kept_and_the_new(model):
    old = np.hstack([model.dynamics.inducing_inputs, model.dynamics.inducing_latents])
    kept = np.repeat(old[:5], 3, axis=0)  # 15 points as good as 5
    model.choose_inducing_points(kept, first_task=7)
    chosen = np.hstack([model.dynamics.inducing_inputs, model.dynamics.inducing_latents]).round(9)
    new_task = model.latent.mean.numpy()[7].round(9)
    old = {tuple(row) for row in kept.round(9)}
    from_kept = [tuple(row) in old for row in chosen]
    from_new = [np.array_equal(row[2:], new_task) for row in chosen]
    assert all(a or b for a, b in zip(from_kept, from_new, strict=True))
    assert any(from_kept) and any(from_new)


def test_no_more_inducing_points_than_transitions(ragged_tasks):
    tasks = ragged_tasks.subset([1, 3])
    assert make(tasks, inducing_points=50).dynamics.inducing_inputs.shape == (8, 2)


@pytest.mark.parametrize("latent_dimensions", [1, 3])
def test_any_latent_dimension(ragged_tasks, latent_dimensions):
    model = make(ragged_tasks, latent_dimensions=latent_dimensions)
    assert np.isfinite(model.training_loss())
    trained = model.trained()
    assert trained.dynamics.inducing_latents.shape == (15, latent_dimensions)
    assert trained.descriptor.slope.shape == (latent_dimensions, 2)


def test_one_task_is_enough(ragged_tasks):
    model = make(ragged_tasks.subset([2]))
    assert np.isfinite(model.training_loss())
    trained = model.trained()
    assert np.all(np.isfinite(trained.predict(ragged_tasks.inputs[None, :3], trained.latent)))


def test_noise_is_never_below_its_floor(ragged_tasks):
    model = make(ragged_tasks, noise_floor=1e-3)
    model.dynamics.noise.unconstrained_variable.assign([-200.0, -200.0])
    assert np.all(model.dynamics.noise.numpy() >= 1e-3)
    assert np.isfinite(model.training_loss())


def test_noise_of_predictions_has_the_same_floor(make_tasks):
    """In standardised outputs, whatever the signals are that the posterior is in units of."""
    model = make(make_tasks([20, 20], noise=0.0), noise_floor=5e-3, inducing_points=40)
    signals = np.array([2.0, 0.3])
    model.dynamics.output_scale.assign(signals)
    noise = model.trained().dynamics.predictive_noise
    np.testing.assert_allclose(noise * np.square(signals), 5e-3, rtol=1e-3)


def test_rescaled_latents_change_nothing_but_their_divergence_from_the_prior(ragged_tasks):
    model = make(ragged_tasks, noise="task_scaled")
    model.latent.mean.assign(model.latent.mean.numpy() * [5.0, 0.2])
    model.descriptor.slope.assign([[0.5, -0.3], [1.0, 0.2]])
    model.dynamics.noise_slope.assign([0.3, -0.2])
    model.choose_inducing_points()

    def parts():
        dynamics = model.dynamics.bound(model.data, *model.moments(), model.jitter)
        return [float(dynamics), float(model.descriptor.bound(*model.moments(), model.jitter))]

    before, divergence = parts(), float(kl_divergence(*model.moments()))
    model.rescale_latents()
    np.testing.assert_allclose(parts(), before, rtol=1e-9)
    assert float(kl_divergence(*model.moments())) < divergence - 1.0
    mean, variance = (part.numpy() for part in model.moments())
    np.testing.assert_allclose(np.mean(mean**2 + variance, axis=0), 1.0)


def test_kept_points_that_are_too_few_compete_with_all_transitions(model):
    """As those of a model with fewer inducing points do."""
    kept = 10.0 + np.arange(8.0).reshape(2, 4)  # far from all else
    model.choose_inducing_points(kept, first_task=8)
    chosen = np.hstack([model.dynamics.inducing_inputs, model.dynamics.inducing_latents])
    assert {tuple(row) for row in kept} < {tuple(row) for row in chosen}
    assert len({tuple(row) for row in chosen.round(9)}) == 15
