"""The collapsed bound: GPflow's sparse regression, exact regression, and its hand-written gradient."""

import gpflow
import numpy as np
import pytest
import reference
import tensorflow as tf
from dynamics_problem import JITTER, Problem
from gpflow.config import Config, as_context

from pamlflow.models.latent_gp.fit.with_gpflow.collapsed import (
    PsiStatistics,
    collapsed_bound,
    collapsed_terms,
)


@pytest.mark.parametrize("seed", range(3))
def test_point_masses_give_the_bound_of_gpflow_sgpr(seed):
    problem = Problem(seed)
    kernel = gpflow.kernels.SquaredExponential(problem.s2, problem.lengthscales)
    expected = 0.0
    with as_context(Config(jitter=JITTER * problem.s2)):
        for p in range(2):
            sgpr = gpflow.models.SGPR(
                (problem.joint, problem.outputs[:, [p]]),
                kernel,
                np.hstack([problem.Z_x, problem.Z_h]),
                noise_variance=problem.noise[p],
            )
            expected += float(sgpr.elbo())
    assert problem.bound(np.zeros((3, 2))) == pytest.approx(expected, rel=1e-9)
    assert problem.bound(np.full((3, 2), 1e-14)) == pytest.approx(expected, rel=1e-9)


def test_signals_of_their_own_give_the_bounds_of_gpflow_sgpr():
    problem = Problem(7)
    scales = np.array([3.0, 0.2])
    problem.model.output_scale.assign(scales)
    expected = 0.0
    for p in range(2):
        variance = problem.s2 * np.square(scales[p])
        with as_context(Config(jitter=JITTER * variance)):
            sgpr = gpflow.models.SGPR(
                (problem.joint, problem.outputs[:, [p]]),
                gpflow.kernels.SquaredExponential(variance, problem.lengthscales),
                np.hstack([problem.Z_x, problem.Z_h]),
                noise_variance=problem.noise[p],
            )
            expected += float(sgpr.elbo())
    assert problem.bound(np.zeros((3, 2))) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_all_points_as_inducing_points_give_the_exact_evidence(slope):
    problem = Problem(1, slope=slope)
    problem.use_all_points()
    K = reference.kernel(problem.joint, problem.joint, problem.lengthscales, problem.s2)
    exact = sum(
        reference.log_multivariate_normal(problem.outputs[:, p], K + np.diag(problem.noise_of(p)))
        for p in range(2)
    )
    assert problem.bound(np.zeros((3, 2)), jitter=1e-10) == pytest.approx(exact, rel=1e-6)


def test_exact_evidence_is_that_of_gpflow_gpr():
    problem = Problem(2)
    problem.use_all_points()
    kernel = gpflow.kernels.SquaredExponential(problem.s2, problem.lengthscales)
    exact = 0.0
    for p in range(2):
        data = (problem.joint, problem.outputs[:, [p]])
        gpr = gpflow.models.GPR(data, kernel, noise_variance=problem.noise[p])
        exact += float(gpr.log_marginal_likelihood())
    assert problem.bound(np.zeros((3, 2)), jitter=1e-10) == pytest.approx(exact, rel=1e-6)


def test_one_task_without_latent_variation_is_plain_regression():
    problem = Problem(3, lengths=(9,))
    kernel = gpflow.kernels.SquaredExponential(problem.s2, problem.l_x)
    problem.model.inducing_inputs = gpflow.Parameter(problem.inputs)
    problem.model.inducing_latents = gpflow.Parameter(np.repeat(problem.mean, 9, axis=0))
    exact = 0.0
    for p in range(2):
        data = (problem.inputs, problem.outputs[:, [p]])
        gpr = gpflow.models.GPR(data, kernel, noise_variance=problem.noise[p])
        exact += float(gpr.log_marginal_likelihood())
    assert problem.bound(np.zeros((1, 2)), jitter=1e-10) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_uncertain_latents_and_task_scaled_noise_equal_the_dense_twin(slope):
    problem = Problem(4, slope=slope)
    dense = problem.dense(problem.variance)
    expected = sum(
        reference.collapsed_bound(problem.outputs[:, p], problem.noise_of(p), **dense)
        for p in range(2)
    )
    assert problem.bound(problem.variance) == pytest.approx(expected, rel=1e-9)


