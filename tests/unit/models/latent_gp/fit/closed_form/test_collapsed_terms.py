"""The terms of the collapsed bound against their definition, with derivatives by central differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.models.latent_gp.fit.closed_form.collapsed_terms import (
    collapsed_terms,
    gaussian_terms,
    is_possible,
    symmetric,
    unwhitened,
)
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite


def plain_value(A, c, precision):
    """The formula of the docstring, output by output."""
    total = 0.0
    for p, beta in enumerate(precision):
        B = np.eye(len(A)) + beta * A
        sign, log_determinant = np.linalg.slogdet(B)
        assert sign > 0.0
        total -= 0.5 * log_determinant
        total += 0.5 * beta**2 * c[:, p] @ np.linalg.solve(B, c[:, p])
        total += 0.5 * beta * np.trace(A)
    return total


def problem(seed, size=5, outputs=3):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size))
    return root @ root.T, rng.normal(size=(size, outputs)), rng.lognormal(size=outputs)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 8), outputs=st.integers(1, 4))
def test_the_value_is_that_of_the_definition(seed, size, outputs):
    arguments = problem(seed, size, outputs)
    assert collapsed_terms(*arguments).value == pytest.approx(plain_value(*arguments), rel=1e-10)


@given(seed=st.integers(0, 2**32), outputs=st.integers(1, 4))
def test_derivatives_equal_central_differences_of_the_definition(seed, outputs):
    A, c, precision = problem(seed, 4, outputs)
    terms = collapsed_terms(A, c, precision)
    rng, step = np.random.default_rng(seed), 1e-6
    turn = rng.normal(size=A.shape)
    turn += turn.T
    for i, (derivative, direction) in enumerate(
        [
            (terms.by_A, turn),
            (terms.by_c, rng.normal(size=c.shape)),
            (terms.by_precision, precision * rng.normal(size=outputs)),
        ]
    ):
        ends = []
        for sign in (1.0, -1.0):
            moved = [A, c, precision]
            moved[i] = moved[i] + sign * step * direction
            ends.append(plain_value(*moved))
        slope = (ends[0] - ends[1]) / (2.0 * step)
        assert np.sum(derivative * direction) == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_derivative_by_the_prior_covariance_is_whitened(outputs):
    """With Kuu = L L', A = L^-1 Psi2 L^-T and c = L^-1 Psi1'Y for fixed Psi2 and Psi1'Y."""
    rng, step = np.random.default_rng(0), 1e-6
    Psi2, projected, precision = problem(0, 4, outputs)
    root = rng.normal(size=(4, 4))
    Kuu, turn = root @ root.T + np.eye(4), rng.normal(size=(4, 4))
    turn += turn.T

    def arguments(K):
        L = np.linalg.cholesky(K)
        half = np.linalg.solve(L, Psi2)
        return np.linalg.solve(L, half.T), np.linalg.solve(L, projected), precision

    ends = [plain_value(*arguments(Kuu + sign * step * turn)) for sign in (1.0, -1.0)]
    terms = collapsed_terms(*arguments(Kuu))
    inverse = np.linalg.inv(np.linalg.cholesky(Kuu))
    by_Kuu = unwhitened(inverse, terms.by_Kuu)
    slope = (ends[0] - ends[1]) / (2.0 * step)
    assert np.sum(by_Kuu * turn) == pytest.approx(slope, rel=1e-7)
    np.testing.assert_allclose(by_Kuu, inverse.T @ terms.by_Kuu @ inverse, rtol=1e-10)


def test_arguments_are_left_alone_in_any_order_of_memory():
    A, c, precision = problem(1)
    expected = collapsed_terms(A, c, precision)
    for order in "CF":
        given_A, given_c = np.array(A, order=order), np.array(c, order=order)
        found = collapsed_terms(given_A, given_c, precision)
        np.testing.assert_array_equal(given_A, A)
        np.testing.assert_array_equal(given_c, c)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_derivatives_by_matrices_are_symmetric():
    terms = collapsed_terms(*problem(2))
    for part in (terms.by_A, terms.by_Kuu):
        np.testing.assert_allclose(part, part.T, rtol=1e-12)


def test_rounding_that_leaves_no_factor_is_an_error():
    with pytest.raises(NotPositiveDefinite):
        collapsed_terms(-np.eye(3), np.zeros((3, 2)), np.array([0.5, 2.0]))


@given(seed=st.integers(0, 2**32), size=st.integers(1, 6))
def test_unwhitened_undoes_a_whitening_and_is_exactly_symmetric(seed, size):
    rng = np.random.default_rng(seed)
    inverse = np.tril(rng.normal(size=(size, size)))
    matrix = rng.normal(size=(size, size))
    matrix += matrix.T
    found = unwhitened(inverse, matrix)
    np.testing.assert_allclose(found, inverse.T @ matrix @ inverse, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found, found.T)


def test_a_symmetric_matrix_has_its_lower_half_twice():
    lower = np.array([[1.0, 7.0], [2.0, 3.0]])
    np.testing.assert_array_equal(symmetric(lower), [[1.0, 2.0], [2.0, 3.0]])


def test_the_other_terms_are_a_gaussian_density():
    """Of outcomes without inducing points: zero mean, each with its own weight."""
    rng = np.random.default_rng(0)
    outcomes, weights = rng.normal(size=(6, 2)), rng.lognormal(size=6)
    precision = np.array([0.5, 3.0])
    squares = weights @ np.square(outcomes)
    found, ceiling = gaussian_terms(6.0, np.log(weights).sum(), squares, precision)
    noise = 1.0 / (weights[:, None] * precision)

    def density(errors):
        return -0.5 * np.sum(np.log(2.0 * np.pi * noise) + np.square(errors) / noise)

    assert found == pytest.approx(density(outcomes), rel=1e-12)
    assert ceiling == pytest.approx(density(np.zeros_like(outcomes)), rel=1e-12)


@pytest.mark.parametrize(
    ("value", "ceiling", "possible"),
    [
        (-5.0, 3.0, True),
        (3.0, 3.0, True),
        (3.0 + 1e-7, 3.0, True),
        (3.1, 3.0, False),
        (-2.9, -3.0, False),
        (np.nan, 3.0, False),
        (np.inf, 3.0, False),
        (-np.inf, 3.0, False),
    ],
)
def test_no_bound_is_above_the_density_of_outcomes_without_errors(value, ceiling, possible):
    assert is_possible(value, ceiling) == possible
