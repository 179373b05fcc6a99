"""The bound of the dynamics and its derivatives: automatic differentiation, sparse regression, dense twins."""

import gpflow
import numpy as np
import pytest
import reference
import tensorflow as tf
from dynamics_problem import JITTER, Problem
from gpflow.config import Config, as_context

from pamlflow.models.latent_gp.fit.closed_form.dynamics_bound import DynamicsBound
from pamlflow.models.latent_gp.fit.with_gpflow.dynamics_gp import DynamicsGP, TaskData
from pamlflow.models.latent_gp.use import statistics
from pamlflow.models.latent_gp.use.statistics import DynamicsValues, Transitions
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite

FLOOR = 1e-6
LENGTHS = (5, 1, 7, 3)
SPREADS = {"wide": (1.0, 1.0), "narrow": (-2.0, 0.5), "tiny": (-20.0, 2.0)}


def problem(latent, outputs, *, signal="per_output", scaled=True, spread="narrow", seed=0):
    """Transitions, parameters and moments of q(H): ragged tasks with three inputs, six inducing points."""
    rng = np.random.default_rng(seed)
    number, total = len(LENGTHS), sum(LENGTHS)
    transitions = Transitions(
        rng.normal(size=(total, 3)), rng.normal(size=(total, outputs)), np.array(LENGTHS)
    )
    shared = signal == "shared"
    values = DynamicsValues(
        variance=np.array(rng.lognormal() if shared else 1.0),
        lengthscales_x=rng.lognormal(0.3, 0.3, size=3),
        lengthscales_h=rng.lognormal(0.3, 0.3, size=latent),
        inducing_inputs=rng.normal(size=(6, 3)),
        inducing_latents=rng.normal(size=(6, latent)),
        output_scale=np.ones(outputs) if shared else rng.lognormal(size=outputs),
        noise=FLOOR + rng.lognormal(-1.5, 0.5, size=outputs),
        noise_slope=scaled * rng.normal(size=latent),
    )
    mean = rng.normal(size=(number, latent))
    return transitions, values, mean, rng.lognormal(*SPREADS[spread], size=(number, latent))


def padded(transitions):
    """The transitions as GPflow's module takes them."""
    present = np.arange(transitions.lengths.max()) < transitions.lengths[:, None]
    parts = []
    for rows in (transitions.inputs, transitions.outputs):
        part = np.zeros((*present.shape, rows.shape[1]))
        part[present] = rows
        parts.append(tf.constant(part))
    return TaskData(*parts, tf.constant(present.astype(np.float64)))


def by_automatic_differentiation(transitions, values, mean, variance, jitter):
    """The bound, and its derivatives by all values and moments in their order."""
    model = DynamicsGP(
        transitions.inputs.shape[1],
        transitions.outputs.shape[1],
        values.inducing_inputs,
        values.inducing_latents,
        noise_floor=FLOOR,
        signal="shared",
        task_scaled=True,
    )
    parameters = (
        model.kernel_x.variance,
        model.kernel_x.lengthscales,
        model.kernel_h.lengthscales,
        model.inducing_inputs,
        model.inducing_latents,
        model.output_scale,
        model.noise,
        model.noise_slope,
    )
    for parameter, value in zip(parameters, values, strict=True):
        parameter.assign(value)
    variables = [parameter.unconstrained_variable for parameter in parameters]
    moments = [tf.constant(mean), tf.constant(variance)]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([*variables, *moments])
        bound = model.bound(padded(transitions), *moments, tf.constant(jitter, tf.float64))
    found = [part.numpy() for part in tape.gradient(bound, [*variables, *moments])]
    # The search moves logarithms of what is positive: by the values themselves, divide by them.
    positive = values._replace(noise=values.noise - FLOOR)
    for i in (0, 1, 2, 5, 6):
        found[i] = found[i] / positive[i]
    return float(bound), found


def assert_same(found, expected):
    """Equal to eight digits of the largest entry of each part, or of one nat per unit."""
    names = (*DynamicsValues._fields, "mean", "variance of q(H)")
    for name, ours, theirs in zip(names, found, expected, strict=True):
        largest = max(1.0, np.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8 * largest, err_msg=name)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize(("signal", "scaled"), [("per_output", True), ("shared", False)])
@pytest.mark.parametrize("outputs", [1, 4])
@pytest.mark.parametrize("latent", [1, 2, 3])
def test_value_and_derivatives_are_those_of_automatic_differentiation(
    latent, outputs, signal, scaled, spread
):
    arguments = problem(latent, outputs, signal=signal, scaled=scaled, spread=spread)
    value, gradient = DynamicsBound(arguments[0])(*arguments[1:], 1e-6)
    expected, derivatives = by_automatic_differentiation(*arguments, 1e-6)
    assert value == pytest.approx(expected, rel=1e-10)
    assert_same([*gradient.values, gradient.mean, gradient.variance], derivatives)


