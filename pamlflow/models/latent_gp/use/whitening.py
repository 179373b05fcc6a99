"""The Cholesky factor of a prior covariance, and what it whitens.

SciPy is imported where it is used: a workflow that plans its jobs imports this module, and has no use for it.
"""

from __future__ import annotations

import numpy as np

from pamlflow.types import FloatArray


class NotPositiveDefinite(ArithmeticError):
    """A Cholesky factorisation failed: more jitter may help."""


def whitening(Kuu: FloatArray) -> FloatArray:
    """Return the inverse [M, M] of the lower Cholesky factor of Kuu; raises NotPositiveDefinite.

    A product with it takes half the time of a triangular solve.
    """
    from scipy.linalg import lapack

    factor, failed = lapack.dpotrf(np.asfortranarray(Kuu), lower=1, clean=1)
    if failed:
        raise NotPositiveDefinite("the covariance of the inducing points")
    inverse: FloatArray
    inverse, failed = lapack.dtrtri(factor, lower=1)
    if failed:
        raise NotPositiveDefinite("the covariance of the inducing points")
    return inverse


def whitened(inverse: FloatArray, matrix: FloatArray) -> FloatArray:
    """Return L^-1 S L^-T for symmetric S [M, M], given L^-1."""
    from scipy.linalg import blas

    half = blas.dtrmm(1.0, inverse, np.asfortranarray(matrix), side=0, lower=1)
    result: FloatArray = blas.dtrmm(1.0, inverse, half, side=1, lower=1, trans_a=1, overwrite_b=1)
    return result


def whitened_rows(inverse: FloatArray, rows: FloatArray) -> FloatArray:
    """Return X L^-T for X [n, M], given L^-1; it takes the memory of `rows`, in C order."""
    from scipy.linalg import blas

    result: FloatArray = blas.dtrmm(1.0, inverse, rows.T, side=0, lower=1, overwrite_b=1).T
    return result