def test_point_masses_and_task_scaled_noise_equal_heteroscedastic_sparse_regression():
    problem = Problem(5, slope=(0.9, 0.5))
    Z = np.hstack([problem.Z_x, problem.Z_h])
    Kuu = reference.kernel(Z, Z, problem.lengthscales, problem.s2)
    Kuu += JITTER * problem.s2 * np.eye(len(Z))
    Kuf = reference.kernel(Z, problem.joint, problem.lengthscales, problem.s2)
    Q = Kuf.T @ np.linalg.solve(Kuu, Kuf)
    expected = 0.0
    for p in range(2):
        noise = problem.noise_of(p)
        expected += reference.log_multivariate_normal(problem.outputs[:, p], Q + np.diag(noise))
        expected -= 0.5 * np.sum((problem.s2 - np.diag(Q)) / noise)
    assert problem.bound(np.zeros((3, 2))) == pytest.approx(expected, rel=1e-9)


def test_bound_lies_below_the_expected_exact_evidence():
    problem = Problem(6)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(300):
        h = problem.mean + np.sqrt(problem.variance) * rng.standard_normal((3, 2))
        joint = np.hstack([problem.inputs, h[problem.task_of]])
        K = reference.kernel(joint, joint, problem.lengthscales, problem.s2)
        draws.append(
            sum(
                reference.log_multivariate_normal(
                    problem.outputs[:, p], K + problem.noise[p] * np.eye(len(K))
                )
                for p in range(2)
            )
        )
    assert problem.bound(problem.variance) < np.mean(draws) + 3.0 * np.std(draws) / np.sqrt(300)


def plain_terms(Kuu, Psi1, covariance, Psi1Y, precision):
    """The formula in the docstring of collapsed_terms, for automatic differentiation."""
    L = tf.linalg.cholesky(Kuu)
    Psi2 = tf.linalg.matmul(Psi1, Psi1, transpose_a=True) + covariance
    half = tf.linalg.triangular_solve(L, Psi2)
    A = tf.linalg.triangular_solve(L, tf.linalg.matrix_transpose(half))
    c = tf.linalg.triangular_solve(L, Psi1Y)
    value = 0.0
    for p in range(precision.shape[-1]):
        beta = precision[..., p]
        B = tf.eye(A.shape[-1], dtype=A.dtype) + beta[..., None, None] * A
        fit = tf.reduce_sum(c[..., p] * tf.linalg.solve(B, c[..., p, None])[..., 0], -1)
        value += 0.5 * (beta**2 * fit + beta * tf.linalg.trace(A) - tf.linalg.logdet(B))
    return value


@pytest.mark.parametrize("batch", [(), (3,)])
def test_terms_and_gradient_equal_automatic_differentiation(batch):
    rng = np.random.default_rng(0)
    size, outputs = 5, 2
    root = rng.normal(size=(2, *batch, size, size))
    Kuu, covariance = root @ np.swapaxes(root, -1, -2) + 0.5 * np.eye(size)
    arguments = [
        tf.constant(a)
        for a in (
            Kuu,
            rng.normal(size=(*batch, 8, size)),
            covariance,
            rng.normal(size=(*batch, size, outputs)),
            rng.lognormal(size=(*batch, outputs)),
        )
    ]
    upstream = rng.normal(size=batch)
    values, gradients = [], []
    for terms in (collapsed_terms, plain_terms):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            value = terms(*arguments)
            total = tf.reduce_sum(upstream * value)
        values.append(value.numpy())
        parts = [part.numpy() for part in tape.gradient(total, arguments)]
        # A gradient of a symmetric matrix means no more than its symmetric part.
        for i in (0, 2):
            parts[i] = 0.5 * (parts[i] + np.swapaxes(parts[i], -1, -2))
        gradients.append(parts)
    assert values[0].shape == batch
    np.testing.assert_allclose(*values, rtol=1e-10)
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_gradient_of_the_bound_equals_finite_differences(slope):
    problem = Problem(7, slope=slope)
    model, jitter = problem.model, tf.constant(1e-6, tf.float64)
    moments = [tf.Variable(problem.mean), tf.Variable(problem.variance)]
    variables = [*model.trainable_variables, *moments]
    assert len(variables) == 9
    with tf.GradientTape() as tape:
        value = model.bound(problem.data, *(tf.convert_to_tensor(m) for m in moments), jitter)
    gradients = tape.gradient(value, variables)
    rng, step = np.random.default_rng(0), 1e-5
    for variable, gradient in zip(variables, gradients, strict=True):
        here, direction = variable.numpy(), rng.normal(size=variable.shape)
        ends = []
        for sign in (1.0, -1.0):
            variable.assign(here + sign * step * direction)
            ends.append(float(model.bound(problem.data, moments[0] + 0, moments[1] + 0, jitter)))
        variable.assign(here)
        along = np.sum(gradient.numpy() * direction)
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(along, rel=1e-5, abs=1e-7)


