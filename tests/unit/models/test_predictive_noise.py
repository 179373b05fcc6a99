"""The noise of predictions: against known noise, a brute-force maximum, and what padding and floors may do."""

import numpy as np
import pytest
import reference
from scipy.optimize import minimize

from pamlflow.models.evidence import TaskArrays
from pamlflow.models.inference import LatentPosterior
from pamlflow.models.posterior import DynamicsPosterior, predict_function
from pamlflow.models.predictive_noise import fit_predictive_noise

FLOOR = np.full(2, 1e-6)


def problem(noise, steps=40, seed=0):
    """A posterior of two outputs, and six tasks whose outputs it predicts up to noise of variances [2]."""
    rng = np.random.default_rng(seed)
    Z_x, Z_h = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    K = reference.kernel(np.hstack([Z_x, Z_h]), np.hstack([Z_x, Z_h]), np.ones(5), 0.5)
    basis = np.linalg.inv(np.linalg.cholesky(K + 1e-6 * np.eye(6))).T
    posterior = DynamicsPosterior(
        Z_x, Z_h, np.ones(3), np.ones(2), np.array(0.5),
        weights=rng.normal(size=(6, 2)),
        basis=basis[None],
        reduction=rng.uniform(0.5, 0.9, size=(2, 6)),
        noise=np.ones(2),
        noise_slope=np.zeros(2),
        predictive_noise=np.ones(2),
    )  # fmt: skip
    inputs = rng.normal(size=(6, steps, 3))
    latent = LatentPosterior(rng.normal(size=(6, 2)), np.full((6, 2), 0.05))
    mean, variance = predict_function(posterior, inputs, *latent)
    outputs = mean + np.sqrt(variance + noise) * rng.standard_normal(mean.shape)
    return posterior, TaskArrays(inputs, outputs, np.ones((6, steps))), latent


def test_the_noise_that_outputs_were_made_with_is_found():
    noise = np.array([0.3, 0.05])
    posterior, data, latent = problem(noise, steps=2_000)
    np.testing.assert_allclose(
        fit_predictive_noise(posterior, data, latent, FLOOR), noise, rtol=0.1
    )


@pytest.mark.parametrize("seed", range(4))
def test_no_other_noise_has_a_larger_predictive_density(seed):
    posterior, data, latent = problem(np.array([0.1, 0.4]), seed=seed)
    mean, variance = predict_function(posterior, data.inputs, *latent)

    def loss(log_noise):
        return -reference.log_normal(data.outputs, mean, variance + np.exp(log_noise)).sum()

    fitted = fit_predictive_noise(posterior, data, latent, FLOOR)
    starts = [np.full(2, start) for start in (-8.0, -3.0, 0.0)]
    best = min(
        (minimize(loss, start, method="Nelder-Mead") for start in starts), key=lambda o: o.fun
    )
    np.testing.assert_allclose(fitted, np.exp(best.x), rtol=1e-3)


def test_outputs_closer_than_f_is_known_have_the_least_noise():
    posterior, data, latent = problem(np.zeros(2))
    mean, _ = predict_function(posterior, data.inputs, *latent)
    floor = np.array([1e-6, 1e-3])
    for outputs in (mean, mean + 1e-5):
        noise = fit_predictive_noise(posterior, data._replace(outputs=outputs), latent, floor)
        np.testing.assert_allclose(noise, floor, rtol=1e-3)
        assert np.all(noise >= floor)


def test_what_lies_behind_the_end_of_a_task_does_not_count():
    posterior, data, latent = problem(np.array([0.1, 0.4]))
    data.mask[2:, 10:] = 0.0
    padding = data.mask[..., None] > 0.0
    rubbish = data._replace(outputs=np.where(padding, data.outputs, 1e3))
    np.testing.assert_array_equal(
        fit_predictive_noise(posterior, rubbish, latent, FLOOR),
        fit_predictive_noise(posterior, data, latent, FLOOR),
    )


def test_a_trained_model_predicts_with_less_noise_than_its_bound_has(trained, ragged_tasks):
    """The bound pays for what inducing points leave; predictions have that in the variance of f."""
    bound, fitted = trained.dynamics.noise, trained.dynamics.predictive_noise
    scaler, (inputs, outputs, mask) = trained.scaler, ragged_tasks.padded()
    mean, variance = predict_function(trained.dynamics, scaler.inputs(inputs), *trained.latent)

    def density(noise):
        values = reference.log_normal(scaler.outputs(outputs), mean, variance + noise)
        return np.sum(values[mask > 0.0])

    assert np.all(fitted < bound)
    assert density(fitted) > density(bound)
    for factor in (0.9, 1.1):
        assert density(fitted) > density(factor * fitted)
