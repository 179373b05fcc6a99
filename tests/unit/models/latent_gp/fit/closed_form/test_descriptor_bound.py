"""The bound of the descriptors and its derivatives: automatic differentiation, GPflow's SGPR, quadrature."""

import gpflow
import numpy as np
import pytest
import reference
import tensorflow as tf
from gpflow.config import Config, as_context

from pamlflow.models.latent_gp.fit.closed_form.descriptor_bound import (
    DescriptorBound,
    DescriptorValues,
)
from pamlflow.models.latent_gp.fit.inducing import greedy_conditional_variance
from pamlflow.models.latent_gp.fit.layout import MAX_DESCRIPTOR_INDUCING
from pamlflow.models.latent_gp.fit.priors import DESCRIPTOR_NOISE_FLOOR
from pamlflow.models.latent_gp.fit.with_gpflow.descriptor_gp import DescriptorGP
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite

JITTER = 1e-6
SPREADS = {"wide": (1.0, 1.0), "narrow": (-2.0, 0.5), "tiny": (-20.0, 2.0)}


def problem(latent, outputs, *, tasks=6, spread="narrow", seed=0):
    """The bound of some tasks, random parameters, and moments of q(H)."""
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=(tasks, latent))
    anchors = greedy_conditional_variance(mean, np.ones(latent), min(MAX_DESCRIPTOR_INDUCING, 4))
    if tasks > MAX_DESCRIPTOR_INDUCING:
        anchors = greedy_conditional_variance(mean, np.ones(latent), MAX_DESCRIPTOR_INDUCING)
    values = DescriptorValues(
        lengthscales=rng.lognormal(0.2, 0.3, size=(outputs, latent)),
        variance=rng.lognormal(size=outputs),
        noise=DESCRIPTOR_NOISE_FLOOR + rng.lognormal(-2.0, 0.3, size=outputs),
        slope=rng.normal(size=(latent, outputs)),
        intercept=rng.normal(size=outputs),
    )
    bound = DescriptorBound(rng.normal(size=(tasks, outputs)), anchors)
    return bound, values, mean, rng.lognormal(*SPREADS[spread], size=(tasks, latent))


def by_automatic_differentiation(bound, values, mean, variance, jitter):
    """The bound, and its derivatives by all values and moments in their order."""
    model = DescriptorGP(bound.descriptors, mean.shape[1], bound.inducing)
    parameters = [getattr(model, name) for name in DescriptorValues._fields]
    for parameter, value in zip(parameters, values, strict=True):
        parameter.assign(value)
    variables = [parameter.unconstrained_variable for parameter in parameters]
    moments = [tf.constant(mean), tf.constant(variance)]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([*variables, *moments])
        value = model.bound(*moments, tf.constant(jitter, tf.float64))
    found = [part.numpy() for part in tape.gradient(value, [*variables, *moments])]
    # The search moves logarithms of what is positive: by the values themselves, divide by them.
    found[0] /= values.lengthscales
    found[1] /= values.variance
    found[2] /= values.noise - DESCRIPTOR_NOISE_FLOOR
    return float(value), found


def flat(gradient):
    return [*gradient.values, gradient.mean, gradient.variance]


def assert_same(found, expected):
    """Equal to eight digits of the largest entry of each part, or of one nat per unit."""
    names = (*DescriptorValues._fields, "mean", "variance of q(H)")
    for name, ours, theirs in zip(names, found, expected, strict=True):
        largest = max(1.0, np.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8 * largest, err_msg=name)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("latent", [1, 2, 3])
def test_value_and_derivatives_are_those_of_automatic_differentiation(latent, outputs, spread):
    arguments = problem(latent, outputs, spread=spread)
    value, gradient = arguments[0](*arguments[1:], JITTER)
    expected, derivatives = by_automatic_differentiation(*arguments, JITTER)
    assert value == pytest.approx(expected, rel=1e-10)
    assert_same(flat(gradient), derivatives)


@pytest.mark.parametrize("tasks", [1, 2, MAX_DESCRIPTOR_INDUCING + 9])
def test_few_tasks_and_more_than_there_are_inducing_points(tasks):
    arguments = problem(2, 2, tasks=tasks, seed=1)
    assert len(arguments[0].inducing) == min(tasks, MAX_DESCRIPTOR_INDUCING)
    # Many latent means are close to each other: the jitter keeps eight digits of the derivatives.
    value, gradient = arguments[0](*arguments[1:], 1e-4)
    expected, derivatives = by_automatic_differentiation(*arguments, 1e-4)
    assert value == pytest.approx(expected, rel=1e-10)
    assert_same(flat(gradient), derivatives)


