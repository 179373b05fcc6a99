"""The descriptor view: its bound, and its posterior at a latent point."""

import gpflow
import numpy as np
import pytest
import reference
import tensorflow as tf
from gpflow.config import Config, as_context

from pamlflow.models.latent_gp.fit.priors import ABOVE_FLOOR, DESCRIPTOR_NOISE_FLOOR
from pamlflow.models.latent_gp.fit.with_gpflow.descriptor_gp import DescriptorGP
from pamlflow.models.latent_gp.use.scaling import Scaler

JITTER = 1e-8
ANCHORS = [0, 3, 4]


def at(posterior, h):
    """Mean and variance [N, R] of psi at latent points [N, Q], noise included."""
    variance = [posterior.expand(r, h).variance for r in range(len(posterior.variance))]
    return posterior.decode(h), np.stack(variance, axis=1)


class Problem:
    """Six tasks with two descriptor dimensions, and a descriptor GP with random parameters."""

    def __init__(self, seed=0, anchors=ANCHORS, linear=True):
        rng = np.random.default_rng(seed)
        self.psi, self.mean = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
        self.variance = rng.uniform(0.02, 0.4, size=(6, 2))
        self.anchors = np.array(anchors)
        self.lengthscales = rng.lognormal(0.2, 0.3, size=(2, 2))
        self.scale, self.noise = rng.lognormal(size=2), rng.lognormal(-2.0, 0.3, size=2)
        self.slope, self.intercept = linear * rng.normal(size=(2, 2)), linear * rng.normal(size=2)
        self.model = DescriptorGP(self.psi, 2, self.anchors)
        self.model.lengthscales.assign(self.lengthscales)
        self.model.variance.assign(self.scale)
        self.model.noise.assign(self.noise)
        self.model.slope.assign(self.slope)
        self.model.intercept.assign(self.intercept)

    def bound(self, variance, jitter=JITTER):
        arguments = (self.mean, variance, jitter)
        return float(self.model.bound(*(tf.constant(a, tf.float64) for a in arguments)))

    def posterior(self, variance):
        arguments = (self.mean, variance, JITTER)
        return self.model.posterior(*(tf.constant(a, tf.float64) for a in arguments))

    def residual(self, h, r):
        """psi minus its linear mean at latent points h."""
        return self.psi[:, r] - self.intercept[r] - h @ self.slope[:, r]

    def kernel(self, a, b, r):
        return reference.kernel(a, b, self.lengthscales[r], self.scale[r])


def quadrature_bound(problem):
    """The collapsed bound from expectations of y^2, y k and k k', task by task, by quadrature."""
    Z, total = problem.mean[problem.anchors], 0.0
    for r in range(2):
        squares, b, Psi2 = 0.0, 0.0, 0.0
        for i in range(6):

            def terms(h, i=i, r=r):
                y = problem.psi[i, r] - problem.intercept[r] - h @ problem.slope[:, r]
                k = problem.kernel(h, Z, r)
                return np.hstack(
                    [
                        y[:, None] ** 2,
                        y[:, None] * k,
                        (k[:, :, None] * k[:, None]).reshape(len(h), -1),
                    ]
                )

            parts = reference.expectation(terms, problem.mean[i], problem.variance[i])
            squares += parts[0]
            b += parts[1 : 1 + len(Z)]
            Psi2 += parts[1 + len(Z) :].reshape(len(Z), len(Z))
        noise, Kuu = problem.noise[r], problem.kernel(Z, Z, r)
        Kuu = Kuu + JITTER * problem.scale[r] * np.eye(len(Z))
        inner = Kuu + Psi2 / noise
        total -= 0.5 * (6 * np.log(2 * np.pi * noise) + (squares + 6 * problem.scale[r]) / noise)
        total += 0.5 * (np.linalg.slogdet(Kuu)[1] - np.linalg.slogdet(inner)[1])
        total += 0.5 * b @ np.linalg.solve(inner, b) / noise**2
        total += 0.5 * np.trace(np.linalg.solve(Kuu, Psi2)) / noise
    return total


@pytest.mark.parametrize("linear", [True, False])
def test_bound_equals_the_dense_twin(linear):
    problem = Problem(0, linear=linear)
    assert problem.bound(problem.variance) == pytest.approx(quadrature_bound(problem), rel=1e-8)


@pytest.mark.parametrize("seed", range(2))
def test_point_masses_on_all_points_give_the_exact_evidence(seed):
    problem = Problem(seed, anchors=range(6))
    exact = sum(
        reference.log_multivariate_normal(
            problem.residual(problem.mean, r),
            problem.kernel(problem.mean, problem.mean, r) + problem.noise[r] * np.eye(6),
        )
        for r in range(2)
    )
    assert problem.bound(np.zeros((6, 2)), jitter=1e-10) == pytest.approx(exact, rel=1e-7)


