"""The dynamics view y = f(x, h) + noise: a sparse Gaussian process over inputs and latent variables."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import gpflow
import numpy as np
import tensorflow as tf
from check_shapes import check_shapes

from pamlflow.models.latent_gp.fit.collapsed import PsiStatistics, collapsed_bound, whiten
from pamlflow.models.latent_gp.fit.parameters import (
    ABOVE_FLOOR,
    scale_parameter,
    weight_parameter,
)
from pamlflow.models.latent_gp.fit.psi_statistics import (
    expected_kernel,
    kernel_covariance,
    pair_features,
    unit_kernel,
)
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior
from pamlflow.types import FloatArray

FIRST_NOISE = 0.01  # variance, that of the outputs being 1


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
        self.kernel_x.variance = scale_parameter(1.0, median=1.0, spread=1.5)
        gpflow.set_trainable(self.kernel_x.variance, signal == "shared")
        self.output_scale = scale_parameter(np.ones(output_dimensions), median=1.0, spread=0.75)
        gpflow.set_trainable(self.output_scale, signal == "per_output")
        self.kernel_x.lengthscales = scale_parameter(
            np.full(input_dimensions, 2.0), median=3.0, spread=1.5
        )
        self.kernel_h = gpflow.kernels.SquaredExponential()
        self.kernel_h.lengthscales = scale_parameter(
            np.full(latent_dimensions, 2.0), median=2.0, spread=1.0
        )
        gpflow.set_trainable(self.kernel_h.variance, False)
        self.noise_floor = noise_floor
        self.inducing_inputs = gpflow.Parameter(inducing_inputs)
        self.inducing_latents = gpflow.Parameter(inducing_latents)
        first_noise = max(FIRST_NOISE, ABOVE_FLOOR * noise_floor)
        self.noise = scale_parameter(
            np.full(output_dimensions, first_noise), median=1e-3, spread=3.0, lower=noise_floor
        )
        self.noise_slope = weight_parameter(np.zeros(latent_dimensions), spread=1.0)
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

    def posterior(
        self, data: TaskData, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor
    ) -> SparsePosterior:
        """The posterior at the optimal q(u), all outputs diagonalised in one basis.

        One basis diagonalises the posteriors of all outputs.
        """
        psi = self.psi_statistics(self.scaled(data), mean, variance, self.task_weights(mean))
        L = tf.linalg.cholesky(self.inducing_covariance(jitter))
        _, A = whiten(L, psi.Psi1, psi.covariance)
        eigenvalues, U = tf.linalg.eigh(0.5 * (A + tf.linalg.matrix_transpose(A)))
        basis = tf.linalg.triangular_solve(L, U, adjoint=True)
        precision = self.precision()[:, None]
        informed = precision * tf.maximum(eigenvalues, 0.0)
        projected = tf.linalg.matmul(basis, psi.Psi1Y, transpose_a=True)
        weights = tf.linalg.matmul(basis, projected * tf.transpose(precision / (1.0 + informed)))
        return self.as_posterior(weights, basis[None], informed / (1.0 + informed))

    def as_posterior(
        self, weights: tf.Tensor, basis: tf.Tensor, reduction: tf.Tensor
    ) -> SparsePosterior:
        """The posterior with this kernel and noise, and q(u) given by three arrays.

        They are `weights` [M, P], `basis` [H, M, M] and `reduction` [P, M] of DynamicsPosterior. The
        predictive noise is that of the bound.
        """
        noise = 1.0 / self.precision().numpy()
        return SparsePosterior(
            self.inducing_inputs.numpy(),
            self.inducing_latents.numpy(),
            self.kernel_x.lengthscales.numpy(),
            self.kernel_h.lengthscales.numpy(),
            self.kernel_x.variance.numpy(),
            weights.numpy(),
            basis.numpy(),
            reduction.numpy(),
            noise,
            self.noise_slope.numpy(),
            noise,
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
        """Set the parameters to those of the round before, converted to the units of the `new` scaler.

        `parameters` are named by their paths in this module, and `latents` [N, Q] are the means of q(H) of
        the round before. The inducing points are not set.
        """
        values = {k: v for k, v in parameters.items() if not k.startswith(".inducing_")}
        inputs = old.input_scale / new.input_scale
        unit = old.output_scale / new.output_scale
        outputs = np.square(unit / values[".output_scale"])
        if self.output_scale.trainable:
            values[".output_scale"] = unit
        values[".kernel_x.lengthscales"] = values[".kernel_x.lengthscales"] * inputs
        # All tasks start with the same noise: the search learns last how it varies between them.
        slope = values.pop(".noise_slope")
        noise = values[".noise"] * outputs * np.exp(latents @ slope).mean()
        values[".noise"] = np.maximum(noise, ABOVE_FLOOR * self.noise_floor)
        gpflow.utilities.multiple_assign(self, values)

    def rescale_latents(self, scale: FloatArray) -> None:
        """Keep the function of the tasks when h is divided by `scale` [Q]."""
        self.inducing_latents.assign(self.inducing_latents.numpy() / scale)
        self.kernel_h.lengthscales.assign(self.kernel_h.lengthscales.numpy() / scale)
        self.noise_slope.assign(self.noise_slope.numpy() * scale)

    @property
    def noise_variables(self) -> tuple[tf.Variable, ...]:
        """The trainable variables of the noise model."""
        return (*self.noise.trainable_variables, *self.noise_slope.trainable_variables)

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
