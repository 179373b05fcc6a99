"""Many small problems minimised at once, each on its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pamlflow.models.latent_gp.use.batched_bfgs import minimise_batch


def search(function, start, iterations=300, tolerance=1e-12):
    position, _ = minimise_batch(function, start, iterations=iterations, tolerance=tolerance)
    return position


def quadratics(seed, count, dimensions):
    """Convex quadratics of condition number up to 1e4, zero at their minima."""
    rng = np.random.default_rng(seed)
    root, _ = np.linalg.qr(rng.normal(size=(count, dimensions, dimensions)))
    curvature = 10.0 ** rng.uniform(-2, 2, size=(count, dimensions))
    hessian = np.einsum("nij,nj,nkj->nik", root, curvature, root)
    minimum = 3.0 * rng.normal(size=(count, dimensions))

    def function(position, problems):
        offset = position - minimum[problems]
        gradient = np.einsum("nij,nj->ni", hessian[problems], offset)
        return 0.5 * np.sum(offset * gradient, axis=1), gradient

    return function


def rosenbrocks(position, problems):
    """A banana of its own for every problem: the minimum lies at (a, a^2), a = 1 + problem / 10."""
    x, y = position.T
    a = 1.0 + 0.1 * problems
    value = (a - x) ** 2 + 20.0 * (y - x**2) ** 2
    gradient = np.stack([-2.0 * (a - x) - 80.0 * x * (y - x**2), 40.0 * (y - x**2)], axis=1)
    return value, gradient


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 20), dimensions=st.integers(1, 4))
def test_minima_of_quadratics_are_found(seed, count, dimensions):
    function = quadratics(seed, count, dimensions)
    found = search(function, np.zeros((count, dimensions)))
    value, _ = function(found, np.arange(count))
    assert value.max() < 1e-6


def test_minima_of_rosenbrocks_are_found():
    rng = np.random.default_rng(0)
    found = search(rosenbrocks, rng.uniform(-1.5, 1.5, size=(20, 2)))
    a = 1.0 + 0.1 * np.arange(20)
    np.testing.assert_allclose(found, np.stack([a, a**2], axis=1), atol=1e-4)


def test_each_problem_goes_its_own_way():
    start = np.random.default_rng(1).uniform(-1.5, 1.5, size=(8, 2))
    together = search(rosenbrocks, start)
    for i in range(8):
        alone = search(lambda x, _, i=i: rosenbrocks(x, np.full(len(x), i)), start[[i]])
        np.testing.assert_allclose(together[i], alone[0], rtol=1e-9, atol=1e-12)


def test_a_finished_problem_is_not_evaluated_again():
    asked = []

    def function(position, problems):
        asked.append(problems.copy())
        return rosenbrocks(position, problems)

    start = np.array([[1.0, 1.0], [-1.0, 0.5]])  # the first starts at its minimum
    search(function, start)
    assert sum(0 in problems for problems in asked) < 10
    assert sum(1 in problems for problems in asked) > 10


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), iterations=st.integers(0, 5))
def test_never_worse_than_the_start(seed, iterations):
    rng = np.random.default_rng(seed)
    frequency, slope = 5.0 * rng.normal(size=(2, 6, 3))

    def function(position, problems):
        phase = frequency[problems] * position
        value = np.sum(np.sin(phase) + slope[problems] * np.cos(0.3 * position), axis=1)
        gradient = frequency[problems] * np.cos(phase)
        gradient -= 0.3 * slope[problems] * np.sin(0.3 * position)
        return value, gradient

    start = rng.normal(size=(6, 3))
    everyone = np.arange(6)
    found = search(function, start, iterations=iterations)
    assert np.all(function(found, everyone)[0] <= function(start, everyone)[0])


@pytest.mark.parametrize(
    ("value", "slope"),
    [
        (np.nan, np.nan),
        (np.nan, 0.0),
        (np.inf, np.nan),
        (-np.inf, np.nan),
        (-10.0, np.nan),
        (-np.inf, 0.0),
    ],
)
def test_regions_without_a_value_are_avoided(value, slope):
    """The minimum of x - log(x) is x = 1; nothing is defined for x <= 0."""
    visited = []

    def function(position, problems):
        x = position[:, 0]
        visited.append(x.min())
        inside = np.where(x > 0.0, x, 1.0)
        values = np.where(x > 0.0, inside - np.log(inside), value)
        return values, np.where(x > 0.0, 1.0 - 1.0 / inside, slope)[:, None]

    start = np.array([[1e-3], [0.3], [1.9], [5.0], [12.0]])
    np.testing.assert_allclose(search(function, start), np.ones((5, 1)), atol=1e-4)
    assert min(visited) <= 0.0  # it did look there


def test_a_start_without_a_value_is_returned_and_hurts_no_other():
    def function(position, problems):
        value, gradient = rosenbrocks(position, problems)
        lost = problems == 1
        return np.where(lost, np.nan, value), np.where(lost[:, None], np.nan, gradient)

    start = np.array([[0.5, 0.5], [0.7, 0.7], [0.9, 0.9]])
    found = search(function, start)
    np.testing.assert_array_equal(found[1], start[1])
    np.testing.assert_allclose(found[[0, 2]], [[1.0, 1.0], [1.2, 1.44]], atol=1e-4)


def test_the_start_is_not_written_to():
    start = np.zeros((2, 2))
    search(rosenbrocks, start)
    np.testing.assert_array_equal(start, np.zeros((2, 2)))


def test_a_similar_search_starts_with_the_curvature_that_was_found():
    rng = np.random.default_rng(5)
    root = rng.normal(size=(4, 3, 3))
    hessians = root @ np.swapaxes(root, 1, 2) + 0.1 * np.eye(3)
    middle, evaluated = np.zeros((4, 3)), []

    def function(position, indices):
        evaluated.append(len(indices))
        error = position - middle[indices]
        gradient = np.einsum("nij,nj->ni", hessians[indices], error)
        return 0.5 * np.einsum("ni,ni->n", error, gradient), gradient

    options = {"iterations": 100, "tolerance": 1e-14}
    _, inverse = minimise_batch(function, rng.normal(size=(4, 3)), **options)
    np.testing.assert_allclose(inverse @ hessians, np.tile(np.eye(3), (4, 1, 1)), atol=0.05)
    first, given = sum(evaluated), inverse.copy()
    middle[:] = 0.1 * rng.normal(size=(4, 3))
    evaluated.clear()
    found, _ = minimise_batch(function, np.zeros((4, 3)), **options, inverse=inverse)
    np.testing.assert_allclose(found, middle, atol=1e-5)
    assert sum(evaluated) < 0.7 * first
    np.testing.assert_array_equal(inverse, given)