def test_small_noise_and_near_duplicates_stay_finite():
    problem = Problem(8)
    problem.model.noise.assign([1.1e-6, 1.1e-6])
    problem.model.inducing_inputs.assign(np.repeat(problem.Z_x[:1], 6, axis=0))
    problem.model.inducing_latents.assign(np.repeat(problem.Z_h[:1], 6, axis=0))
    assert np.isfinite(problem.bound(problem.variance, jitter=1e-6))


def test_weights_of_one_are_homoscedastic_noise():
    rng = np.random.default_rng(0)
    Kuu, Psi1, covariance = np.eye(3), rng.normal(size=(4, 3)), np.diag([0.5, 0.2, 0.1])
    outputs = rng.normal(size=(4, 2))
    common = {"psi0": 50.0, "squared_outputs": np.square(outputs).sum(axis=0), "count": 4.0}
    common = {name: tf.constant(value, tf.float64) for name, value in common.items()}
    Psi1Y = Psi1.T @ outputs
    zero = tf.constant(0.0, tf.float64)
    one = collapsed_bound(
        Kuu,
        PsiStatistics(Psi1, covariance, Psi1Y),
        log_weights=zero,
        precision=np.array([2.0, 2.0]),
        **common,
    )
    # Doubling every task's weight is the same as doubling the precision.
    scaled = {name: 2.0 * common[name] for name in ("psi0", "squared_outputs")}
    other = collapsed_bound(
        Kuu, PsiStatistics(np.sqrt(2.0) * Psi1, 2.0 * covariance, 2.0 * Psi1Y),
        log_weights=tf.constant(4.0 * np.log(2.0)), precision=np.array([1.0, 1.0]),
        **(common | scaled),
    )  # fmt: skip
    assert float(one) == pytest.approx(float(other), rel=1e-12)


def test_a_bound_above_any_density_is_not_a_number():
    """Psi1'Y and the outputs' squares disagree, as rounding makes them when weights differ wildly."""
    rng = np.random.default_rng(0)
    Psi1, outputs = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    precision, log_weights = np.array([50.0, 200.0]), 7.0

    def bound(error):
        return float(
            collapsed_bound(
                tf.constant(np.eye(3)),
                PsiStatistics(Psi1, np.zeros((3, 3)), Psi1.T @ outputs * (1.0 + error)),
                psi0=tf.constant(np.square(Psi1).sum()),
                squared_outputs=tf.constant(np.square(outputs).sum(axis=0)),
                log_weights=tf.constant(log_weights, tf.float64),
                count=tf.constant(20.0, tf.float64),
                precision=tf.constant(precision),
            )
        )

    ceiling = 0.5 * np.sum(20.0 * np.log(precision / (2.0 * np.pi)) + log_weights)
    values = np.array([bound(error) for error in np.linspace(0.0, 10.0, 101)])
    assert np.isfinite(values[0]) and np.nanmax(values) <= ceiling
    assert np.isnan(values[-1]) and np.all(np.diff(np.isnan(values).astype(int)) >= 0)


def test_close_inducing_points_and_little_noise_cost_no_digits():
    """A millionth of noise on smooth data: with Psi2 added up, rounding moved the bound by half a nat."""
    rng = np.random.default_rng(0)
    problem = Problem(9, lengths=(60, 60, 60), count=60)
    problem.model.kernel_x.lengthscales.assign([5.0, 5.0, 5.0])
    problem.model.kernel_h.lengthscales.assign([8.0, 8.0])
    problem.model.noise.assign([2e-6, 2e-6])
    problem.model.inducing_inputs.assign(problem.inputs[::3])
    problem.model.inducing_latents.assign(problem.mean[problem.task_of[::3]])
    spread = np.full((3, 2), 1e-4)
    here = problem.model.inducing_inputs.numpy()
    values = []
    for _ in range(5):
        problem.model.inducing_inputs.assign(here + 1e-12 * rng.standard_normal(here.shape))
        values.append(problem.bound(spread, jitter=1e-8))
    # What a move of 1e-12 changes is a few millionths of nats in values of 1e6 to 1e8.
    assert np.ptp(values) < 1e-9 * np.abs(values[0])
