"""Whitening by the Cholesky factor of a covariance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.models.latent_gp.use.whitening import (
    NotPositiveDefinite,
    whitened,
    whitened_rows,
    whitening,
)


def covariance(seed, size):
    root = np.random.default_rng(seed).normal(size=(size, size))
    return root @ root.T + 0.1 * np.eye(size)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 8))
def test_it_is_the_inverse_of_the_lower_factor(seed, size):
    K = covariance(seed, size)
    before = K.copy()
    inverse = whitening(K)
    np.testing.assert_allclose(inverse, np.linalg.inv(np.linalg.cholesky(K)), rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(inverse, np.tril(inverse))
    np.testing.assert_array_equal(K, before)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 8))
def test_a_covariance_is_whitened_to_the_identity(seed, size):
    K = covariance(seed, size)
    inverse = whitening(K)
    np.testing.assert_allclose(whitened(inverse, K), np.eye(size), atol=1e-9)
    matrix = covariance(seed + 1, size)
    before = matrix.copy()
    found = whitened(inverse, matrix)
    np.testing.assert_allclose(found, inverse @ matrix @ inverse.T, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(matrix, before)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 8), count=st.integers(1, 9))
def test_rows_are_whitened_in_their_own_memory(seed, size, count):
    inverse = whitening(covariance(seed, size))
    rows = np.random.default_rng(seed).normal(size=(count, size))
    expected = rows @ inverse.T
    found = whitened_rows(inverse, rows)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert np.shares_memory(found, rows)


@pytest.mark.parametrize(
    "K",
    [
        -np.eye(3),
        np.ones((2, 2)),
        np.array([[1.0, 2.0], [2.0, 1.0]]),
        np.zeros((2, 2)),
    ],
    ids=["negative", "singular", "indefinite", "zero"],
)
def test_what_has_no_factor_is_refused(K):
    with pytest.raises(NotPositiveDefinite, match="covariance of the inducing points"):
        whitening(K)


def test_it_is_an_arithmetic_error():
    assert issubclass(NotPositiveDefinite, ArithmeticError)
