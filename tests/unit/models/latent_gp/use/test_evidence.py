"""Evidence about an unseen task: values against quadrature, gradients against finite differences."""

import numpy as np
import pytest
import reference

from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.use.descriptor_posterior import (
    DescriptorEvidence,
    DescriptorPosterior,
)
from pamlflow.models.latent_gp.use.kernels import (
    expected_kernel,
    expected_kernel_pairs,
    unit_kernel,
)
from pamlflow.models.latent_gp.use.picture_posterior import EncodedEvidence
from pamlflow.models.latent_gp.use.sparse_evidence import (
    TOGETHER,
    ElboEvidence,
    PredictiveEvidence,
)
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior, optimal_posterior
from pamlflow.models.latent_gp.use.statistics import DynamicsValues, PsiStatistics, Transitions

TASKS = np.arange(3)


def valid_reduction(Z, lengthscales, variance, rng):
    """Basis and reductions of a posterior whose variance stays positive: those of a free q(u)."""
    K = reference.kernel(Z, Z, lengthscales, variance) + 1e-6 * np.eye(len(Z))
    rotation, _ = np.linalg.qr(rng.normal(size=K.shape))
    basis = np.linalg.solve(np.linalg.cholesky(K).T, rotation)
    return basis, rng.uniform(0.1, 0.9, size=len(Z))


def dynamics_posterior(seed=0, bases=1):
    rng = np.random.default_rng(seed)
    Z_x, Z_h = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    l_x, l_h = rng.lognormal(0.3, 0.2, size=3), rng.lognormal(0.3, 0.2, size=2)
    Z, lengthscales = np.hstack([Z_x, Z_h]), np.hstack([l_x, l_h])
    parts = [valid_reduction(Z, lengthscales, 1.3, rng) for _ in range(2)]
    return SparsePosterior(
        Z_x, Z_h, l_x, l_h, np.array(1.3),
        weights=rng.normal(size=(6, 2)),
        basis=np.array([basis for basis, _ in parts[:bases]]),
        reduction=np.array([reduction for _, reduction in parts]),
        noise=np.array([0.05, 0.2]),
        noise_slope=np.array([0.4, -0.8]),
        predictive_noise=np.array([0.02, 0.1]),
    )  # fmt: skip


def descriptor_posterior(seed=0):
    rng = np.random.default_rng(seed)
    Z, lengthscales = rng.normal(size=(4, 2)), rng.lognormal(0.3, 0.2, size=(2, 2))
    reductions = []
    for r in range(2):
        basis, reduction = valid_reduction(Z, lengthscales[r], 0.7, rng)
        reductions.append((basis * reduction) @ basis.T)
    return DescriptorPosterior(
        Z, lengthscales, np.full(2, 0.7), np.array([0.01, 0.04]),
        slope=rng.normal(size=(2, 2)),
        intercept=rng.normal(size=2),
        weights=rng.normal(size=(2, 4)),
        reduction=np.array(reductions),
    )  # fmt: skip


def task_data(seed=0):
    """Three tasks of 4, 1 and 3 transitions, with rubbish behind their ends."""
    rng = np.random.default_rng(seed)
    mask = (np.arange(4) < np.array([4, 1, 3])[:, None]).astype(float)
    return TaskArrays(rng.normal(size=(3, 4, 3)), rng.normal(size=(3, 4, 2)), mask)


def moments(seed=0, scale=0.3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, 2)), scale * rng.lognormal(-0.5, 0.5, size=(3, 2))


def evidences():
    descriptors = np.random.default_rng(5).normal(size=(3, 2))
    return {
        "predictive": PredictiveEvidence(dynamics_posterior(), task_data()),
        "predictive, own bases": PredictiveEvidence(dynamics_posterior(bases=2), task_data()),
        "elbo": ElboEvidence(dynamics_posterior(), task_data()),
        "elbo, own bases": ElboEvidence(dynamics_posterior(bases=2), task_data()),
        "descriptor": DescriptorEvidence(descriptor_posterior(), descriptors),
        "encoded": EncodedEvidence(*moments(7)),
    }


