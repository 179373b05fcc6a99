"""The collapsed bound: Gaussian noise makes the optimal q(u) analytic (Titsias & Lawrence 2010)."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
from check_shapes import check_shapes


class PsiStatistics(NamedTuple):
    """Weighted expectations of the kernel under q(H); Psi2 = Psi1' Psi1 + covariance."""

    Psi1: tf.Tensor  # [..., n, M] of all transitions, times the root of their weight
    covariance: tf.Tensor  # [..., M, M]
    Psi1Y: tf.Tensor  # [..., M, P]


@check_shapes(
    "Kuu: [batch..., M, M]",
    "Psi1: [batch..., n, M]",
    "covariance: [batch..., M, M]",
    "Psi1Y: [batch..., M, P]",
    "precision: [batch..., P]",
    "return: [batch...]",
)
@tf.custom_gradient  # type: ignore[untyped-decorator]
def collapsed_terms(
    Kuu: tf.Tensor, Psi1: tf.Tensor, covariance: tf.Tensor, Psi1Y: tf.Tensor, precision: tf.Tensor
) -> tuple[tf.Tensor, Callable[..., tuple[tf.Tensor, ...]]]:
    r"""Return the terms of the collapsed bound that depend on the inducing points, summed over outputs.

    With L = chol(Kuu), A = L^-1 Psi2 L^-T, B_p = I + beta_p A, c_p = L^-1 Psi1'y_p:

        sum_p [ -log|B_p| / 2 + beta_p^2 c_p' B_p^-1 c_p / 2 + beta_p tr(A) / 2 ]

    The gradient is in closed form; differentiating the Cholesky factors would cost about three times as much.
    """
    L = tf.linalg.cholesky(Kuu)
    whitened, A = whiten(L, Psi1, covariance)
    identity = tf.eye(tf.shape(A)[-1], dtype=A.dtype)
    beta = precision[..., None, None]
    B = identity + beta * A[..., None, :, :]
    chol_B = tf.linalg.cholesky(B)
    B_inverse = tf.linalg.cholesky_solve(chol_B, tf.broadcast_to(identity, tf.shape(B)))
    c = tf.linalg.matrix_transpose(tf.linalg.triangular_solve(L, Psi1Y))
    a = precision[..., None] * tf.linalg.matvec(B_inverse, c)
    trace = tf.linalg.trace(A)[..., None]
    fit = tf.reduce_sum(c * a, -1)
    log_det = 2.0 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(chol_B)), -1)
    value = 0.5 * tf.reduce_sum(-log_det + precision * (fit + trace), -1)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        shared = identity - B_inverse - a[..., :, None] * a[..., None, :]
        d_A = 0.5 * tf.reduce_sum(beta * shared, -3)
        d_whitened_Kuu = 0.5 * tf.reduce_sum(shared - beta * A[..., None, :, :], -3)
        d_Psi1 = tf.linalg.triangular_solve(L, tf.linalg.matmul(d_A, whitened), adjoint=True)
        d_Psi1Y = tf.linalg.triangular_solve(
            L, tf.linalg.matrix_transpose(precision[..., None] * a), adjoint=True
        )
        determined = tf.cast(tf.shape(A)[-1], A.dtype) - tf.linalg.trace(B_inverse)
        spread = tf.reduce_sum(a * tf.linalg.matvec(A[..., None, :, :], a), -1)
        d_precision = fit + 0.5 * (trace - determined / precision - spread)
        scale = upstream[..., None, None]
        return (
            scale * _congruence(L, d_whitened_Kuu, adjoint=True),
            2.0 * scale * tf.linalg.matrix_transpose(d_Psi1),
            scale * _congruence(L, d_A, adjoint=True),
            scale * d_Psi1Y,
            upstream[..., None] * d_precision,
        )

    return value, gradient


def whiten(L: tf.Tensor, Psi1: tf.Tensor, covariance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return L^-1 Psi1' [..., M, n] and A = L^-1 Psi2 L^-T [..., M, M] without computing Psi2.

    Computing Psi2 would lose digits.
    """
    whitened = tf.linalg.triangular_solve(L, tf.linalg.matrix_transpose(Psi1))
    squared = tf.linalg.matmul(whitened, whitened, transpose_b=True)
    return whitened, squared + _congruence(L, covariance)


def _congruence(L: tf.Tensor, matrix: tf.Tensor, adjoint: bool = False) -> tf.Tensor:
    """Return L^-1 S L^-T for symmetric S, or L^-T S L^-1 if adjoint."""
    half = tf.linalg.triangular_solve(L, matrix, adjoint=adjoint)
    return tf.linalg.triangular_solve(L, tf.linalg.matrix_transpose(half), adjoint=adjoint)


@check_shapes(
    "Kuu: [batch..., M, M]",
    "psi0: [batch...]",
    "squared_outputs: [batch..., P]",
    "log_weights: []",
    "count: []",
    "precision: [batch..., P]",
    "return: [batch...]",
)
def collapsed_bound(
    Kuu: tf.Tensor,
    psi: PsiStatistics,
    *,
    psi0: tf.Tensor,
    squared_outputs: tf.Tensor,
    log_weights: tf.Tensor,
    count: tf.Tensor,
    precision: tf.Tensor,
) -> tf.Tensor:
    """Return the collapsed bound on E_q(H)[log p(Y | H)], summed over the P outputs.

    Transition j of task i has the noise variance 1 / (precision[p] * weight[i]).

    The bound is NaN where rounding puts it above the log density of outputs without any error, which can
    happen if weights differ by many orders of magnitude; a search then avoids this region.

    Args:
        Kuu: prior covariance of u.
        psi: psi statistics, weighted by the tasks' relative noise precisions.
        psi0: sum of the weighted prior variances of f over all transitions.
        squared_outputs: weighted sum of squares of each output.
        log_weights: sum of the log weights over all transitions.
        count: number of transitions.
        precision: one over the noise variance of each output.
    """
    constant = tf.math.log(precision) - tf.constant(1.8378770664093453, precision.dtype)
    data = 0.5 * (count * constant + log_weights - precision * (squared_outputs + psi0[..., None]))
    value = tf.reduce_sum(data, -1) + collapsed_terms(Kuu, *psi, precision)
    ceiling = 0.5 * tf.reduce_sum(count * constant + log_weights, -1)
    nan = tf.constant(float("nan"), value.dtype)
    return tf.where(value > ceiling + 1e-6 * tf.abs(ceiling), nan, value)
