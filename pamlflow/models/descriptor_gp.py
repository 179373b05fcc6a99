"""The descriptor view p(psi | h): a Gaussian process with a linear mean per descriptor dimension (eq. 7).

Descriptors are standardised.  Without the linear mean a GP falls back to the middle of the descriptor space
away from the data, and a search over latent space would choose the middle for ever.
"""

import gpflow
import numpy as np
import tensorflow as tf
from check_shapes import check_shapes

from pamlflow.models.collapsed import collapsed_bound
from pamlflow.models.parameters import scale_parameter, weight_parameter
from pamlflow.models.posterior import DescriptorPosterior
from pamlflow.types import FloatArray, IntArray


class DescriptorGP(gpflow.Module):
    """Collapsed sparse GPs from the latent variable to R standardised descriptor dimensions.

    Each dimension has its own ARD squared-exponential kernel.  The inducing points are latent means, so that
    they move with q(H) and cost no parameters.
    """

    def __init__(self, descriptors: FloatArray, latent_dimensions: int, inducing: IntArray) -> None:
        """``descriptors`` [N, R], standardised; ``inducing``: tasks that serve as inducing points."""
        super().__init__()
        dimensions = descriptors.shape[1]
        self._descriptors = tf.constant(descriptors)
        self._inducing = tf.constant(inducing)
        self.lengthscales = scale_parameter(
            np.full((dimensions, latent_dimensions), 1.5), median=1.5, spread=0.5
        )
        self.variance = scale_parameter(np.full(dimensions, 0.2), median=0.2, spread=1.0)
        self.noise = scale_parameter(np.full(dimensions, 0.01), median=0.01, spread=1.5, lower=1e-4)
        self.slope = weight_parameter(np.zeros((latent_dimensions, dimensions)), spread=1.0)
        self.intercept = weight_parameter(np.zeros(dimensions), spread=1.0)

    @check_shapes("mean: [N, Q]", "variance: [N, Q]", "jitter: []", "return: []")
    def bound(self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor) -> tf.Tensor:
        """Collapsed bound on E_q(H)[log p(Psi | H)], summed over descriptor dimensions."""
        Kuu, Psi1Y, Psi2, squares = self._statistics(mean, variance, jitter)
        count = tf.cast(tf.shape(mean)[0], mean.dtype)
        per_dimension = collapsed_bound(
            Kuu,
            Psi2,
            Psi1Y[..., None],
            psi0=count * self.variance,
            squared_outputs=squares[:, None],
            log_weights=tf.zeros([], mean.dtype),
            count=count,
            precision=1.0 / self.noise[:, None],
        )
        return tf.reduce_sum(per_dimension)

    def posterior(
        self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor
    ) -> DescriptorPosterior:
        """The predictive posterior of psi given h at the optimal q(u)."""
        Kuu, Psi1Y, Psi2, _ = self._statistics(mean, variance, jitter)
        L = tf.linalg.cholesky(Kuu + Psi2 / self.noise[:, None, None])
        weights = tf.linalg.cholesky_solve(L, Psi1Y[..., None])[..., 0] / self.noise[:, None]
        identity = tf.eye(tf.shape(Kuu)[-1], batch_shape=tf.shape(Kuu)[:1], dtype=Kuu.dtype)
        reduction = tf.linalg.cholesky_solve(
            tf.linalg.cholesky(Kuu), identity
        ) - tf.linalg.cholesky_solve(L, identity)
        return DescriptorPosterior(
            tf.gather(mean, self._inducing).numpy(),
            self.lengthscales.numpy(),
            self.variance.numpy(),
            self.noise.numpy(),
            self.slope.numpy(),
            self.intercept.numpy(),
            weights.numpy(),
            reduction.numpy(),
        )

    def _statistics(
        self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Kuu [R, K, K], Psi1'y [R, K], Psi2 [R, K, K] and the expected squared residual [R]."""
        inducing = tf.gather(mean, self._inducing)
        first, second = kernel_moments(mean, variance, inducing, self.lengthscales)
        scale = self.variance[:, None, None]
        count = tf.shape(inducing)[0]
        Kuu = scale * (
            kernel_moments(inducing, tf.zeros_like(inducing), inducing, self.lengthscales)[0]
            + jitter * tf.eye(count, dtype=mean.dtype)
        )
        residual = self._descriptors - self.intercept - tf.linalg.matmul(mean, self.slope)
        # The linear mean is a function of h too: E[(y - b - A'h) k(h, z)] tilts the mean of h towards z.
        squared = tf.square(self.lengthscales)
        tilt = variance / (squared[:, None, :] + variance)
        shift = tilt[:, :, None, :] * (inducing[None, None] - mean[None, :, None, :])
        tilted = tf.transpose(residual)[:, :, None] - tf.einsum("rnkq,qr->rnk", shift, self.slope)
        Psi1Y = self.variance[:, None] * tf.reduce_sum(first * tilted, 1)
        Psi2 = tf.square(scale) * tf.reduce_sum(second, 1)
        squares = tf.reduce_sum(
            tf.square(residual) + tf.linalg.matmul(variance, tf.square(self.slope)), 0
        )
        return Kuu, Psi1Y, Psi2, squares


@check_shapes(
    "mean: [N, Q]",
    "variance: [N, Q]",
    "inducing: [K, Q]",
    "lengthscales: [R, Q]",
    "return[0]: [R, N, K]",
    "return[1]: [R, N, K, K]",
)
def kernel_moments(
    mean: tf.Tensor, variance: tf.Tensor, inducing: tf.Tensor, lengthscales: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """E[k(h_i, z)] and E[k(h_i, z) k(h_i, z')] for R unit-variance kernels at once."""
    squared = tf.square(lengthscales)[:, None, :]
    single = squared + variance
    double = squared + 2.0 * variance
    offset = mean[:, None, :] - inducing
    first = tf.reduce_sum(tf.square(offset)[None] / single[:, :, None, :], -1)
    first += tf.reduce_sum(tf.math.log(single / squared), -1)[..., None]
    midpoint = mean[:, None, None, :] - 0.5 * (inducing[:, None, :] + inducing)
    second = tf.reduce_sum(tf.square(midpoint)[None] / double[:, :, None, None, :], -1)
    distance = tf.square(inducing[:, None, :] - inducing)[None] / (4.0 * squared[:, :, None, :])
    second += tf.reduce_sum(distance, -1)[:, None]
    second += 0.5 * tf.reduce_sum(tf.math.log(double / squared), -1)[..., None, None]
    return tf.exp(-0.5 * first), tf.exp(-second)