@pytest.mark.parametrize("name", evidences())
@pytest.mark.parametrize("seed", range(3))
def test_gradients_equal_finite_differences(name, seed):
    evidence, (mean, variance) = evidences()[name], moments(seed)
    known, step = evidence(mean, variance, TASKS), 1e-6
    for q in range(2):
        shift = step * np.eye(2)[q]
        ends = [evidence(mean + sign * shift, variance, TASKS).value for sign in (1, -1)]
        np.testing.assert_allclose(
            (ends[0] - ends[1]) / (2.0 * step), known.mean[:, q], rtol=1e-6, atol=1e-6
        )
        ends = [evidence(mean, variance + sign * shift, TASKS).value for sign in (1, -1)]
        np.testing.assert_allclose(
            (ends[0] - ends[1]) / (2.0 * step), known.variance[:, q], rtol=1e-6, atol=1e-6
        )


@pytest.mark.parametrize("name", evidences())
def test_tasks_can_be_asked_for_in_any_selection(name):
    evidence, (mean, variance) = evidences()[name], moments(1)
    everyone = evidence(mean, variance, TASKS)
    some = np.array([2, 0])
    for whole, part in zip(everyone, evidence(mean[some], variance[some], some), strict=True):
        np.testing.assert_allclose(whole[some], part, rtol=1e-12)


@pytest.mark.parametrize("kind", [PredictiveEvidence, ElboEvidence])
def test_what_lies_behind_the_end_of_a_task_does_not_count(kind):
    posterior, data = dynamics_posterior(), task_data()
    padding = data.mask[..., None]
    clean = TaskArrays(data.inputs * padding, data.outputs * padding, data.mask)
    for ours, theirs in zip(
        kind(posterior, data)(*moments(), TASKS),
        kind(posterior, clean)(*moments(), TASKS),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-5, 1e-3, 0.3])
@pytest.mark.parametrize("bases", [1, 2])
def test_elbo_equals_quadrature_over_h_of_the_expected_log_density(bases, scale):
    posterior, data = dynamics_posterior(bases=bases), task_data()
    mean, variance = moments(2, scale)
    value = ElboEvidence(posterior, data)(mean, variance, TASKS).value
    noise = posterior.noise
    for i in TASKS:
        expected = 0.0
        for t in np.flatnonzero(data.mask[i]):

            def log_density(points, i=i, t=t):
                at = [reference.dynamics_at(posterior, data.inputs[i, t], h) for h in points]
                f_mean, f_variance = (np.array(part) for part in zip(*at, strict=True))
                density = reference.log_normal(data.outputs[i, t], f_mean, noise)
                return np.sum(density - 0.5 * f_variance / noise, axis=1)

            expected += reference.expectation(log_density, mean[i], variance[i])
        assert value[i] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("scale", "bases"), [(0.3, 1), (1e-5, 2)])
def test_elbo_equals_monte_carlo_over_h_and_f(scale, bases):
    posterior, data = dynamics_posterior(bases=bases), task_data()
    mean, variance = moments(3, scale)
    value = ElboEvidence(posterior, data)(mean, variance, TASKS).value
    rng, draws = np.random.default_rng(0), 5_000
    for i in TASKS:
        h = mean[i] + np.sqrt(variance[i]) * rng.standard_normal((draws, 2))
        inputs = np.tile(data.inputs[i], (draws, 1, 1))
        f_mean, f_variance = posterior.moments(inputs, LatentPosterior(h, np.zeros_like(h)))
        f = f_mean + np.sqrt(f_variance) * rng.standard_normal(f_mean.shape)
        density = reference.log_normal(data.outputs[i], f, posterior.noise).sum(axis=-1)
        samples = density @ data.mask[i]
        assert abs(samples.mean() - value[i]) < 5.0 * samples.std() / np.sqrt(draws)


def elbo_by_second_moments(posterior, data, mean, variance):
    """The ELBO [N] as it is defined, by E[f] and E[f^2]: sums much larger than the result if noise is small."""
    h = mean, variance, posterior.inducing_latents, posterior.lengthscales_h
    points = posterior.inducing_inputs, posterior.lengthscales_x
    k = posterior.variance * unit_kernel(data.inputs, *points)
    f_mean = (k * expected_kernel(*h)[:, None]) @ posterior.weights
    value = np.zeros(len(mean))
    for p, noise in enumerate(posterior.noise):
        pairs = expected_kernel_pairs(*h) * posterior.excess_matrix(p)
        second = posterior.variance + np.einsum("ntm,nml,ntl->nt", k, pairs, k)
        y = data.outputs[..., p]
        squares = y**2 - 2.0 * y * f_mean[..., p] + second
        value -= 0.5 * np.sum(data.mask * (np.log(2.0 * np.pi * noise) + squares / noise), axis=1)
    return value