def test_derivatives_equal_central_differences():
    bound, values, mean, variance = problem(2, 3, seed=2)
    rng, step = np.random.default_rng(0), 1e-5
    _, gradient = bound(values, mean, variance, JITTER)
    here = [*values, mean, variance]
    for i, (part, slope) in enumerate(zip(here, flat(gradient), strict=True)):
        direction = rng.normal(size=part.shape) * np.abs(part)
        ends = []
        for sign in (1.0, -1.0):
            moved = [*here]
            moved[i] = part + sign * step * direction
            ends.append(bound(DescriptorValues(*moved[:-2]), *moved[-2:], JITTER)[0])
        along = np.sum(slope * direction)
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(along, rel=1e-6, abs=1e-7)


def test_point_masses_give_the_bounds_of_gpflow_sgpr():
    bound, values, mean, _ = problem(2, 2, seed=3)
    expected = 0.0
    for r in range(2):
        with as_context(Config(jitter=JITTER * values.variance[r])):
            sgpr = gpflow.models.SGPR(
                (mean, bound.descriptors[:, [r]]),
                gpflow.kernels.SquaredExponential(values.variance[r], values.lengthscales[r]),
                mean[bound.inducing],
                mean_function=gpflow.functions.Linear(values.slope[:, [r]], values.intercept[[r]]),
                noise_variance=values.noise[r],
            )
            expected += float(sgpr.elbo())
    for variance in (0.0, 1e-14):
        found, _ = bound(values, mean, np.full_like(mean, variance), JITTER)
        assert found == pytest.approx(expected, rel=1e-9)


def test_expectations_equal_quadrature():
    """E[y^2], E[y k] and E[k k'] under q(h) of each task, y being the residual of the linear mean."""
    bound, values, mean, variance = problem(2, 2, seed=4)
    Z, total = mean[bound.inducing], 0.0
    for r in range(2):
        squares, projected, Psi2 = 0.0, 0.0, 0.0
        for i in range(len(mean)):

            def terms(h, i=i, r=r):
                y = bound.descriptors[i, r] - values.intercept[r] - h @ values.slope[:, r]
                k = reference.kernel(h, Z, values.lengthscales[r], values.variance[r])
                pairs = (k[:, :, None] * k[:, None]).reshape(len(h), -1)
                return np.hstack([y[:, None] ** 2, y[:, None] * k, pairs])

            parts = reference.expectation(terms, mean[i], variance[i])
            squares += parts[0]
            projected += parts[1 : 1 + len(Z)]
            Psi2 += parts[1 + len(Z) :].reshape(len(Z), len(Z))
        noise = values.noise[r]
        Kuu = reference.kernel(Z, Z, values.lengthscales[r], values.variance[r])
        Kuu += JITTER * values.variance[r] * np.eye(len(Z))
        inner, prior = Kuu + Psi2 / noise, len(mean) * values.variance[r]
        total -= 0.5 * (len(mean) * np.log(2 * np.pi * noise) + (squares + prior) / noise)
        total += 0.5 * (np.linalg.slogdet(Kuu)[1] - np.linalg.slogdet(inner)[1])
        total += 0.5 * projected @ np.linalg.solve(inner, projected) / noise**2
        total += 0.5 * np.trace(np.linalg.solve(Kuu, Psi2)) / noise
    found, _ = bound(values, mean, variance, JITTER)
    assert found == pytest.approx(total, rel=1e-8)


def test_tasks_at_one_place_need_jitter():
    bound, values, mean, variance = problem(2, 2)
    together = np.tile(mean[:1], (len(mean), 1))
    with pytest.raises(NotPositiveDefinite):
        bound(values, together, variance, 0.0)
    value, gradient = bound(values, together, variance, JITTER)
    assert np.isfinite(value) and all(np.all(np.isfinite(part)) for part in flat(gradient))


def test_parameters_and_moments_are_left_alone():
    bound, values, mean, variance = problem(2, 2)
    before = [part.copy() for part in (*values, mean, variance)]
    bound(values, mean, variance, JITTER)
    for ours, theirs in zip((*values, mean, variance), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_close_latents_and_little_noise_cost_no_digits():
    """A small move changes the bound by its slope; were Psi2 added up, rounding would by far more."""
    rng = np.random.default_rng(5)
    mean = 0.3 * rng.normal(size=(25, 2))
    descriptors = np.sin(mean @ rng.normal(size=(2, 2))) + 1e-2 * rng.normal(size=(25, 2))
    bound = DescriptorBound(descriptors, np.arange(25))
    values = DescriptorValues(
        lengthscales=np.full((2, 2), 3.0),
        variance=np.ones(2),
        noise=np.full(2, 1.01 * DESCRIPTOR_NOISE_FLOOR),
        slope=np.zeros((2, 2)),
        intercept=np.zeros(2),
    )
    variance = np.full((25, 2), 1e-4)
    value, gradient = bound(values, mean, variance, 1e-8)
    for _ in range(5):
        move = 1e-9 * rng.standard_normal(mean.shape)
        moved, _ = bound(values, mean + move, variance, 1e-8)
        assert abs(moved - value - np.sum(gradient.mean * move)) < 1e-6
        assert abs(moved - value) < 1e-6 * abs(value)
