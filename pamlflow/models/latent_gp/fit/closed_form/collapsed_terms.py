"""What the collapsed bound makes of whitened statistics, with its derivatives (Titsias & Lawrence 2010)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import blas, lapack

from pamlflow.models.latent_gp.use.evidence import LOG_TWO_PI
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite
from pamlflow.types import FloatArray


class CollapsedTerms(NamedTuple):
    """The value, and its derivatives by A, by whitened changes of Kuu, by c and by the precisions."""

    value: float
    by_A: FloatArray  # [M, M]
    by_Kuu: FloatArray  # [M, M] whitened: the derivative by Kuu is L^-T by_Kuu L^-1
    by_c: FloatArray  # [M, P]
    by_precision: FloatArray  # [P]


def collapsed_terms(A: FloatArray, c: FloatArray, precision: FloatArray) -> CollapsedTerms:
    r"""Return the terms of the collapsed bound that depend on the inducing points, summed over P outputs.

    With A = L^-1 Psi2 L^-T [M, M], c = L^-1 Psi1'Y [M, P] and B_p = I + beta_p A for the `precision` beta [P]:

        sum_p [ -log|B_p| / 2 + beta_p^2 c_p' B_p^-1 c_p / 2 + beta_p tr(A) / 2 ]

    Raises NotPositiveDefinite when rounding leaves B_p without a factor.
    """
    size, outputs = c.shape
    diagonal = np.diag_indices(size)
    A = np.asfortranarray(A)
    B = np.empty_like(A)
    # Lower halves alone, until the sums are complete.
    minus_inverses, minus_weighted = np.zeros_like(A), np.zeros_like(A)
    a, log_determinant, informed = np.empty_like(c), 0.0, np.empty(outputs)
    for p, beta in enumerate(precision):
        np.multiply(beta, A, out=B)
        B[diagonal] += 1.0
        factor, failed = lapack.dpotrf(B, lower=1, clean=0, overwrite_a=1)
        if failed:
            raise NotPositiveDefinite("I + precision * A")
        log_determinant += 2.0 * np.log(np.diagonal(factor)).sum()
        a[:, p] = beta * lapack.dpotrs(factor, c[:, p], lower=1)[0]
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        informed[p] = size - np.trace(inverse)
        minus_inverses -= inverse
        inverse *= beta
        minus_weighted -= inverse
    trace, fit = np.trace(A), np.einsum("mp,mp->p", c, a)
    spread = np.einsum("mp,mp->p", a, A @ a)
    inverses, weighted = symmetric(minus_inverses), symmetric(minus_weighted)
    inverses[diagonal] += float(outputs)
    weighted[diagonal] += precision.sum()
    inverses -= a @ a.T
    weighted -= (a * precision) @ a.T
    return CollapsedTerms(
        float(0.5 * (precision @ (fit + trace) - log_determinant)),
        0.5 * weighted,
        0.5 * (inverses - precision.sum() * A),
        precision * a,
        fit + 0.5 * (trace - informed / precision - spread),
    )


def unwhitened(inverse: FloatArray, matrix: FloatArray) -> FloatArray:
    """Return L^-T S L^-1 for symmetric S [M, M], given L^-1: exactly symmetric."""
    half = blas.dtrmm(1.0, inverse, np.asfortranarray(matrix), side=0, lower=1, trans_a=1)
    result = blas.dtrmm(1.0, inverse, half, side=1, lower=1, overwrite_b=1)
    average: FloatArray = 0.5 * (result + result.T)
    return average


def symmetric(lower: FloatArray) -> FloatArray:
    """Return the symmetric matrix whose lower half is given."""
    below = np.tril(lower, -1)
    full: FloatArray = below + below.T
    full[np.diag_indices(len(full))] = np.diagonal(lower)
    return full


def gaussian_terms(
    count: float, log_weights: float, squares: FloatArray, precision: FloatArray
) -> tuple[float, float]:
    """Return the other terms of the collapsed bound, and the ceiling that the bound cannot exceed.

    `squares` [P] are the weighted squares of the outputs together with the prior variances of f, and `count`
    the number of outcomes, whose relative precisions have the logarithms `log_weights` in sum. The ceiling is
    the log density of outcomes without any error.
    """
    ceiling = 0.5 * np.sum(count * (np.log(precision) - LOG_TWO_PI) + log_weights)
    return float(ceiling - 0.5 * precision @ squares), float(ceiling)


def is_possible(value: float, ceiling: float) -> bool:
    """Say whether a bound is finite, and not lifted above its ceiling by rounding.

    That can happen if weights differ by many orders of magnitude.
    """
    return bool(np.isfinite(value) and value <= ceiling + 1e-6 * abs(ceiling))