@pytest.mark.parametrize("scale", [1e-10, 1e-5, 1e-3, 0.1, 3.0])
@pytest.mark.parametrize("bases", [1, 2])
def test_elbo_equals_its_definition_by_second_moments(bases, scale):
    posterior, data = dynamics_posterior(bases=bases), task_data()
    mean, variance = moments(2, scale)
    value = ElboEvidence(posterior, data)(mean, variance, TASKS).value
    expected = elbo_by_second_moments(posterior, data, mean, variance)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("bases", [1, 2])
def test_elbo_of_a_posterior_that_is_wider_than_its_prior(bases):
    """Reductions of a free q(u) can be negative."""
    reduction = np.random.default_rng(9).uniform(-0.9, 0.9, size=(2, 6))
    posterior, data = dynamics_posterior(bases=bases)._replace(reduction=reduction), task_data()
    mean, variance = moments(2, 1e-3)
    value = ElboEvidence(posterior, data)(mean, variance, TASKS).value
    expected = elbo_by_second_moments(posterior, data, mean, variance)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-7, 1e-5, 1e-3])
@pytest.mark.parametrize("bases", [1, 2])
def test_gradients_of_the_elbo_where_h_is_known_well(bases, scale):
    evidence = ElboEvidence(dynamics_posterior(bases=bases), task_data())
    mean, variance = moments(6, scale)
    known = evidence(mean, variance, TASKS)
    for q in range(2):
        shift = 1e-5 * np.eye(2)[q]
        ends = [evidence(mean + sign * shift, variance, TASKS).value for sign in (1, -1)]
        slope = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(slope, known.mean[:, q], rtol=1e-6, atol=1e-6)
        step = 0.5 * variance.min()
        shift = step * np.eye(2)[q]
        ends = [evidence(mean, variance + sign * shift, TASKS).value for sign in (1, -1)]
        slope = (ends[0] - ends[1]) / (2.0 * step)
        np.testing.assert_allclose(slope, known.variance[:, q], rtol=1e-5, atol=1e-13 / step)


def many_tasks(lengths):
    """Tasks of these lengths, with rubbish behind their ends, and moments of their h."""
    rng = np.random.default_rng(8)
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(float)
    data = TaskArrays(rng.normal(size=(*mask.shape, 3)), rng.normal(size=(*mask.shape, 2)), mask)
    shape = (len(lengths), 2)
    return data, rng.normal(size=shape), 10.0 ** rng.uniform(-8.0, 0.0, size=shape)


@pytest.mark.parametrize("bases", [1, 2])
def test_elbo_of_ragged_tasks_is_that_of_each_alone(bases):
    """More tasks than are projected at once; one of them has no transitions."""
    posterior, lengths = dynamics_posterior(bases=bases), [3, 7, 1, 0, 5, 2, 7, 4, 6]
    assert len(lengths) > 2 * TOGETHER
    data, mean, variance = many_tasks(lengths)
    tasks = np.arange(len(lengths))
    everyone = ElboEvidence(posterior, data)(mean, variance, tasks)
    for i, length in enumerate(lengths):
        one = TaskArrays(*(part[i : i + 1, : max(length, 1)] for part in data))
        alone = ElboEvidence(posterior, one)(mean[i : i + 1], variance[i : i + 1], np.array([0]))
        for whole, part in zip(everyone, alone, strict=True):
            np.testing.assert_allclose(whole[i], part[0], rtol=1e-9, atol=1e-12)
    assert everyone.value[3] == 0.0 and not everyone.mean[3].any()


