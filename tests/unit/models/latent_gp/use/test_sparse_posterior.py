"""The posterior object: GPflow's predictions at known h, and exact moments at uncertain h."""

import gpflow
import numpy as np
import pytest
import reference
from dynamics_problem import JITTER, Problem
from gpflow.config import Config, as_context

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.use import sparse_moments
from pamlflow.models.latent_gp.use.kernels import unit_kernel
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior


def posterior_of(problem, variance):
    return problem.posterior(variance)


def random_posterior(seed, bases):
    """A posterior as free q(u) leaves it: ``bases`` is 1 or the number of outputs."""
    rng = np.random.default_rng(seed)
    count, outputs = 5, 3
    return SparsePosterior(
        inducing_inputs=rng.normal(size=(count, 2)),
        inducing_latents=rng.normal(size=(count, 2)),
        lengthscales_x=rng.lognormal(0.3, 0.3, size=2),
        lengthscales_h=rng.lognormal(0.3, 0.3, size=2),
        variance=np.array(1.7),
        weights=rng.normal(size=(count, outputs)),
        basis=0.2 * rng.normal(size=(bases, count, count)),
        reduction=rng.uniform(size=(outputs, count)),
        noise=rng.lognormal(size=outputs),
        noise_slope=np.array([0.4, -0.8]),
        predictive_noise=rng.lognormal(size=outputs),
    )


