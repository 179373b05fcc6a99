"""The joint objective of both views and q(H), as modules of GPflow."""

import numpy as np
import pytest
import tensorflow as tf

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit.with_gpflow.latent import kl_divergence
from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel
from pamlflow.models.latent_gp.settings import ModelSettings


def make(tasks, seed=0, **settings):
    rng = np.random.default_rng(seed)
    size = (tasks.num_tasks, settings.get("latent_dimensions", 2))
    start = LatentPosterior(rng.normal(size=size), rng.uniform(0.05, 0.3, size=size))
    model = GPflowVectorModel(tasks, ModelSettings(**({"inducing_points": 15} | settings)), start)
    model.choose_inducing_points()
    return model


@pytest.fixture
def model(ragged_tasks):
    return make(ragged_tasks)


def test_objective_is_the_sum_of_its_parts(model):
    """Eq. 10."""
    expected = model.dynamics.bound(model.data, *model.moments(), model.relative_jitter)
    expected += model.descriptor.bound(*model.moments(), model.relative_jitter)
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


def test_noise_is_never_below_its_floor(ragged_tasks):
    model = make(ragged_tasks, noise_floor=1e-3)
    model.dynamics.noise.unconstrained_variable.assign([-200.0, -200.0])
    assert np.all(model.dynamics.noise.numpy() >= 1e-3)
    assert np.isfinite(model.training_loss())


def test_rescaled_latents_change_nothing_but_their_divergence_from_the_prior(ragged_tasks):
    model = make(ragged_tasks, noise="task_scaled")
    model.latent.mean.assign(model.latent.mean.numpy() * [5.0, 0.2])
    model.descriptor.slope.assign([[0.5, -0.3], [1.0, 0.2]])
    model.dynamics.noise_slope.assign([0.3, -0.2])
    model.choose_inducing_points()

    def parts():
        dynamics = model.dynamics.bound(model.data, *model.moments(), model.relative_jitter)
        return [
            float(dynamics),
            float(model.descriptor.bound(*model.moments(), model.relative_jitter)),
        ]

    before, divergence = parts(), float(kl_divergence(*model.moments()))
    model.rescale_latents()
    np.testing.assert_allclose(parts(), before, rtol=1e-9)
    assert float(kl_divergence(*model.moments())) < divergence - 1.0
    mean, variance = (part.numpy() for part in model.moments())
    np.testing.assert_allclose(np.mean(mean**2 + variance, axis=0), 1.0)
