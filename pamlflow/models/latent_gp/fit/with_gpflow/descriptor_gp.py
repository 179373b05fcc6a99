"""The descriptor view p(psi | h): a Gaussian process with a linear mean per descriptor dimension (eq. 7).

Descriptors are standardised. Far from the data, a GP without a linear mean returns to the middle of the
descriptor space, and every latent candidate there would be the same task.
"""

from collections.abc import Mapping

import gpflow
import numpy as np
import tensorflow as tf
from check_shapes import check_shapes

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit import priors
from pamlflow.models.latent_gp.fit.carrying import descriptor_carried_on
from pamlflow.models.latent_gp.fit.closed_form.descriptor_bound import (
    DescriptorBound,
    DescriptorValues,
)
from pamlflow.models.latent_gp.fit.closed_form.descriptor_view import descriptor_posterior
from pamlflow.models.latent_gp.fit.with_gpflow.collapsed import PsiStatistics, collapsed_bound
from pamlflow.models.latent_gp.fit.with_gpflow.parameters import scale_parameter, weight_parameter
from pamlflow.models.latent_gp.fit.with_gpflow.psi_statistics import expected_kernel, pair_features
from pamlflow.models.latent_gp.use.descriptor_posterior import DescriptorPosterior
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.types import FloatArray, IntArray


class DescriptorGP(gpflow.Module):
    """Collapsed sparse GPs from the latent variable to R standardised descriptor dimensions.

    Each dimension has its own ARD squared-exponential kernel. The inducing points are latent means, so that
    they move with q(H) and cost no parameters.
    """

    def __init__(self, descriptors: FloatArray, latent_dimensions: int, inducing: IntArray) -> None:
        """Start from standardised `descriptors` [N, R]; the tasks `inducing` are the inducing points."""
        super().__init__()
        dimensions = descriptors.shape[1]
        self._descriptors = tf.constant(descriptors)
        self._inducing = tf.constant(inducing)
        self.lengthscales = scale_parameter(
            np.full((dimensions, latent_dimensions), 1.5), priors.DESCRIPTOR_LENGTHSCALES
        )
        self.variance = scale_parameter(np.full(dimensions, 0.2), priors.DESCRIPTOR_VARIANCE)
        self.noise = scale_parameter(
            np.full(dimensions, 0.01),
            priors.DESCRIPTOR_NOISE,
            lower=priors.DESCRIPTOR_NOISE_FLOOR,
        )
        self.slope = weight_parameter(
            np.zeros((latent_dimensions, dimensions)), priors.DESCRIPTOR_SLOPE
        )
        self.intercept = weight_parameter(np.zeros(dimensions), priors.DESCRIPTOR_INTERCEPT)

    @check_shapes("mean: [N, Q]", "variance: [N, Q]", "jitter: []", "return: []")
    def bound(self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor) -> tf.Tensor:
        """Return the collapsed bound on E_q(H)[log p(Psi | H)], summed over descriptor dimensions."""
        Kuu, psi, squares = self._statistics(mean, variance, jitter)
        count = tf.cast(tf.shape(mean)[0], mean.dtype)
        per_dimension = collapsed_bound(
            Kuu,
            psi,
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
        """Return the posterior of psi given h at the optimal q(u)."""
        values = DescriptorValues(
            self.lengthscales.numpy(),
            self.variance.numpy(),
            self.noise.numpy(),
            self.slope.numpy(),
            self.intercept.numpy(),
        )
        bound = DescriptorBound(self._descriptors.numpy(), self._inducing.numpy())
        latent = LatentPosterior(mean.numpy(), variance.numpy())
        return descriptor_posterior(bound, values, latent, float(jitter.numpy()))

    def fit_linear_mean(self, latents: FloatArray) -> None:
        """Fit the linear mean to the descriptors of tasks at `latents` [N, Q], by least squares."""
        design = np.hstack([latents, np.ones((len(latents), 1))])
        solution, *_ = np.linalg.lstsq(design, self._descriptors.numpy(), rcond=None)
        self.slope.assign(solution[:-1])
        self.intercept.assign(solution[-1])

    def carry_on(self, parameters: Mapping[str, FloatArray], old: Scaler, new: Scaler) -> None:
        """Set the parameters to those of the round before: `descriptor_carried_on`."""
        gpflow.utilities.multiple_assign(self, descriptor_carried_on(parameters, old, new))

    def rescale_latents(self, scale: FloatArray) -> None:
        """Keep the descriptors of the tasks when h is divided by `scale` [Q]."""
        self.lengthscales.assign(self.lengthscales.numpy() / scale)
        self.slope.assign(self.slope.numpy() * scale[:, None])

    def _statistics(
        self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor
    ) -> tuple[tf.Tensor, PsiStatistics, tf.Tensor]:
        """Return Kuu [R, G, G], the psi statistics and the expected squared residual [R] of each dimension."""
        lengthscales, slope = map(tf.convert_to_tensor, (self.lengthscales, self.slope))
        scale = tf.convert_to_tensor(self.variance)[:, None, None]
        inducing = tf.gather(mean, self._inducing)
        count = tf.shape(inducing)[0]
        unit = expected_kernel(inducing, tf.zeros_like(inducing), inducing, lengthscales)
        Kuu = scale * (unit + jitter * tf.eye(count, dtype=mean.dtype))

        residual = self._descriptors - self.intercept - tf.linalg.matmul(mean, slope)
        # The linear mean depends on h too: E[(psi - b - W'h) k(h, z)] shifts the mean of h
        # towards z.
        tilt = variance / (tf.square(lengthscales)[:, None, :] + variance)
        tilted_slope = tilt * tf.transpose(slope)[:, None, :]
        shift = tf.linalg.matmul(tilted_slope, inducing, transpose_b=True)
        shift -= tf.reduce_sum(tilted_slope * mean, -1, keepdims=True)
        tilted = tf.transpose(residual)[:, :, None] - shift
        Psi1 = scale * expected_kernel(mean, variance, inducing, lengthscales)
        Psi1Y = tf.reduce_sum(Psi1 * tilted, 1)[..., None]

        tasks, pairs = pair_features(mean, variance, inducing, lengthscales)
        excess = tf.math.expm1(tf.linalg.matmul(tasks, pairs))
        excess = tf.reshape(excess, tf.concat([tf.shape(Psi1), [count]], 0))
        covariance = tf.einsum("rcg,rch,rcgh->rgh", Psi1, Psi1, excess)
        squares = tf.square(residual) + tf.linalg.matmul(variance, tf.square(slope))
        return Kuu, PsiStatistics(Psi1, covariance, Psi1Y), tf.reduce_sum(squares, 0)
