"""The posterior of predictions against dense Gaussian processes, GPflow's regression and refits."""

import dataclasses

import gpflow
import numpy as np
import pytest
import reference
from dynamics_problem import Problem

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit import prediction
from pamlflow.models.latent_gp.fit.prediction import LinearModel, prediction_posterior
from pamlflow.models.latent_gp.settings import ModelSettings
from pamlflow.models.latent_gp.use.data_posterior import DataPosterior
from pamlflow.models.latent_gp.use.statistics import PsiStatistics, Transitions


def made(problem, variance=0.0, **settings):
    """The posterior of a problem, and the settings it was made with."""
    latent = LatentPosterior(problem.mean, np.full_like(problem.mean, variance))
    settings = ModelSettings(inducing_points=len(problem.Z_x), **settings)
    values = problem.model.values()
    return prediction_posterior(problem.transitions, values, latent, 1e-6, settings)


def test_with_all_transitions_it_is_gpflow_regression():
    """A point-mass q(H): Gaussian process regression on (x, h), one for each output."""
    problem = Problem(3, lengths=(6, 4, 7))
    found = dataclasses.replace(made(problem), sharp_jitter=1e-10)
    assert len(found.sharp_inputs) == len(problem.inputs)
    rng = np.random.default_rng(1)
    inputs, h = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 2))
    latent = LatentPosterior(h, np.zeros_like(h))
    mean, variance = found.moments(inputs, latent)
    joint = np.concatenate([inputs, np.broadcast_to(h[:, None], (2, 5, 2))], -1).reshape(10, 5)
    for p in range(2):
        kernel = gpflow.kernels.SquaredExponential(
            variance=problem.s2, lengthscales=problem.lengthscales
        )
        noise = float(found.sharp_noise[p])
        likelihood = gpflow.likelihoods.Gaussian(variance=noise, variance_lower_bound=1e-12)
        data = problem.joint, found.transitions.outputs[:, [p]]
        theirs = gpflow.models.GPR(data, kernel, likelihood=likelihood).predict_f(joint)
        np.testing.assert_allclose(mean[..., p].ravel(), theirs[0][:, 0], rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(variance[..., p].ravel(), theirs[1][:, 0], rtol=1e-7, atol=1e-8)


def test_leaving_out_equals_a_refit_without_the_task_or_the_transition():
    problem = Problem(4, lengths=(5, 3, 6), slope=(0.4, -0.3))
    problem.use_all_points()
    values = problem.model.values()
    found = PsiStatistics(problem.transitions)(
        values, problem.mean, np.zeros_like(problem.mean), 1e-10
    )
    eigenvalues, turned = np.linalg.eigh(found.A)
    features = found.Psi1 @ (found.inverse.T @ turned)
    ends = np.cumsum(found.lengths)
    model = LinearModel(
        np.maximum(eigenvalues, 0.0),
        features,
        np.square(features),
        np.maximum(problem.s2 * found.row_weights() - np.square(features).sum(axis=1), 0.0),
        [slice(end - length, end) for end, length in zip(ends, found.lengths, strict=True)],
    )
    noise = 0.07
    singly, (errors, variances) = model.left_out(
        found.outputs[:, 1], (turned.T @ found.c)[:, 1], noise
    )
    K = reference.kernel(problem.joint, problem.joint, problem.lengthscales, problem.s2)
    added = noise * np.exp(problem.mean[problem.task_of] @ problem.slope)
    for i in range(3):
        own, others = problem.task_of == i, problem.task_of != i
        weights = np.linalg.solve(
            K[np.ix_(others, others)] + np.diag(added[others]), K[others][:, own]
        )
        expected = problem.outputs[own, 1] - weights.T @ problem.outputs[others, 1]
        spread = K[np.ix_(own, own)] - weights.T @ K[others][:, own] + np.diag(added[own])
        root = np.sqrt(found.row_weights()[own])
        np.testing.assert_allclose(errors[own] / root, expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(variances[own] / root**2, np.diag(spread), rtol=1e-6)
    inverse = np.linalg.inv(K + np.diag(added))  # Rasmussen & Williams 2006, equation 5.12
    roots = np.sqrt(found.row_weights())
    expected = inverse @ problem.outputs[:, 1] / np.diag(inverse)
    np.testing.assert_allclose(singly[0] / roots, expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(singly[1] / roots**2, 1.0 / np.diag(inverse), rtol=1e-6)


@pytest.mark.parametrize("true", [0.003, 0.05])
def test_noise_of_noisy_transitions_is_found(true):
    rng = np.random.default_rng(0)
    problem = Problem(5, lengths=(40,) * 8, count=30)
    K = reference.kernel(problem.joint, problem.joint, problem.lengthscales, problem.s2)
    functions = np.linalg.cholesky(K + 1e-10 * np.eye(len(K))) @ rng.normal(size=(len(K), 2))
    outputs = functions + np.sqrt(true) * rng.normal(size=functions.shape)
    problem.transitions = Transitions(problem.inputs, outputs, problem.transitions.lengths)
    found = made(problem)
    assert np.all(found.sharp_noise > true / 1.6) and np.all(found.sharp_noise < 1.6 * true)


def test_points_are_bounded_and_taken_from_the_transitions_and_those_of_training():
    problem = Problem(6, lengths=(10, 8, 12), count=5)
    found = made(problem, 0.1, prediction_points=12)
    assert found.sharp_inputs.shape == (12, 3) and found.sharp_latents.shape == (12, 2)
    known = np.vstack([problem.joint, np.hstack([problem.Z_x, problem.Z_h])])
    chosen = np.hstack([found.sharp_inputs, found.sharp_latents])
    assert all((known == each).all(axis=1).any() for each in chosen)
    every = made(problem, 0.1, prediction_points=30)
    assert {*map(tuple, np.hstack([every.sharp_inputs, every.sharp_latents]))} == {
        *map(tuple, problem.joint)
    }


def test_outputs_are_in_units_of_their_signals():
    problem = Problem(7, lengths=(9, 9))
    plain = made(problem)
    problem.model.output_scale.assign([2.0, 0.5])
    problem.model.noise.assign(problem.noise * np.array([4.0, 0.25]))
    transitions = problem.transitions
    problem.transitions = transitions._replace(outputs=transitions.outputs * [2.0, 0.5])
    scaled = made(problem)
    np.testing.assert_allclose(scaled.transitions.outputs, plain.transitions.outputs)
    np.testing.assert_allclose(scaled.values.noise, plain.values.noise)
    np.testing.assert_allclose(scaled.sharp_noise, plain.sharp_noise, rtol=0.3)


def test_jitter_is_raised_until_the_points_have_a_factor():
    """Two tasks that are one, with the same transitions."""
    problem = Problem(8, lengths=(6, 6))
    problem.mean[1] = problem.mean[0]
    inputs = np.vstack([problem.inputs[:6]] * 2)
    outputs = np.vstack([problem.outputs[:6]] * 2)
    problem.transitions = Transitions(inputs, outputs, problem.transitions.lengths)
    found = made(problem)
    assert prediction.JITTER <= found.sharp_jitter <= 1e-4
    assert np.isfinite(found.sharp.weights).all()


def test_noise_that_rounding_would_decide_is_refused():
    """Smooth outputs without noise, all transitions of many tasks: no variance may be negative."""
    problem = Problem(9, lengths=(30,) * 10, count=40)
    outputs = np.column_stack([np.sin(problem.inputs @ [1.0, 0.5, 0.2]), problem.inputs[:, 0] ** 2])
    problem.transitions = Transitions(problem.inputs, outputs, problem.transitions.lengths)
    found = made(problem)
    assert np.isfinite(found.sharp_noise).all()
    mean, variance = found.moments(
        problem.inputs.reshape(10, 30, 3),
        LatentPosterior(problem.mean, np.zeros_like(problem.mean)),
    )
    assert np.abs(mean - outputs.reshape(10, 30, 2)).max() < 0.05
    assert (variance >= 0.0).all()


def test_it_survives_a_file_bit_for_bit():
    problem = Problem(10, lengths=(5, 8))
    found = made(problem, 0.05)
    datasets = found.to_datasets() | {
        "latent/mean": found.latent.mean,
        "latent/variance": found.latent.variance,
    }
    again = DataPosterior.from_datasets(datasets)
    latent = LatentPosterior(np.zeros((1, 2)), np.full((1, 2), 0.3))
    inputs = np.random.default_rng(0).normal(size=(1, 4, 3))
    for mine, theirs in zip(
        found.moments(inputs, latent), again.moments(inputs, latent), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(found.search.weights, again.search.weights)