@pytest.mark.parametrize("jitter", [1e-8, 1e-4])
def test_jitter_has_a_part_in_the_derivatives(jitter):
    arguments = problem(2, 2, signal="shared", seed=1)
    value, gradient = DynamicsBound(arguments[0])(*arguments[1:], jitter)
    expected, derivatives = by_automatic_differentiation(*arguments, jitter)
    assert value == pytest.approx(expected, rel=1e-10)
    assert_same([*gradient.values, gradient.mean, gradient.variance], derivatives)


def test_derivatives_equal_central_differences():
    transitions, values, mean, variance = problem(2, 3, seed=2)
    bound, rng, step = DynamicsBound(transitions), np.random.default_rng(0), 1e-5
    _, gradient = bound(values, mean, variance, 1e-6)
    here = [*values, mean, variance]
    parts = zip(here, [*gradient.values, gradient.mean, gradient.variance], strict=True)
    for i, (part, slope) in enumerate(parts):
        direction = rng.normal(size=np.shape(part))
        ends = []
        for sign in (1.0, -1.0):
            moved = [*here]
            moved[i] = part + sign * step * direction * np.abs(part)
            ends.append(bound(DynamicsValues(*moved[:-2]), *moved[-2:], 1e-6)[0])
        along = np.sum(slope * direction * np.abs(part))
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(along, rel=1e-6, abs=1e-7)


