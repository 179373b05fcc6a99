"""Expectations of the kernel under q(H), factorised by task.

The kernel is s2 * k_x(x, x') * k_h(h, h') with squared-exponential factors, and every transition of task i
shares the latent variable h_i with q(h_i) = N(mu_i, diag(v_i)).  The expectations of Titsias & Lawrence (2010)
then need one M x M matrix per task and never one per transition:

    E_i[m]     = E[k_h(h_i, z_m)]
    F_i[m, m'] = E[k_h(h_i, z_m) k_h(h_i, z_m')]
    Psi1'Y     = s2   sum_i w_i E_i o (K_i' Y_i)
    Psi2       = s2^2 sum_i w_i F_i o (K_i' K_i)

where K_i [T, M] holds the unit-variance k_x and w_i weights task i (1, or its relative noise precision).
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
    """Unit-variance squared-exponential kernel between inputs and inducing points."""
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
    """E_i[m]: mean of the unit-variance k_h(h_i, z_m) under q(h_i)."""
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
    """Features of tasks and of pairs of inducing points whose inner product is log F_i[m, m'].

    One matrix product of J = 2Q + 2 features replaces N x M x M x Q elementwise work.
    """
    squared = tf.square(lengthscales)[..., None, :]
    precision = 1.0 / (squared + 2.0 * variance)
    offset = -0.5 * tf.math.log1p(2.0 * variance / squared) - precision * tf.square(mean)
    offset = tf.reduce_sum(offset, -1, keepdims=True)
    tasks = tf.concat([offset, tf.ones_like(offset), precision, 2.0 * precision * mean], -1)

    dimensions = tf.shape(inducing)[1]
    midpoint = tf.reshape(0.5 * (inducing[:, None, :] + inducing), [-1, dimensions])
    distance = tf.reshape(tf.square(inducing[:, None, :] - inducing), [-1, dimensions])
    distance = tf.reduce_sum(distance * (0.25 / squared), -1)[..., None, :]
    quadratic = tf.transpose(tf.concat([-tf.square(midpoint), midpoint], -1))
    batch = tf.shape(distance)[:-2]
    quadratic = tf.broadcast_to(quadratic, tf.concat([batch, tf.shape(quadratic)], 0))
    return tasks, tf.concat([tf.ones_like(distance), -distance, quadratic], -2)


@check_shapes(
    "kernel: [N, T, M]",
    "tasks: [N, J]",
    "pairs: [J, MM]",
    "weights: [N]",
    "return: [M, M]",
)
@tf.custom_gradient  # type: ignore[untyped-decorator]
def weighted_psi2(
    kernel: tf.Tensor, tasks: tf.Tensor, pairs: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, Callable[..., tuple[tf.Tensor, ...]]]:
    """sum_i w_i F_i o (K_i' K_i), with a gradient that reuses F_i and K_i' K_i.

    The elementwise passes over N x M x M arrays cost more than the matrix products; automatic
    differentiation makes about twice as many of them and keeps every temporary.
    """
    number = tf.shape(kernel)[0]
    size = tf.shape(kernel)[2]
    flat = [number, size * size]
    pairwise = tf.exp(tf.linalg.matmul(tasks, pairs))
    gram = tf.reshape(tf.linalg.matmul(kernel, kernel, transpose_a=True), flat)
    psi2 = tf.linalg.matmul(weights[None, :], pairwise * gram)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        symmetric = 0.5 * (upstream + tf.linalg.matrix_transpose(upstream))
        from_gram = pairwise * tf.reshape(symmetric, [1, -1])
        from_log_pairwise = from_gram * gram
        weighted = tf.linalg.matmul(from_log_pairwise, pairs, transpose_b=True)
        return (
            2.0
            * weights[:, None, None]
            * tf.linalg.matmul(kernel, tf.reshape(from_gram, [number, size, size])),
            weights[:, None] * weighted,
            tf.linalg.matmul(weights[:, None] * tasks, from_log_pairwise, transpose_a=True),
            tf.reduce_sum(from_log_pairwise, -1),
        )

    return tf.reshape(psi2, [size, size]), gradient
