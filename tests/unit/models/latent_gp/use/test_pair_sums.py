"""Sums over pairs of inducing points against their definition, however well h is known."""

import numpy as np
import pytest
import reference

from pamlflow.models.latent_gp.use import pair_sums as module
from pamlflow.models.latent_gp.use.expectations import Latents, log_expected_kernel, pair_terms
from pamlflow.models.latent_gp.use.pair_sums import pair_sums

VARIANCES = (0.0, 1e-12, 1e-8, 1e-6, 1e-4, 1e-2, 0.3)
"""In squared length-scales: those up to 1e-4 are narrow enough for a series."""


def problem(variance, dimensions=2, size=5):
    """The arguments of `pair_sums` for two of three tasks, with their latents."""
    rng = np.random.default_rng(dimensions)
    points, squared = rng.normal(size=(size, dimensions)), rng.lognormal(0.3, 0.2, size=dimensions)
    variances = variance * squared * rng.uniform(0.5, 1.0, size=(2, dimensions))
    latents = Latents(rng.normal(size=(2, dimensions)), variances, points, squared)
    matrices = rng.normal(size=(3, size, size))
    matrices += np.swapaxes(matrices, 1, 2)
    around = points.T - latents.mean[..., None]
    arguments = np.exp(log_expected_kernel(latents)), around, pair_terms(latents), matrices
    return (*arguments, np.array([2, 0])), latents


def expected_pairs(latents, i):
    """E[k] [M] and E[k k'] [M, M] by quadrature."""

    def kernel(h):
        return reference.kernel(h, latents.points, np.sqrt(latents.squared))

    def pairs(h):
        return kernel(h)[:, :, None] * kernel(h)[:, None, :]

    moments = latents.mean[i], latents.variance[i]
    return reference.expectation(kernel, *moments), reference.expectation(pairs, *moments)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("variance", VARIANCES)
def test_the_sums_are_those_of_quadrature(variance, dimensions):
    arguments, latents = problem(variance, dimensions)
    sums = pair_sums(*arguments)
    for i, matrix in enumerate(arguments[3][arguments[4]]):
        first, second = expected_pairs(latents, i)
        weighted = second * matrix
        spread = np.sum(weighted) - first @ matrix @ first
        assert sums.spread[i] == pytest.approx(spread, rel=1e-7, abs=1e-12)
        np.testing.assert_allclose(sums.total[i], weighted.sum(axis=1), rtol=1e-7, atol=1e-9)
        along = arguments[1][i] @ weighted
        np.testing.assert_allclose(sums.along[i], along, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("variance", VARIANCES[1:])
def test_the_series_is_as_good_as_the_exponential(variance, monkeypatch):
    arguments, _ = problem(variance)
    chosen = pair_sums(*arguments)
    monkeypatch.setattr(module, "REMAINDER", 0.0)
    exact = pair_sums(*arguments)
    for ours, theirs in zip(chosen, exact, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_each_task_is_summed_as_its_own_variance_asks():
    """Narrow and wide tasks side by side are what they are alone."""
    parts = [problem(variance) for variance in (1e-2, 1e-7, 1.0, 1e-10)]
    matrices, tasks = parts[0][0][3:]
    latents = [latents for _, latents in parts]
    joint = Latents(
        np.vstack([part.mean for part in latents]),
        np.vstack([part.variance for part in latents]),
        *latents[0][2:],
    )
    around = joint.points.T - joint.mean[..., None]
    expected = np.exp(log_expected_kernel(joint))
    sums = pair_sums(expected, around, pair_terms(joint), matrices, np.tile(tasks, 4))
    for number, (arguments, _) in enumerate(parts):
        for ours, theirs in zip(sums, pair_sums(*arguments), strict=True):
            np.testing.assert_allclose(ours[2 * number : 2 * number + 2], theirs, rtol=1e-12)


def test_a_wide_task_far_from_all_points_has_nothing():
    """There exp(d) overflows, and E underflows."""
    _, latents = problem(1.0)
    far = latents._replace(mean=latents.mean + 300.0, variance=np.full((2, 2), 20.0))
    around = far.points.T - far.mean[..., None]
    pairs = pair_terms(far)
    assert np.all(np.sum(pairs.cross * np.square(around).min(axis=2), axis=1) > 1000.0)
    with np.errstate(over="raise", invalid="raise"):
        sums = pair_sums(
            np.exp(log_expected_kernel(far)), around, pairs, np.ones((3, 5, 5)), np.array([2, 0])
        )
    assert all(np.all(part == 0.0) for part in sums)