def sharp_problem(bases):
    """A posterior with close inducing points and small noise, and two tasks of its own function.

    Its `excess_matrix` has entries of 1e5 and more, where the function is of order one.
    """
    rng = np.random.default_rng(11)
    lengths = np.full(4, 40)
    mean = np.array([[-1.0, 0.4], [0.3, -0.8], [0.9, 1.1], [0.0, 0.2]])
    inputs = rng.uniform(-2.0, 2.0, size=(4, 40, 2))
    drift = 0.3 * mean[:, None, :1] + 0.1 * mean[:, None, 1:] * inputs[..., 1:]
    outputs = np.concatenate(
        [np.sin(0.5 * inputs[..., :1] + drift), np.cos(inputs[..., 1:] * drift)], 2
    )
    outputs += 1e-3 * rng.standard_normal(outputs.shape)
    chosen = rng.choice(160, size=60, replace=False)
    values = DynamicsValues(
        np.array(1.0), np.full(2, 2.0), np.full(2, 4.0),
        inputs.reshape(-1, 2)[chosen], np.repeat(mean, lengths, axis=0)[chosen],
        np.ones(2), np.full(2, 1e-6), np.zeros(2),
    )  # fmt: skip
    transitions = Transitions(inputs.reshape(-1, 2), outputs.reshape(-1, 2), lengths)
    found = PsiStatistics(transitions)(values, mean, np.full((4, 2), 1e-8), 1e-6)
    posterior = optimal_posterior(found, values)
    if bases == 2:
        posterior = posterior._replace(basis=np.repeat(posterior.basis, 2, axis=0))
    return posterior, TaskArrays(inputs[:2], outputs[:2], np.ones((2, 40))), mean[:2]


@pytest.mark.parametrize("bases", [1, 2])
def test_elbo_does_not_scatter_if_inducing_points_are_close_and_noise_is_small(bases):
    posterior, data, mean = sharp_problem(bases)
    variance, tasks = np.full((2, 2), 1e-6), np.arange(2)
    evidence = ElboEvidence(posterior, data)
    here = evidence(mean, variance, tasks)
    rng, ours, by_definition = np.random.default_rng(12), [], []
    for _ in range(20):
        move = 1e-11 * rng.uniform(-1.0, 1.0, size=mean.shape)
        smooth = np.sum(here.mean * move, axis=1)
        ours.append(evidence(mean + move, variance, tasks).value - smooth)
        there = elbo_by_second_moments(posterior, data, mean + move, variance)
        by_definition.append(there - smooth)
    assert np.ptp(by_definition, axis=0).max() > 0.01
    assert np.ptp(ours, axis=0).max() < 1e-6
    np.testing.assert_allclose(ours[0], by_definition[0], atol=1.0)


@pytest.mark.parametrize("bases", [1, 2])
def test_predictive_at_certain_h_is_the_exact_predictive_density(bases):
    posterior, data = dynamics_posterior(bases=bases), task_data()
    mean, _ = moments(4)
    for variance in (0.0, 1e-12):
        value = PredictiveEvidence(posterior, data)(mean, np.full((3, 2), variance), TASKS).value
        f_mean, f_variance = posterior.moments(data.inputs, LatentPosterior(mean, np.zeros((3, 2))))
        total = f_variance + posterior.task_noise(mean, posterior.predictive_noise)[:, None]
        density = reference.log_normal(data.outputs, f_mean, total).sum(axis=-1)
        np.testing.assert_allclose(value, np.sum(data.mask * density, axis=1), rtol=1e-8)


def spread_of_mean(at, h, variance, step=1e-5):
    """Variance of a function's mean that is linear around h, for h ~ N(h, diag(variance)).

    ``at(h)`` returns the mean and variance of the function's values at h.
    """
    shifts = step * np.eye(len(h))
    slopes = np.array([(at(h + shift)[0] - at(h - shift)[0]) / (2.0 * step) for shift in shifts])
    return variance @ slopes**2


@pytest.mark.parametrize("bases", [1, 2])
def test_predictive_is_linearised_around_the_mean_of_h(bases):
    posterior, data = dynamics_posterior(bases=bases), task_data()
    mean, variance = moments(5, scale=1.0)
    value = PredictiveEvidence(posterior, data)(mean, variance, TASKS).value
    noise = posterior.task_noise(mean, posterior.predictive_noise)
    for i in TASKS:
        expected = 0.0
        for t in np.flatnonzero(data.mask[i]):

            def at(h, x=data.inputs[i, t]):
                return reference.dynamics_at(posterior, x, h)

            f_mean, f_variance = at(mean[i])
            total = f_variance + spread_of_mean(at, mean[i], variance[i]) + noise[i]
            expected += reference.log_normal(data.outputs[i, t], f_mean, total).sum()
        assert value[i] == pytest.approx(expected, rel=1e-6)