@pytest.mark.parametrize("seed", range(3))
def test_point_masses_predict_as_gpflow_sgpr(seed):
    problem = Problem(seed)
    posterior = posterior_of(problem, np.zeros((3, 2)))
    rng = np.random.default_rng(100 + seed)
    inputs, h = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 2))
    mean, variance = posterior.moments(inputs, LatentPosterior(h, np.zeros((4, 2))))
    joint = np.hstack([inputs.reshape(-1, 3), np.repeat(h, 6, axis=0)])
    kernel = gpflow.kernels.SquaredExponential(problem.s2, problem.lengthscales)
    with as_context(Config(jitter=JITTER * problem.s2)):
        for p in range(2):
            sgpr = gpflow.models.SGPR(
                (problem.joint, problem.outputs[:, [p]]),
                kernel,
                np.hstack([problem.Z_x, problem.Z_h]),
                noise_variance=problem.noise[p],
            )
            expected = [part.numpy().reshape(4, 6) for part in sgpr.predict_f(joint)]
            np.testing.assert_allclose(mean[..., p], expected[0], rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(variance[..., p], expected[1], rtol=1e-6, atol=1e-7)


def test_a_signal_for_each_output_predicts_as_gpflow_sgpr():
    """The posterior is in units of the signals."""
    problem = Problem(4)
    scales = np.array([2.0, 0.3])
    problem.model.output_scale.assign(scales)
    posterior = posterior_of(problem, np.zeros((3, 2)))
    rng = np.random.default_rng(5)
    inputs, h = rng.normal(size=(4, 6, 3)), rng.normal(size=(4, 2))
    mean, variance = posterior.moments(inputs, LatentPosterior(h, np.zeros((4, 2))))
    joint = np.hstack([inputs.reshape(-1, 3), np.repeat(h, 6, axis=0)])
    for p in range(2):
        signal = problem.s2 * np.square(scales[p])
        with as_context(Config(jitter=JITTER * signal)):
            sgpr = gpflow.models.SGPR(
                (problem.joint, problem.outputs[:, [p]]),
                gpflow.kernels.SquaredExponential(signal, problem.lengthscales),
                np.hstack([problem.Z_x, problem.Z_h]),
                noise_variance=problem.noise[p],
            )
            expected = [part.numpy().reshape(4, 6) for part in sgpr.predict_f(joint)]
        unit = scales[p]
        np.testing.assert_allclose(unit * mean[..., p], expected[0], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(unit**2 * variance[..., p], expected[1], rtol=1e-6, atol=1e-7)
        assert posterior.noise[p] * unit**2 == pytest.approx(problem.noise[p])


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_posterior_is_the_optimal_q_u(slope):
    problem = Problem(3, slope=slope)
    posterior = posterior_of(problem, problem.variance)
    dense = problem.dense(problem.variance)
    del dense["psi0"]
    points = (np.array([[0.3, -0.5, 0.8]]), np.array([[0.2, 0.9]]))
    k = reference.kernel(
        np.hstack(points), np.hstack([problem.Z_x, problem.Z_h]), problem.lengthscales, problem.s2
    )[0]
    a = np.linalg.solve(dense["Kuu"], k)
    f_mean, f_variance = posterior.moments(
        points[0][None], LatentPosterior(points[1], np.zeros((1, 2)))
    )
    for p in range(2):
        mean, covariance = reference.optimal_inducing(
            problem.outputs[:, p], problem.noise_of(p), **dense
        )
        expected = problem.s2 - a @ dense["Kuu"] @ a + a @ covariance @ a
        assert float(f_mean[0, 0, p]) == pytest.approx(a @ mean, rel=1e-6)
        assert float(f_variance[0, 0, p]) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(posterior.noise, problem.noise)
    np.testing.assert_allclose(posterior.noise_slope, slope)
    np.testing.assert_array_equal(posterior.predictive_noise, posterior.noise)


@pytest.mark.parametrize("bases", [1, 3])
def test_moments_under_uncertain_h_equal_quadrature(bases):
    posterior = random_posterior(0, bases)
    rng = np.random.default_rng(1)
    inputs, mean = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 2))
    variance = rng.uniform(0.05, 0.6, size=(2, 2))
    f_mean, f_variance = posterior.moments(inputs, LatentPosterior(mean, variance))
    for i, j in np.ndindex(2, 3):
        x = inputs[i, j]
        expected = reference.moments(
            lambda h, x=x: reference.dynamics_at(posterior, x, h), mean[i], variance[i]
        )
        np.testing.assert_allclose(f_mean[i, j], expected[0], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(f_variance[i, j], expected[1], rtol=1e-6, atol=1e-8)


def test_moments_of_a_trained_model_equal_monte_carlo(trained):
    posterior = trained.dynamics
    rng = np.random.default_rng(2)
    inputs, draws = rng.normal(size=(1, 4, 2)), 20_000
    mean, variance = trained.latent.mean[:1], np.full((1, 2), 0.3)
    h = mean + np.sqrt(variance) * rng.standard_normal((draws, 2))
    at = posterior.moments(np.repeat(inputs, draws, 0), LatentPosterior(h, np.zeros((draws, 2))))
    sampled = at[0] + np.sqrt(at[1]) * rng.standard_normal((draws, 4, 2))
    exact = posterior.moments(inputs, LatentPosterior(mean, variance))
    f_mean, f_variance = (part[0] for part in exact)
    assert np.all(np.abs(sampled.mean(axis=0) - f_mean) < 5.0 * np.sqrt(f_variance / draws))
    squares = (sampled - f_mean) ** 2
    error = squares.std(axis=0) / np.sqrt(draws)
    assert np.all(np.abs(squares.mean(axis=0) - f_variance) < 5.0 * error)


def test_certain_h_is_the_limit_of_uncertain_h():
    posterior = random_posterior(3, 1)
    rng = np.random.default_rng(3)
    inputs, mean = rng.normal(size=(4, 2, 2)), rng.normal(size=(4, 2))
    certain = posterior.moments(inputs, LatentPosterior(mean, np.zeros((4, 2))))
    nearly = posterior.moments(inputs, LatentPosterior(mean, np.full((4, 2), 1e-12)))
    np.testing.assert_allclose(certain[0], nearly[0], rtol=1e-8)
    np.testing.assert_allclose(certain[1], nearly[1], rtol=1e-8, atol=1e-10)


def test_far_from_the_data_the_prior_returns():
    posterior = random_posterior(4, 1)
    mean, variance = posterior.moments(
        np.full((1, 1, 2), 1e3), LatentPosterior(np.full((1, 2), 1e3), np.ones((1, 2)))
    )
    np.testing.assert_array_equal(mean, np.zeros((1, 1, 3)))
    np.testing.assert_allclose(variance, np.full((1, 1, 3), 1.7))


def test_noise_grows_with_h_along_its_slope():
    posterior = random_posterior(5, 1)
    h = np.array([[0.0, 0.0], [1.0, 2.0]])
    for noise in (posterior.noise, posterior.predictive_noise):
        expected = [noise, noise * np.exp(0.4 - 1.6)]
        np.testing.assert_allclose(posterior.task_noise(h, noise), expected, rtol=1e-12)


@pytest.mark.parametrize("bases", [1, 3])
def test_excess_matrices_give_the_second_moment_of_f(bases):
    posterior = random_posterior(7, bases)
    x, h = np.array([0.3, -0.4]), np.array([0.5, 0.2])
    k = (
        posterior.variance
        * unit_kernel(x, posterior.inducing_inputs, posterior.lengthscales_x)
        * unit_kernel(h, posterior.inducing_latents, posterior.lengthscales_h)
    )
    mean, variance = reference.dynamics_at(posterior, x, h)
    for p in range(3):
        second = posterior.variance + k @ posterior.excess_matrix(p) @ k
        assert second == pytest.approx(mean[p] ** 2 + variance[p], rel=1e-10)


def test_variance_is_never_negative():
    """A posterior without noise at its own inducing points, where rounding is all that is left."""
    posterior = random_posterior(8, 1)
    Z = np.hstack([posterior.inducing_inputs, posterior.inducing_latents])
    lengthscales = np.hstack([posterior.lengthscales_x, posterior.lengthscales_h])
    K = reference.kernel(Z, Z, lengthscales, posterior.variance)
    basis = np.linalg.inv(np.linalg.cholesky(K)).T[None]
    posterior = posterior._replace(basis=basis, reduction=np.ones((3, 5)))
    inputs = posterior.inducing_inputs[:, None]
    _, variance = posterior.moments(
        inputs, LatentPosterior(posterior.inducing_latents, np.zeros((5, 2)))
    )
    assert np.all(variance >= 0.0) and variance.max() < 1e-9


def random_covariances(seed, count):
    """Covariances [N, 2, 2] of correlated dimensions."""
    roots = 0.6 * np.random.default_rng(seed).normal(size=(count, 2, 2))
    return roots @ np.swapaxes(roots, 1, 2) + 0.01 * np.eye(2)


@pytest.mark.parametrize("bases", [1, 3])
def test_moments_under_correlated_h_equal_quadrature(bases):
    posterior = random_posterior(4, bases)
    rng = np.random.default_rng(5)
    inputs, mean = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 2))
    covariance = random_covariances(6, 2)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    f_mean, f_variance = posterior.moments(inputs, LatentPosterior(mean, variance, covariance))
    for i, j in np.ndindex(2, 3):
        root = np.linalg.cholesky(covariance[i])
        expected = reference.moments(
            lambda e, x=inputs[i, j], m=mean[i], L=root: reference.dynamics_at(
                posterior, x, m + L @ e
            ),
            np.zeros(2),
            np.ones(2),
        )
        np.testing.assert_allclose(f_mean[i, j], expected[0], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(f_variance[i, j], expected[1], rtol=1e-6, atol=1e-8)


def test_a_diagonal_covariance_is_independence():
    posterior = random_posterior(7, 1)
    rng = np.random.default_rng(7)
    inputs, mean = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 2))
    variance = rng.uniform(0.05, 0.6, size=(3, 2))
    diagonal = variance[:, :, None] * np.eye(2)
    for ours, theirs in zip(
        posterior.moments(inputs, LatentPosterior(mean, variance, diagonal)),
        posterior.moments(inputs, LatentPosterior(mean, variance)),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_covariance_at_point_masses_is_that_of_gpflow_sgpr():
    problem = Problem(1)
    posterior = posterior_of(problem, np.zeros((3, 2)))
    rng = np.random.default_rng(11)
    inputs, h = rng.normal(size=(3, 4, 3)), rng.normal(size=(3, 2))
    found = posterior.covariance(inputs, LatentPosterior(h, np.zeros((3, 2)))).reshape(2, 12, 12)
    joint = np.hstack([inputs.reshape(-1, 3), np.repeat(h, 4, axis=0)])
    kernel = gpflow.kernels.SquaredExponential(problem.s2, problem.lengthscales)
    with as_context(Config(jitter=JITTER * problem.s2)):
        for p in range(2):
            sgpr = gpflow.models.SGPR(
                (problem.joint, problem.outputs[:, [p]]),
                kernel,
                np.hstack([problem.Z_x, problem.Z_h]),
                noise_variance=problem.noise[p],
            )
            _, expected = sgpr.predict_f(joint, full_cov=True)
            np.testing.assert_allclose(found[p], expected[0], rtol=1e-6, atol=1e-7)


def test_covariance_of_a_free_q_u_is_that_of_gpflow_svgp():
    """Each output has a basis of its own."""
    rng = np.random.default_rng(12)
    posterior = random_posterior(12, 3)
    Z = np.hstack([posterior.inducing_inputs, posterior.inducing_latents])
    lengthscales = np.hstack([posterior.lengthscales_x, posterior.lengthscales_h])
    kernel = gpflow.kernels.SquaredExponential(posterior.variance, lengthscales)
    roots = np.tril(0.4 * rng.normal(size=(3, 5, 5)))
    L = np.linalg.cholesky(kernel(Z).numpy())
    reduction, U = np.linalg.eigh(np.eye(5) - roots @ np.swapaxes(roots, 1, 2))
    posterior = posterior._replace(basis=np.linalg.solve(L.T, U), reduction=reduction)
    inputs, h = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 2))
    found = posterior.covariance(inputs, LatentPosterior(h, np.zeros((2, 2)))).reshape(3, 6, 6)
    with as_context(Config(jitter=0.0)):
        svgp = gpflow.models.SVGP(
            kernel, gpflow.likelihoods.Gaussian(), Z, num_latent_gps=3, q_sqrt=roots, whiten=True
        )
        joint = np.hstack([inputs.reshape(-1, 2), np.repeat(h, 3, axis=0)])
        _, expected = svgp.predict_f(joint, full_cov=True)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def covariance_by_quadrature(posterior, inputs, roots, mean):
    """[P, N, T, N, T] of h_i = mean_i + roots_i e: of tasks i and j at all pairs of nodes of their own e."""
    number, steps, _ = inputs.shape
    points, weights = reference.nodes(np.zeros(2), np.ones(2), order=9)
    parts = type(posterior)(*(np.asarray(part) for part in posterior))
    outputs = parts.weights.shape[1]
    result = np.empty((outputs, number, steps, number, steps))
    Z = np.hstack([parts.inducing_inputs, parts.inducing_latents])
    lengthscales = np.hstack([parts.lengthscales_x, parts.lengthscales_h])

    def joint(i):  # of all nodes of one task, node after node
        h = mean[i] + points @ roots[i].T
        return np.hstack([np.tile(inputs[i], (len(h), 1)), np.repeat(h, steps, axis=0)])

    for i, j in np.ndindex(number, number):
        ours, theirs = joint(i), joint(j)
        prior = reference.kernel(ours, theirs, lengthscales, parts.variance)
        k, k_ = (reference.kernel(at, Z, lengthscales, parts.variance) for at in (ours, theirs))
        # One h for both where they are of one task, and every pair of nodes where not.
        pairs = np.diag(weights) if i == j else np.outer(weights, weights)
        for p in range(outputs):
            basis = parts.basis[0 if len(parts.basis) == 1 else p]
            given = prior - (k @ basis * parts.reduction[p]) @ (k_ @ basis).T
            means = [(at @ parts.weights[:, p]).reshape(-1, steps) for at in (k, k_)]
            centred = [m - weights @ m for m in means]
            given = given.reshape(len(points), steps, len(points), steps)
            result[p, i, :, j] = np.einsum("ab,asbt->st", pairs, given)
            result[p, i, :, j] += np.einsum("ab,as,bt->st", pairs, *centred)
    return result