def test_point_masses_give_the_bound_and_predictions_of_gpflow_sgpr():
    problem = Problem(1)
    posterior = problem.posterior(np.zeros((6, 2)))
    h = np.random.default_rng(9).normal(size=(5, 2))
    mean, variance = at(posterior, h)
    bound = 0.0
    for r in range(2):
        with as_context(Config(jitter=JITTER * problem.scale[r])):
            sgpr = gpflow.models.SGPR(
                (problem.mean, problem.psi[:, [r]]),
                gpflow.kernels.SquaredExponential(problem.scale[r], problem.lengthscales[r]),
                problem.mean[ANCHORS],
                mean_function=gpflow.functions.Linear(
                    problem.slope[:, [r]], problem.intercept[[r]]
                ),
                noise_variance=problem.noise[r],
            )
            bound += float(sgpr.elbo())
            expected = sgpr.predict_y(h)
            np.testing.assert_allclose(mean[:, r], expected[0][:, 0], rtol=1e-7, atol=1e-8)
            np.testing.assert_allclose(variance[:, r], expected[1][:, 0], rtol=1e-7, atol=1e-8)
    assert problem.bound(np.zeros((6, 2))) == pytest.approx(bound, rel=1e-9)


def test_bound_lies_below_the_expected_exact_evidence():
    problem = Problem(2, anchors=range(6))
    rng, draws = np.random.default_rng(0), []
    for _ in range(1000):
        h = problem.mean + np.sqrt(problem.variance) * rng.standard_normal((6, 2))
        draws.append(
            sum(
                reference.log_multivariate_normal(
                    problem.residual(h, r), problem.kernel(h, h, r) + problem.noise[r] * np.eye(6)
                )
                for r in range(2)
            )
        )
    assert problem.bound(problem.variance) < np.mean(draws) + 3.0 * np.std(draws) / np.sqrt(1000)


def test_far_away_the_linear_mean_and_the_prior_variance_return():
    problem = Problem(5)
    h = np.array([[40.0, -30.0]])
    mean, variance = at(problem.posterior(problem.variance), h)
    np.testing.assert_allclose(mean, h @ problem.slope + problem.intercept)
    np.testing.assert_allclose(variance[0], problem.scale + problem.noise)


def test_gradient_equals_finite_differences():
    problem = Problem(6)
    moments = [tf.Variable(problem.mean), tf.Variable(problem.variance)]
    variables = [*problem.model.trainable_variables, *moments]
    assert len(variables) == 7
    jitter, step, rng = tf.constant(1e-6, tf.float64), 1e-5, np.random.default_rng(0)
    with tf.GradientTape() as tape:
        value = problem.model.bound(moments[0] + 0.0, moments[1] + 0.0, jitter)
    for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
        here, direction = variable.numpy(), rng.normal(size=variable.shape)
        ends = []
        for sign in (1.0, -1.0):
            variable.assign(here + sign * step * direction)
            ends.append(float(problem.model.bound(moments[0] + 0.0, moments[1] + 0.0, jitter)))
        variable.assign(here)
        along = np.sum(gradient.numpy() * direction)
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(along, rel=1e-5, abs=1e-7)


def standardised(mean, scale):
    """A standardisation of two descriptors; that of transitions does not matter."""
    nothing = np.empty(0)
    return Scaler(nothing, nothing, nothing, nothing, np.array(mean), np.array(scale))


OLD, NEW = standardised([1.0, -2.0], [0.5, 3.0]), standardised([0.3, -2.5], [0.9, 1.2])


def carried_on(problem, old, new):
    """A view of the same descriptors in ``new`` units that goes on from the problem's, in ``old`` units."""
    psi = problem.psi * old.descriptor_scale + old.descriptor_mean
    model = DescriptorGP(new.descriptors(psi), 2, problem.anchors)
    parameters = gpflow.utilities.parameter_dict(problem.model)
    model.carry_on({path: value.numpy() for path, value in parameters.items()}, old, new)
    return model


def test_under_a_new_standardisation_a_view_is_the_same_in_the_users_units():
    problem = Problem(5)
    model = carried_on(problem, OLD, NEW)
    moments = [tf.constant(a, tf.float64) for a in (problem.mean, problem.variance, JITTER)]
    unit = OLD.descriptor_scale / NEW.descriptor_scale
    density = -len(problem.psi) * np.log(unit).sum()  # of descriptors in another unit
    before = problem.bound(problem.variance)
    assert float(model.bound(*moments)) == pytest.approx(before + density, rel=1e-9)
    h = np.random.default_rng(6).normal(size=(7, 2))
    mean, variance = at(problem.posterior(problem.variance), h)
    new_mean, new_variance = at(model.posterior(*moments), h)
    np.testing.assert_allclose(
        new_mean * NEW.descriptor_scale + NEW.descriptor_mean,
        mean * OLD.descriptor_scale + OLD.descriptor_mean,
    )
    np.testing.assert_allclose(
        new_variance * NEW.descriptor_scale**2, variance * OLD.descriptor_scale**2
    )


def test_the_noise_that_is_carried_on_stays_above_its_floor():
    problem = Problem(5)
    problem.model.noise.assign([1.001 * DESCRIPTOR_NOISE_FLOOR, 0.01])
    model = carried_on(problem, OLD, NEW)  # the first unit grows
    assert model.noise.numpy()[0] == pytest.approx(ABOVE_FLOOR * DESCRIPTOR_NOISE_FLOOR)
    assert model.noise.numpy()[1] == pytest.approx(0.01 * (3.0 / 1.2) ** 2)
    assert np.all(np.isfinite([v.numpy() for v in model.noise.trainable_variables]))
