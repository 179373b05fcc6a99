"""Self-information of candidates (eq. 11)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from pamlflow.acquisition.paml import expected_self_information, self_information
from pamlflow.models.interface import LatentPosterior


def mixture(seed, number=4, dimensions=2):
    rng = np.random.default_rng(seed)
    size = (number, dimensions)
    return LatentPosterior(rng.normal(size=size), rng.lognormal(-2.0, 0.5, size=size))


def test_one_task_in_closed_form():
    training = LatentPosterior(np.array([[1.0, -2.0]]), np.array([[0.5, 2.0]]))
    points = np.array([[1.0, -2.0], [3.0, 0.0]])
    expected = np.log(2.0 * np.pi) + 0.5 * (np.log(0.5) + np.log(2.0)) + np.array([0.0, 5.0])
    np.testing.assert_allclose(self_information(points, training), expected, rtol=1e-12)


def test_equals_the_density_of_the_mixture():
    training, points = mixture(0), mixture(1, number=7).mean
    density = np.mean(
        [
            multivariate_normal(m, np.diag(v)).pdf(points)
            for m, v in zip(*training[:2], strict=True)
        ],
        axis=0,
    )
    np.testing.assert_allclose(self_information(points, training), -np.log(density), rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), order=st.permutations(range(5)))
def test_order_of_the_tasks_and_of_the_candidates_does_not_matter(seed, order):
    training, candidates = mixture(seed, number=5), mixture(seed + 1, number=5)
    utilities = expected_self_information(candidates, training)
    shuffled = LatentPosterior(*(part[order] for part in training[:2]))
    np.testing.assert_allclose(expected_self_information(candidates, shuffled), utilities)
    other = LatentPosterior(*(part[order] for part in candidates[:2]))
    np.testing.assert_allclose(expected_self_information(other, training), utilities[order])


def test_same_task_many_times_counts_as_once():
    one, points = mixture(2, number=1), mixture(3).mean
    many = LatentPosterior(*(np.repeat(part, 6, axis=0) for part in one[:2]))
    np.testing.assert_allclose(self_information(points, many), self_information(points, one))


def test_far_candidates_are_ranked_where_densities_underflow():
    training = LatentPosterior(np.zeros((3, 2)), np.full((3, 2), 1e-4))
    utilities = self_information(np.array([[10.0, 0.0], [20.0, 0.0], [30.0, 0.0]]), training)
    assert np.all(np.isfinite(utilities)) and np.all(np.diff(utilities) > 0.0)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_sigma_points_are_exact_for_one_task(dimensions):
    """-log of a Gaussian is quadratic in h, and so the average has a closed form."""
    training = mixture(4, number=1, dimensions=dimensions)
    candidates = mixture(5, number=6, dimensions=dimensions)
    expected = self_information(candidates.mean, training)
    expected = expected + 0.5 * np.sum(candidates.variance / training.variance, axis=1)
    np.testing.assert_allclose(
        expected_self_information(candidates, training), expected, rtol=1e-10
    )


def test_sigma_points_are_close_to_monte_carlo():
    training, candidates = mixture(6), mixture(7, number=5)
    rng, draws = np.random.default_rng(0), 20_000
    utilities = expected_self_information(candidates, training)
    for i, (mean, variance) in enumerate(zip(*candidates[:2], strict=True)):
        h = mean + np.sqrt(variance) * rng.standard_normal((draws, 2))
        samples = self_information(h, training)
        error = samples.std() / np.sqrt(draws)
        assert abs(utilities[i] - samples.mean()) < 0.1 * abs(samples.mean()) + 5.0 * error


def test_certain_candidates_have_the_utility_of_their_mean():
    training, candidates = mixture(8), mixture(9)
    certain = LatentPosterior(candidates.mean, np.full_like(candidates.variance, 1e-14))
    np.testing.assert_allclose(
        expected_self_information(certain, training),
        self_information(candidates.mean, training),
        atol=1e-5,
    )


def with_correlations(candidates, correlations):
    """The candidates, their two dimensions correlated."""
    deviation = np.sqrt(candidates.variance)
    covariance = deviation[:, :, None] * deviation[:, None, :]
    covariance[:, 0, 1] *= correlations
    covariance[:, 1, 0] *= correlations
    return candidates._replace(covariance=covariance)


def test_correlated_candidates_are_exact_for_one_task():
    """The average of a quadratic along the axes knows the variances only."""
    training, independent = mixture(8, number=1), mixture(9, number=6)
    candidates = with_correlations(independent, np.linspace(-0.9, 0.9, 6))
    np.testing.assert_allclose(
        expected_self_information(candidates, training),
        expected_self_information(independent, training),
        rtol=1e-10,
    )


def test_sigma_points_follow_the_correlation():
    """Two tasks on the diagonal: a candidate spread along it comes near one, across it near none."""
    training = LatentPosterior(np.array([[-1.0, -1.0], [1.0, 1.0]]), np.full((2, 2), 0.05))
    candidates = LatentPosterior(np.zeros((2, 2)), np.full((2, 2), 0.3))
    candidates = with_correlations(candidates, [0.999, -0.999])
    along, across = expected_self_information(candidates, training)
    assert along < across - 1.0
