"""The dynamics view y = f(x, h) + noise: a sparse Gaussian process over inputs and latent variables."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import gpflow
import numpy as np
import tensorflow as tf
from check_shapes import check_shapes

from pamlflow.models.latent_gp.fit import priors
from pamlflow.models.latent_gp.fit.carrying import dynamics_carried_on
from pamlflow.models.latent_gp.fit.with_gpflow.collapsed import PsiStatistics, collapsed_bound
from pamlflow.models.latent_gp.fit.with_gpflow.parameters import scale_parameter, weight_parameter
from pamlflow.models.latent_gp.fit.with_gpflow.psi_statistics import (
    expected_kernel,
    kernel_covariance,
    pair_features,
    unit_kernel,
)
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior
from pamlflow.models.latent_gp.use.statistics import DynamicsValues
from pamlflow.types import FloatArray


class TaskData(NamedTuple):
    """Standardised transitions of N tasks, padded to the longest; `mask` is 0 where a task has ended."""

    inputs: tf.Tensor  # [N, T, Dx]
    outputs: tf.Tensor  # [N, T, P]
    mask: tf.Tensor  # [N, T]


class DynamicsGP(gpflow.Module):
    """A sparse GP whose P outputs share the kernel k_x * k_h; each has its own signal and noise variance.

    The P functions have the same prior, and output p is `output_scale[p]` times function p. With a `shared`
    signal, all `output_scale` are 1 and the kernel variance s2 is learned instead.

    With `task_scaled` noise, the noise variance of task i is multiplied by exp(noise_slope' mean_i). A hard
    task is then noisy by itself and does not make every task noisy, and the bound stays in closed form.
    """

    def __init__(
        self,
        input_dimensions: int,
        output_dimensions: int,
        inducing_inputs: FloatArray,
        inducing_latents: FloatArray,
        *,
        noise_floor: float,
        signal: Literal["per_output", "shared"],
        task_scaled: bool,
    ) -> None:
        """Start from the scales of standardised data, with inducing points [M, Dx] and [M, Q]."""
        super().__init__()
        latent_dimensions = inducing_latents.shape[1]
        self.kernel_x = gpflow.kernels.SquaredExponential()
        self.kernel_x.variance = scale_parameter(1.0, priors.VARIANCE)
        gpflow.set_trainable(self.kernel_x.variance, signal == "shared")
        self.output_scale = scale_parameter(np.ones(output_dimensions), priors.OUTPUT_SCALE)
        gpflow.set_trainable(self.output_scale, signal == "per_output")
        self.kernel_x.lengthscales = scale_parameter(
            np.full(input_dimensions, priors.FIRST_LENGTHSCALE), priors.LENGTHSCALES_X
        )
        self.kernel_h = gpflow.kernels.SquaredExponential()
        self.kernel_h.lengthscales = scale_parameter(
            np.full(latent_dimensions, priors.FIRST_LENGTHSCALE), priors.LENGTHSCALES_H
        )
        gpflow.set_trainable(self.kernel_h.variance, False)
        self.noise_floor = noise_floor
        self.inducing_inputs = gpflow.Parameter(inducing_inputs)
        self.inducing_latents = gpflow.Parameter(inducing_latents)
        first_noise = np.full(output_dimensions, priors.first_noise(noise_floor))
        self.noise = scale_parameter(first_noise, priors.NOISE, lower=noise_floor)
        self.noise_slope = weight_parameter(np.zeros(latent_dimensions), priors.NOISE_SLOPE)
        gpflow.set_trainable(self.noise_slope, task_scaled)

    @check_shapes("mean: [N, Q]", "variance: [N, Q]", "jitter: []", "return: []")
    def bound(
        self, data: TaskData, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor
    ) -> tf.Tensor:
        """Return the collapsed bound on E_q(H)[log p(Y | H, X)], for q(H) with moments [N, Q]."""
        data, weights = self.scaled(data), self.task_weights(mean)
        lengths = tf.reduce_sum(data.mask, -1)
        count = tf.reduce_sum(lengths)
        bound = collapsed_bound(
            self.inducing_covariance(jitter),
            self.psi_statistics(data, mean, variance, weights),
            psi0=self.kernel_x.variance * tf.reduce_sum(weights * lengths),
            squared_outputs=tf.einsum("n,ntp->p", weights, tf.square(data.outputs)),
            log_weights=tf.reduce_sum(lengths * tf.math.log(weights)),
            count=count,
            precision=self.precision(),
        )
        return bound - count * tf.reduce_sum(tf.math.log(self.output_scale))

    def as_posterior(
        self, weights: tf.Tensor, basis: tf.Tensor, reduction: tf.Tensor
    ) -> SparsePosterior:
        """The posterior with this kernel and noise, and q(u) given by three arrays.

        They are `weights` [M, P], `basis` [H, M, M] and `reduction` [P, M] of SparsePosterior. The predictive
        noise is that of the bound.
        """
        values = self.values()
        noise = 1.0 / values.precision()
        return SparsePosterior(
            values.inducing_inputs,
            values.inducing_latents,
            values.lengthscales_x,
            values.lengthscales_h,
            values.variance,
            weights.numpy(),
            basis.numpy(),
            reduction.numpy(),
            noise,
            values.noise_slope,
            noise,
        )

    def values(self) -> DynamicsValues:
        """Return the parameters as arrays."""
        return DynamicsValues(
            self.kernel_x.variance.numpy(),
            self.kernel_x.lengthscales.numpy(),
            self.kernel_h.lengthscales.numpy(),
            self.inducing_inputs.numpy(),
            self.inducing_latents.numpy(),
            self.output_scale.numpy(),
            self.noise.numpy(),
            self.noise_slope.numpy(),
        )

    @check_shapes("return: [M, M]")
    def inducing_covariance(self, jitter: tf.Tensor) -> tf.Tensor:
        """Return Kuu, with jitter relative to the kernel variance."""
        shape = tf.shape(self.inducing_inputs)[0]
        unit = self.kernel_h(self.inducing_latents) + jitter * tf.eye(shape, dtype=jitter.dtype)
        return self.kernel_x(self.inducing_inputs) * unit

    def carry_on(
        self, parameters: Mapping[str, FloatArray], old: Scaler, new: Scaler, latents: FloatArray
    ) -> None:
        """Set all parameters but the inducing points to those of the round before: `dynamics_carried_on`."""
        values = dynamics_carried_on(
            parameters,
            old,
            new,
            latents,
            noise_floor=self.noise_floor,
            shared_signal=not self.output_scale.trainable,
        )
        gpflow.utilities.multiple_assign(self, values)

    def rescale_latents(self, scale: FloatArray) -> None:
        """Keep the function of the tasks when h is divided by `scale` [Q]."""
        self.inducing_latents.assign(self.inducing_latents.numpy() / scale)
        self.kernel_h.lengthscales.assign(self.kernel_h.lengthscales.numpy() / scale)
        self.noise_slope.assign(self.noise_slope.numpy() * scale)

    def scaled(self, data: TaskData) -> TaskData:
        """Return the data with the outputs in units of their signals."""
        return data._replace(outputs=data.outputs / self.output_scale)

    def precision(self) -> tf.Tensor:
        """Return one over the noise variances [P] of the outputs in units of their signals."""
        return tf.square(self.output_scale) / self.noise

    def task_weights(self, mean: tf.Tensor) -> tf.Tensor:
        """Return the noise precision [N] of each task relative to a task with h = 0."""
        return tf.exp(-tf.linalg.matvec(mean, self.noise_slope))

    def psi_statistics(
        self, data: TaskData, mean: tf.Tensor, variance: tf.Tensor, weights: tf.Tensor
    ) -> PsiStatistics:
        """Return the psi statistics under q(H), with the transitions of task i weighted by weights[i]."""
        latent = (mean, variance, self.inducing_latents, self.kernel_h.lengthscales)
        root = tf.sqrt(weights)[:, None, None]
        kernel = unit_kernel(data.inputs, self.inducing_inputs, self.kernel_x.lengthscales)
        present = root * data.mask[..., None]
        Psi1 = self.kernel_x.variance * present * expected_kernel(*latent)[:, None, :] * kernel
        flat = tf.reshape(Psi1, [-1, tf.shape(Psi1)[2]])
        outputs = tf.reshape(root * data.outputs, [-1, tf.shape(data.outputs)[2]])
        covariance = kernel_covariance(Psi1, *pair_features(*latent))
        return PsiStatistics(flat, covariance, tf.linalg.matmul(flat, outputs, transpose_a=True))