@pytest.mark.parametrize("bases", [1, 3])
@pytest.mark.parametrize("correlated", [False, True])
def test_covariance_under_uncertain_h_equals_quadrature(bases, correlated):
    posterior = random_posterior(13, bases)
    rng = np.random.default_rng(14)
    inputs, mean = rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 2))
    covariance = 0.3 * random_covariances(15, 3)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    roots = np.linalg.cholesky(covariance) if correlated else np.sqrt(variance)[:, None] * np.eye(2)
    latent = LatentPosterior(mean, variance, covariance if correlated else None)
    found = posterior.covariance(inputs, latent)
    expected = covariance_by_quadrature(posterior, inputs, roots, mean)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    _, marginal = posterior.moments(inputs, latent)
    np.testing.assert_allclose(np.einsum("pisis->isp", found), marginal, rtol=1e-9, atol=1e-12)
    assert np.abs(found[:, 0, :, 1]).max() > 1e-2  # tasks do inform each other


def test_covariances_of_any_tasks_are_symmetric_and_positive():
    posterior = random_posterior(16, 1)._replace(reduction=np.zeros((3, 5)))
    rng = np.random.default_rng(17)
    inputs, mean = rng.normal(size=(4, 5, 2)), rng.normal(size=(4, 2))
    matrices = posterior.covariance(inputs, LatentPosterior(mean, np.full((4, 2), 0.2))).reshape(
        3, 20, 20
    )
    np.testing.assert_allclose(matrices, np.swapaxes(matrices, 1, 2), atol=1e-12)
    assert np.linalg.eigvalsh(matrices).min() > -1e-9


