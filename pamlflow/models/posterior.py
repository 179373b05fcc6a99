"""The posterior object that every bound ends in, and prediction with uncertain h in closed form.

Everything is in standardised units.  Given h, outputs are independent: there is one GP per output, and the
spread that an uncertain h adds is reported per output too (its covariance between outputs is not).
"""

from typing import NamedTuple

import tensorflow as tf
from check_shapes import check_shapes

from pamlflow.models.psi_statistics import expected_kernel, expected_kernel_pairs, unit_kernel


class DynamicsPosterior(NamedTuple):
    """q(f) of the P dynamics outputs through M inducing points.

    With k(x, h) = variance * k_x(x, inducing_inputs) * k_h(h, inducing_latents), output p has mean
    ``k' weights[:, p]`` and variance ``variance - sum_j reduction[p, j] (k' basis[v, :, j])^2``, where v = 0 if
    the outputs share one basis (collapsed bound) and v = p if not (free q(u)).
    """

    inducing_inputs: tf.Tensor  # [M, Dx]
    inducing_latents: tf.Tensor  # [M, Q]
    lengthscales_x: tf.Tensor  # [Dx]
    lengthscales_h: tf.Tensor  # [Q]
    variance: tf.Tensor  # []
    weights: tf.Tensor  # [M, P]
    basis: tf.Tensor  # [V, M, M]
    reduction: tf.Tensor  # [P, M]
    noise: tf.Tensor  # [P] noise variance of a task with h = 0
    noise_slope: tf.Tensor  # [Q] log noise variance of task i grows by noise_slope' h_i


@check_shapes("mean: [N, Q]", "return: [N, P]")
def task_noise(posterior: DynamicsPosterior, mean: tf.Tensor) -> tf.Tensor:
    """Noise variance of every task and output."""
    return tf.exp(tf.linalg.matvec(mean, posterior.noise_slope))[:, None] * posterior.noise


@check_shapes("posterior_kernel: [N, T, M]", "latents: [N, Q]", "return: [N, T, M]")
def kernel_at(
    posterior: DynamicsPosterior, posterior_kernel: tf.Tensor, latents: tf.Tensor
) -> tf.Tensor:
    """k(x, h) at known h, from the unit-variance k_x of the inputs."""
    certain = expected_kernel(
        latents, tf.zeros_like(latents), posterior.inducing_latents, posterior.lengthscales_h
    )
    return posterior.variance * posterior_kernel * certain[:, None, :]


def input_kernel(posterior: DynamicsPosterior, inputs: tf.Tensor) -> tf.Tensor:
    """Unit-variance k_x between inputs [..., Dx] and the inducing inputs: [..., M]."""
    return unit_kernel(inputs, posterior.inducing_inputs, posterior.lengthscales_x)


@check_shapes(
    "inputs: [N, T, Dx]",
    "mean: [N, Q]",
    "variance: [N, Q]",
    "return[0]: [N, T, P]",
    "return[1]: [N, T, P]",
)
def predict_function(
    posterior: DynamicsPosterior, inputs: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance of f(x, h) with h_i ~ N(mean_i, diag(variance_i)), exact moments, noise excluded."""
    kernel = posterior.variance * input_kernel(posterior, inputs)
    first = expected_kernel(mean, variance, posterior.inducing_latents, posterior.lengthscales_h)
    second = expected_kernel_pairs(
        mean, variance, posterior.inducing_latents, posterior.lengthscales_h
    )
    f_mean = tf.linalg.matmul(kernel * first[:, None, :], posterior.weights)
    moments = []
    for p, excess in enumerate(excess_matrices(posterior)):
        quadratic = tf.reduce_sum(tf.linalg.matmul(kernel, second * excess) * kernel, -1)
        moments.append(posterior.variance + quadratic - tf.square(f_mean[..., p]))
    # Cancellation can leave a variance a rounding error below zero.
    return f_mean, tf.maximum(tf.stack(moments, -1), 0.0)


def excess_matrices(posterior: DynamicsPosterior) -> list[tf.Tensor]:
    """alpha_p alpha_p' - W_p [M, M] of every output: E[f_p^2] = variance + E[k' (alpha alpha' - W) k]."""
    matrices = []
    for p in range(posterior.weights.shape[1]):
        basis = posterior.basis[min(p, posterior.basis.shape[0] - 1)]
        alpha = posterior.weights[:, p]
        reduced = tf.linalg.matmul(basis * posterior.reduction[p], basis, transpose_b=True)
        matrices.append(alpha[:, None] * alpha - reduced)
    return matrices
