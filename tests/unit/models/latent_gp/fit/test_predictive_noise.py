"""The noise of predictions: against refits without a transition, known noise, and a brute-force maximum."""

import dataclasses

import numpy as np
import pytest
import reference
import tensorflow as tf
from dynamics_problem import JITTER, Problem
from scipy.optimize import minimize

from pamlflow.metrics import score
from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.fit.predictive_noise import fit_predictive_noise, leave_one_out
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings

FLOOR = np.full(2, 1e-6)


def fitted_to(problem, data):
    """The posterior of q(H) without variance, which is that q(H), and the transitions as plain arrays."""
    certain = np.zeros_like(problem.variance)
    moments = (tf.constant(problem.mean), tf.constant(certain))
    posterior = problem.model.posterior(data, *moments, tf.constant(JITTER, tf.float64))
    return posterior, LatentPosterior(problem.mean, certain)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_leaving_one_out_equals_fitting_to_the_others(slope):
    problem = Problem(0, slope=slope)
    posterior, latent = fitted_to(problem, problem.data)
    data = TaskArrays(*(part.numpy() for part in problem.data))
    squares, variance = leave_one_out(posterior, data, latent)
    for i, t in np.argwhere(data.mask > 0.0):
        mask = data.mask.copy()
        mask[i, t] = 0.0
        others = problem.data._replace(
            outputs=tf.constant(data.outputs * mask[..., None]), mask=tf.constant(mask)
        )
        refit, _ = fitted_to(problem, others)
        f_mean, f_variance = refit.moments(data.inputs, latent)
        np.testing.assert_allclose(
            squares[i, t], (data.outputs[i, t] - f_mean[i, t]) ** 2, rtol=1e-5
        )
        np.testing.assert_allclose(variance[i, t], f_variance[i, t], rtol=1e-5)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_no_other_noise_has_a_larger_density_of_what_is_left_out(slope):
    problem = Problem(2, lengths=(15, 1, 17), slope=slope)
    posterior, latent = fitted_to(problem, problem.data)
    data = TaskArrays(*(part.numpy() for part in problem.data))
    squares, variance = leave_one_out(posterior, data, latent)
    relative = np.exp(problem.mean @ problem.slope)[:, None, None]

    def loss(log_noise):
        total = variance + relative * np.exp(log_noise)
        density = reference.log_normal(np.sqrt(squares), 0.0, total)
        return -np.sum(density[data.mask > 0.0])

    fitted = fit_predictive_noise(posterior, data, latent, FLOOR)
    starts = [np.full(2, start) for start in (-8.0, -3.0, 0.0)]
    best = min(
        (minimize(loss, start, method="Nelder-Mead") for start in starts), key=lambda o: o.fun
    )
    np.testing.assert_allclose(fitted, np.maximum(np.exp(best.x), FLOOR), rtol=1e-3)


def test_outputs_closer_than_f_is_known_have_the_least_noise():
    problem = Problem(0)
    posterior, latent = fitted_to(problem, problem.data)
    data = TaskArrays(*(part.numpy() for part in problem.data))
    mean, _ = posterior.moments(data.inputs, latent)
    floor = np.array([1e-6, 1e-3])
    for outputs in (mean, mean + 1e-5):
        noise = fit_predictive_noise(posterior, data._replace(outputs=outputs), latent, floor)
        np.testing.assert_allclose(noise, floor, rtol=1e-3)


def test_what_lies_behind_the_end_of_a_task_does_not_count():
    problem = Problem(0)
    posterior, latent = fitted_to(problem, problem.data)
    data = TaskArrays(*(part.numpy() for part in problem.data))
    rubbish = data._replace(outputs=np.where(data.mask[..., None] > 0.0, data.outputs, 1e3))
    np.testing.assert_array_equal(
        fit_predictive_noise(posterior, rubbish, latent, FLOOR),
        fit_predictive_noise(posterior, data, latent, FLOOR),
    )


@pytest.mark.parametrize("inducing_points", [30, 100])
def test_intervals_for_noisy_outputs_hold_what_they_promise(make_tasks, inducing_points):
    """Where there is an inducing point for each transition, fitted values follow the noise themselves."""
    tasks, quiet = make_tasks([20] * 5, noise=0.2), make_tasks([20] * 5, noise=0.0)
    settings = ModelSettings(inducing_points=inducing_points, noise="per_output")
    model, _ = train(
        tasks, settings, TrainingSettings(first_iterations=80, starts=2), np.random.default_rng(0)
    )
    true = np.square(0.2 * quiet.outputs.std(axis=0) / model.scaler.output_scale)
    np.testing.assert_allclose(model.dynamics.predictive_noise, true, rtol=0.2)

    rng = np.random.default_rng(1)
    fresh = dataclasses.replace(tasks, outputs=quiet.outputs)
    inputs, outputs, mask = fresh.padded()
    outputs = outputs + 0.2 * quiet.outputs.std(axis=0) * rng.standard_normal(outputs.shape)
    mean, variance = model.predict(inputs, model.latent)
    coverage = score(outputs, mean, variance, mask).coverage.mean(axis=-1)
    assert 0.4 < coverage[0] < 0.65 and 0.83 < coverage[1] < 0.97


def test_inducing_points_that_leave_variance_are_not_paid_for_twice(make_tasks):
    """Noiseless outputs: the bound calls noise what a few inducing points leave, predictions do not."""
    tasks = make_tasks([20] * 5, noise=0.0)
    model, _ = train(
        tasks,
        ModelSettings(inducing_points=25),
        TrainingSettings(first_iterations=80, starts=2),
        np.random.default_rng(0),
    )
    assert np.all(model.dynamics.predictive_noise < 0.3 * model.dynamics.noise)
    inputs, outputs, mask = make_tasks([20] * 5, seed=0, noise=0.0).padded()
    scores = [
        score(outputs, *model.predict(inputs, model.latent, kind), mask)
        for kind in ("predictive", "elbo")
    ]
    ours, bound = (np.mean(it.nll) for it in scores)
    assert ours < bound