@pytest.mark.parametrize("correlated", [False, True])
def test_the_variance_of_f_is_linear_in_that_of_an_h_that_is_known_well(monkeypatch, correlated):
    """The mean stays exact, and the variance within a hundredth."""
    problem = Problem(11, lengths=(5, 6, 4))
    posterior = problem.posterior(problem.variance)
    rng = np.random.default_rng(0)
    variance = sparse_moments.NARROW * np.square(problem.l_h) * rng.uniform(0.2, 1.0, (4, 2))
    covariance = None
    if correlated:
        shared = 0.8 * np.sqrt(variance.prod(axis=1))
        covariance = variance[:, :, None] * np.eye(2) + shared[:, None, None] * (1 - np.eye(2))
    latent = LatentPosterior(rng.normal(size=(4, 2)), variance, covariance)
    inputs = rng.normal(size=(4, 7, 3))
    mean, linear = posterior.moments(inputs, latent)
    certain = LatentPosterior(latent.mean, np.zeros_like(variance))
    monkeypatch.setattr(sparse_moments, "NARROW", -1.0)
    exact_mean, exact = posterior.moments(inputs, latent)
    _, known = posterior.moments(inputs, certain)
    np.testing.assert_allclose(mean, exact_mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(linear, exact, rtol=0.01)
    assert np.abs(exact - known).max() > 1e-3