def closed_form(known, variance, jitter=JITTER):
    """The bound of a Problem."""
    found = DynamicsBound(known.transitions)(known.model.values(), known.mean, variance, jitter)
    return found[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scales", [(1.0, 1.0), (3.0, 0.2)])
def test_point_masses_give_the_bounds_of_gpflow_sgpr(seed, scales):
    known = Problem(seed)
    known.model.output_scale.assign(scales)
    expected = 0.0
    for p in range(2):
        variance = known.s2 * np.square(scales[p])
        with as_context(Config(jitter=JITTER * variance)):
            sgpr = gpflow.models.SGPR(
                (known.joint, known.outputs[:, [p]]),
                gpflow.kernels.SquaredExponential(variance, known.lengthscales),
                np.hstack([known.Z_x, known.Z_h]),
                noise_variance=known.noise[p],
            )
            expected += float(sgpr.elbo())
    assert closed_form(known, np.zeros((3, 2))) == pytest.approx(expected, rel=1e-9)
    assert closed_form(known, np.full((3, 2), 1e-14)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_uncertain_latents_and_task_scaled_noise_equal_the_dense_twin(slope):
    known = Problem(4, slope=slope)
    dense = known.dense(known.variance)
    expected = sum(
        reference.collapsed_bound(known.outputs[:, p], known.noise_of(p), **dense) for p in range(2)
    )
    assert closed_form(known, known.variance) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_all_points_as_inducing_points_give_the_exact_evidence(slope):
    known = Problem(1, slope=slope)
    known.use_all_points()
    K = reference.kernel(known.joint, known.joint, known.lengthscales, known.s2)
    exact = sum(
        reference.log_multivariate_normal(known.outputs[:, p], K + np.diag(known.noise_of(p)))
        for p in range(2)
    )
    assert closed_form(known, np.zeros((3, 2)), jitter=1e-10) == pytest.approx(exact, rel=1e-6)


def test_calls_do_not_change_each_other():
    """The large arrays are kept from call to call."""
    transitions, values, mean, variance = problem(2, 2)
    bound = DynamicsBound(transitions)
    first, gradient = bound(values, mean, variance, 1e-6)
    copies = [part.copy() for part in (*gradient.values, gradient.mean, gradient.variance)]
    bound(values._replace(noise=3.0 * values.noise), mean[::-1], 2.0 * variance, 1e-6)
    for part, copy in zip(
        (*gradient.values, gradient.mean, gradient.variance), copies, strict=True
    ):
        np.testing.assert_array_equal(part, copy)
    again, later = bound(values, mean, variance, 1e-6)
    assert again == first
    for part, copy in zip((*later.values, later.mean, later.variance), copies, strict=True):
        np.testing.assert_array_equal(part, copy)


def test_what_is_not_kept_is_computed_again(monkeypatch):
    """Of many tasks and inducing points, the matrices of each task would not fit the memory."""
    arguments = problem(2, 2)
    value, gradient = DynamicsBound(arguments[0])(*arguments[1:], 1e-6)
    monkeypatch.setattr(statistics, "MOST_KEPT", 0)
    again, later = DynamicsBound(arguments[0])(*arguments[1:], 1e-6)
    assert again == value
    for ours, theirs in zip(later.values, gradient.values, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(later.mean, gradient.mean)
    np.testing.assert_array_equal(later.variance, gradient.variance)


def test_parameters_and_moments_are_left_alone():
    arguments = problem(2, 2)
    before = [np.array(part) for part in (*arguments[0], *arguments[1], *arguments[2:])]
    DynamicsBound(arguments[0])(*arguments[1:], 1e-6)
    after = (*arguments[0], *arguments[1], *arguments[2:])
    for ours, theirs in zip(after, before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_equal_inducing_points_need_jitter():
    transitions, values, mean, variance = problem(2, 2)
    values = values._replace(
        inducing_inputs=np.tile(values.inducing_inputs[0], (6, 1)),
        inducing_latents=np.tile(values.inducing_latents[0], (6, 1)),
    )
    bound = DynamicsBound(transitions)
    with pytest.raises(NotPositiveDefinite):
        bound(values, mean, variance, 0.0)
    assert np.isfinite(bound(values, mean, variance, 1e-6)[0])


def hard():
    """A millionth of noise on smooth data, whose inducing points are close."""
    rng = np.random.default_rng(9)
    inputs, mean = rng.normal(size=(180, 3)), rng.normal(size=(3, 2))
    joint = np.hstack([inputs, np.repeat(mean, 60, axis=0)])
    outputs = np.sin(joint @ rng.normal(scale=0.2, size=(5, 2)))
    outputs += 1e-3 * rng.normal(size=outputs.shape)
    values = DynamicsValues(
        variance=np.array(1.0),
        lengthscales_x=np.full(3, 5.0),
        lengthscales_h=np.full(2, 8.0),
        inducing_inputs=inputs[::3],
        inducing_latents=np.repeat(mean, 20, axis=0),
        output_scale=np.ones(2),
        noise=np.full(2, 2e-6),
        noise_slope=np.zeros(2),
    )
    bound = DynamicsBound(Transitions(inputs, outputs, np.full(3, 60)))
    return bound, values, mean, np.full((3, 2), 1e-4)


@pytest.mark.parametrize("size", [1e-12, 1e-9])
def test_close_inducing_points_and_little_noise_cost_no_digits(size):
    """A small move changes the bound by its slope; with Psi2 added up, rounding would by far more."""
    bound, values, *moments = hard()
    value, gradient = bound(values, *moments, 1e-8)
    rng, here = np.random.default_rng(1), values.inducing_inputs
    for _ in range(5):
        move = size * rng.standard_normal(here.shape)
        moved, _ = bound(values._replace(inducing_inputs=here + move), *moments, 1e-8)
        slope = np.sum(gradient.values.inducing_inputs * move)
        assert abs(moved - value - slope) < 1e-5
        assert abs(moved - value) < 1e-6 * abs(value)


def wide_bound(transitions, values, mean, variance, jitter):
    """The bound with Psi2 added up, in extended precision; without task-scaled noise and signals."""
    wide = np.longdouble
    x, y = transitions.inputs.astype(wide), transitions.outputs.astype(wide)
    v = DynamicsValues(*(np.asarray(part, dtype=wide) for part in values))
    mean, variance, squared = mean.astype(wide), variance.astype(wide), v.lengthscales_h**2
    z = v.inducing_latents
    Kuu = reference.kernel(v.inducing_inputs, v.inducing_inputs, v.lengthscales_x, v.variance)
    Kuu = Kuu * reference.kernel(z, z, v.lengthscales_h)
    Kuu[np.diag_indices(len(Kuu))] = v.variance * (1 + wide(jitter))
    kernel = reference.kernel(x, v.inducing_inputs, v.lengthscales_x, v.variance)
    middle, apart = (z[:, None] + z) / 2, z[:, None] - z
    Psi1, Psi2 = [], 0
    ends = np.cumsum(transitions.lengths)[:-1]
    for rows, m, s in zip(np.split(kernel, ends), mean, variance, strict=True):
        one, two = squared + s, squared + 2 * s
        expected = np.exp(-((m - z) ** 2) / one / 2) * np.sqrt(squared / one)
        pairs = np.exp(-(apart**2) / (4 * squared) - (m - middle) ** 2 / two)
        pairs = np.prod(pairs * np.sqrt(squared / two), axis=-1)
        Psi1.append(rows * np.prod(expected, axis=-1))
        Psi2 = Psi2 + rows.T @ rows * pairs
    L = reference.wide_cholesky(Kuu)
    A = reference.wide_solve(L, reference.wide_solve(L, Psi2).T)
    c = reference.wide_solve(L, np.vstack(Psi1).T @ y)
    total = wide(0)
    for p, beta in enumerate(1 / v.noise):
        factor = reference.wide_cholesky(np.eye(len(A)) + beta * A)
        fit = reference.wide_solve(factor, c[:, [p]])
        total += (beta**2 * np.sum(fit**2) + beta * np.trace(A)) / 2
        total -= np.log(np.diag(factor)).sum()
        total += len(y) * np.log(beta / (2 * wide(np.pi))) / 2
        total -= beta * (np.sum(y[:, p] ** 2) + len(y) * v.variance) / 2
    return total


@pytest.mark.skipif(np.finfo(np.longdouble).eps > 1e-18, reason="no extended precision here")
def test_a_hard_case_is_right_to_a_thousandth_of_a_nat():
    bound, values, *moments = hard()
    value, _ = bound(values, *moments, 1e-8)
    assert abs(value - wide_bound(bound.transitions, values, *moments, 1e-8)) < 1e-3
