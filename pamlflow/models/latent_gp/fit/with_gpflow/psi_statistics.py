"""Expectations of the kernel under q(H), factorised by task.

The kernel is s2 k_x(x, x') k_h(h, h') with squared-exponential factors. All transitions of task i share the
latent variable h_i with q(h_i) = N(mu_i, diag(v_i)), so the expectations of Titsias & Lawrence (2010) need one
M x M matrix per task, not per transition. With K_i [T, M] the unit-variance k_x, and w_i the weight of task i
(1, or its relative noise precision):

    E_i[m]     = E[k_h(h_i, z_m)]
    d_i[m, m'] = log E[k_h(h_i, z_m) k_h(h_i, z_m')] - log E_i[m] - log E_i[m']
    Psi1_i     = s2 sqrt(w_i) E_i o K_i                                [T, M]
    Psi1'Y     = sum_i sqrt(w_i) Psi1_i' Y_i
    Psi2       = sum_i Psi1_i' Psi1_i + covariance
    covariance = sum_i (exp(d_i) - 1) o (Psi1_i' Psi1_i)

The code never computes Psi2 itself. If inducing points are close and the noise is small, the bound amplifies
the rounding errors of Psi2 to more than a nat. Psi1 keeps its digits if it is whitened before it is squared.
The covariance is as small as the variances v_i, and d_i is computed without differences of large terms.
"""

from collections.abc import Callable

import tensorflow as tf
from check_shapes import check_shapes


@check_shapes(
    "inputs: [batch..., D]",
    "inducing: [M, D]",
    "lengthscales: [D]",
    "return: [batch..., M]",
)
def unit_kernel(inputs: tf.Tensor, inducing: tf.Tensor, lengthscales: tf.Tensor) -> tf.Tensor:
    """Return the unit-variance squared-exponential kernel between inputs and inducing points."""
    scaled = inputs / lengthscales
    centres = inducing / lengthscales
    cross = tf.linalg.matmul(
        tf.reshape(scaled, [-1, tf.shape(scaled)[-1]]), centres, transpose_b=True
    )
    cross = tf.reshape(cross, tf.concat([tf.shape(scaled)[:-1], [tf.shape(centres)[0]]], 0))
    squares = tf.reduce_sum(tf.square(scaled), -1, keepdims=True)
    return tf.exp(cross - 0.5 * squares - 0.5 * tf.reduce_sum(tf.square(centres), -1))


@check_shapes(
    "mean: [N, Q]",
    "variance: [N, Q]",
    "inducing: [M, Q]",
    "lengthscales: [batch..., Q]",
    "return: [batch..., N, M]",
)
def expected_kernel(
    mean: tf.Tensor, variance: tf.Tensor, inducing: tf.Tensor, lengthscales: tf.Tensor
) -> tf.Tensor:
    """Return E_i[m], the mean of the unit-variance k_h(h_i, z_m) under q(h_i)."""
    squared = tf.square(lengthscales)[..., None, :]
    spread = squared + variance
    distances = tf.square(mean[:, None, :] - inducing) / spread[..., None, :]
    log_scale = tf.reduce_sum(tf.math.log1p(variance / squared), -1, keepdims=True)
    return tf.exp(-0.5 * (log_scale + tf.reduce_sum(distances, -1)))


@check_shapes(
    "mean: [N, Q]",
    "variance: [N, Q]",
    "inducing: [M, Q]",
    "lengthscales: [batch..., Q]",
    "return[0]: [batch..., N, J]",
    "return[1]: [batch..., J, MM]",
)
def pair_features(
    mean: tf.Tensor, variance: tf.Tensor, inducing: tf.Tensor, lengthscales: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return features of tasks and of pairs of inducing points whose inner product is d_i[m, m'].

    With c the middle of the pair and r = v / l^2, each dimension of h adds

        log(1 + r^2 / (1 + 2 r)) / 2 + v / (l^2 + v) [(mu - c)^2 / (l^2 + 2 v) - (z_m - z_m')^2 / (4 l^2)].

    One matrix product of J = 3 Q + 1 features replaces N x M x M x Q elementwise operations.
    """
    squared = tf.square(lengthscales)[..., None, :]
    ratio = variance / squared
    share = variance / (squared + variance)
    narrow = share / (squared + 2.0 * variance)
    offset = 0.5 * tf.math.log1p(tf.square(ratio) / (1.0 + 2.0 * ratio)) + narrow * tf.square(mean)
    offset = tf.reduce_sum(offset, -1, keepdims=True)
    tasks = tf.concat([offset, share, narrow, -2.0 * narrow * mean], -1)

    dimensions = tf.shape(inducing)[1]
    middle = tf.reshape(0.5 * (inducing[:, None, :] + inducing), [-1, dimensions])
    distance = tf.reshape(tf.square(inducing[:, None, :] - inducing), [-1, dimensions])
    scaled = tf.linalg.matrix_transpose(-distance * (0.25 / squared))
    quadratic = tf.transpose(tf.concat([tf.square(middle), middle], -1))
    batch = tf.shape(scaled)[:-2]
    quadratic = tf.broadcast_to(quadratic, tf.concat([batch, tf.shape(quadratic)], 0))
    return tasks, tf.concat([tf.ones_like(scaled[..., :1, :]), scaled, quadratic], -2)


@check_shapes(
    "Psi1: [N, T, M]",
    "tasks: [N, J]",
    "pairs: [J, MM]",
    "return: [M, M]",
)
@tf.custom_gradient  # type: ignore[untyped-decorator]
def kernel_covariance(
    Psi1: tf.Tensor, tasks: tf.Tensor, pairs: tf.Tensor
) -> tuple[tf.Tensor, Callable[..., tuple[tf.Tensor, ...]]]:
    """Return sum_i (exp(d_i) - 1) o (Psi1_i' Psi1_i), with a gradient that reuses both factors.

    The elementwise passes over N x M x M arrays cost more than the matrix products; automatic
    differentiation makes about twice as many of them and keeps every temporary.
    """
    number = tf.shape(Psi1)[0]
    size = tf.shape(Psi1)[2]
    excess = tf.math.expm1(tf.linalg.matmul(tasks, pairs))
    gram = tf.reshape(tf.linalg.matmul(Psi1, Psi1, transpose_a=True), [number, size * size])
    covariance = tf.reduce_sum(excess * gram, 0)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        symmetric = 0.5 * tf.reshape(upstream + tf.linalg.matrix_transpose(upstream), [1, -1])
        from_gram = excess * symmetric
        from_log = (symmetric + from_gram) * gram
        return (
            2.0 * tf.linalg.matmul(Psi1, tf.reshape(from_gram, [number, size, size])),
            tf.linalg.matmul(from_log, pairs, transpose_b=True),
            tf.linalg.matmul(tasks, from_log, transpose_a=True),
        )

    return tf.reshape(covariance, [size, size]), gradient