def test_linearised_density_approaches_the_exact_one_as_h_becomes_certain():
    posterior, data = dynamics_posterior(), task_data()
    mean, _ = moments(4)
    errors = []
    for variance in (1e-4, 1e-3, 1e-2):
        v = np.full((3, 2), variance)
        value = PredictiveEvidence(posterior, data)(mean, v, TASKS).value
        f_mean, f_variance = posterior.moments(data.inputs, LatentPosterior(mean, v))
        total = f_variance + posterior.task_noise(mean, posterior.predictive_noise)[:, None]
        density = reference.log_normal(data.outputs, f_mean, total).sum(axis=-1)
        errors.append(np.abs(value - np.sum(data.mask * density, axis=1)).max())
    assert errors[0] < 0.2 * errors[1] < 0.04 * errors[2] < 0.04


def test_descriptor_is_the_expected_log_density_linearised_around_the_mean_of_h():
    posterior = descriptor_posterior()
    descriptors = np.random.default_rng(5).normal(size=(3, 2))
    mean, variance = moments(5, scale=1.0)
    value = DescriptorEvidence(posterior, descriptors)(mean, variance, TASKS).value

    def at(h):
        return reference.descriptor_at(posterior, h)

    for i in TASKS:
        psi_mean, psi_variance = at(mean[i])
        expected = reference.log_normal(descriptors[i], psi_mean, psi_variance)
        expected = expected - 0.5 * spread_of_mean(at, mean[i], variance[i]) / psi_variance
        assert value[i] == pytest.approx(expected.sum(), rel=1e-6)


def test_descriptor_at_certain_h_is_the_predictive_density():
    posterior = descriptor_posterior()
    descriptors, (mean, _) = np.random.default_rng(5).normal(size=(3, 2)), moments(4)
    value = DescriptorEvidence(posterior, descriptors)(mean, np.zeros((3, 2)), TASKS).value
    predicted, total = reference.descriptors_at(posterior, mean)
    expected = reference.log_normal(descriptors, predicted, total).sum(axis=1)
    np.testing.assert_allclose(value, expected, rtol=1e-9)


def test_more_evidence_counts_more():
    posterior, data = dynamics_posterior(), task_data()
    twice = TaskArrays(*(np.concatenate([part, part], axis=1) for part in data))
    for kind in (PredictiveEvidence, ElboEvidence):
        once = kind(posterior, data)(*moments(), TASKS)
        double = kind(posterior, twice)(*moments(), TASKS)
        for ours, theirs in zip(double, once, strict=True):
            np.testing.assert_allclose(ours, 2.0 * theirs, rtol=1e-9)


def test_predictive_does_not_punish_a_task_twice_for_being_far():
    """Where f is as uncertain as the prior and noise is small, the ELBO charges variance / noise."""
    posterior = dynamics_posterior()
    noise = np.full(2, 1e-4)
    posterior = posterior._replace(noise=noise, noise_slope=np.zeros(2), predictive_noise=noise)
    data = task_data()
    far = np.full((3, 2), 50.0)
    predictive, elbo = (
        kind(posterior, data)(far, np.full((3, 2), 0.01), TASKS).value
        for kind in (PredictiveEvidence, ElboEvidence)
    )
    assert np.all(predictive > -30.0) and np.all(elbo < -1e4)


def test_what_the_encoder_says_replaces_the_prior():
    """KL(q || p) - E_q[log q(h | picture) - log p(h)] = KL(q || q(h | picture))."""
    (mean, variance), encoded = moments(3), moments(4)
    value = EncodedEvidence(*encoded)(mean, variance, TASKS).value
    prior = 0.5 * np.sum(mean**2 + variance - 1.0 - np.log(variance), axis=1)
    ratio = variance / encoded[1]
    expected = 0.5 * np.sum(
        (mean - encoded[0]) ** 2 / encoded[1] + ratio - 1.0 - np.log(ratio), axis=1
    )
    np.testing.assert_allclose(prior - value, expected, rtol=1e-12)
