"""The stochastic bound (eqs. 5 and 10): free q(u), minibatches over tasks and over transitions within tasks.

The weights of a minibatch are multiplied by (tasks / tasks in the batch) x (transitions / transitions in the
batch). The psi statistics of the collapsed bound then give an unbiased estimate of the data term.
"""

from __future__ import annotations

from typing import NamedTuple

import gpflow
import numpy as np
import tensorflow as tf
from check_shapes import check_shapes
from gpflow.kullback_leiblers import gauss_kl

from pamlflow.models.latent_gp.fit.with_gpflow.collapsed import whiten
from pamlflow.models.latent_gp.fit.with_gpflow.dynamics_gp import TaskData
from pamlflow.models.latent_gp.fit.with_gpflow.meta_model import MetaModel
from pamlflow.models.latent_gp.use.evidence import LOG_TWO_PI
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior


class Minibatch(NamedTuple):
    """Some transitions of some tasks, and the number of transitions that each of them represents."""

    tasks: tf.Tensor  # [B] indices of the tasks
    data: TaskData  # [B, b, ...]
    scale: tf.Tensor  # [B] weight of every transition of the task


class StochasticModel(gpflow.Module):
    """A meta-model with a free, whitened q(u) = prod_p N(L q_mu_p, L q_sqrt_p q_sqrt_p' L')."""

    def __init__(self, model: MetaModel) -> None:
        """Start q(u) at the prior."""
        super().__init__()
        self.model = model
        inducing = model.dynamics.inducing_inputs.shape[0]
        outputs = model.data.outputs.shape[2]
        self.q_mu = gpflow.Parameter(np.zeros((inducing, outputs)))
        self.q_sqrt = gpflow.Parameter(
            np.tile(np.eye(inducing), (outputs, 1, 1)), transform=gpflow.utilities.triangular()
        )

    def whole(self) -> Minibatch:
        """Return all transitions of all tasks as one batch."""
        tasks = tf.range(tf.shape(self.model.data.mask)[0])
        return Minibatch(tasks, self.model.data, tf.ones_like(self.model.data.mask[:, 0]))

    def bound(self, batch: Minibatch, noise: tf.Tensor | None = None) -> tf.Tensor:
        """Return an unbiased estimate of L_PAML (eq. 10) from a minibatch.

        Without `noise`, the expectation over q(h) is in closed form. With standard-normal `noise` [B, Q], it
        is estimated from one sample of h per task, as in the paper.
        """
        mean, variance = self.model.moments()
        expected = self._expected_log_likelihood(batch, mean, variance, noise)
        descriptor = self.model.descriptor_bound(mean, variance)
        return expected + descriptor - gauss_kl(self.q_mu, self.q_sqrt)

    def training_loss(self, batch: Minibatch, noise: tf.Tensor | None = None) -> tf.Tensor:
        """Return minus the sum of bound and log prior of the parameters."""
        return -self.bound(batch, noise) - self.model.log_prior_density()

    def posterior(self) -> SparsePosterior:
        """The posterior that q(u) stands for; every output has a basis of its own."""
        dynamics = self.model.dynamics
        L = tf.linalg.cholesky(dynamics.inducing_covariance(self.model.relative_jitter))
        reduction, U = tf.linalg.eigh(self._shrinkage())
        basis = tf.linalg.triangular_solve(
            tf.broadcast_to(L, tf.concat([tf.shape(U)[:1], tf.shape(L)], 0)), U, adjoint=True
        )
        weights = tf.linalg.triangular_solve(L, tf.convert_to_tensor(self.q_mu), adjoint=True)
        return dynamics.as_posterior(weights, basis, reduction)

    @check_shapes("return: [P, M, M]")
    def _shrinkage(self) -> tf.Tensor:
        """Return I - S_p, by which q(u) reduces the prior covariance in whitened coordinates."""
        covariance = tf.linalg.matmul(self.q_sqrt, self.q_sqrt, transpose_b=True)
        return tf.eye(tf.shape(self.q_mu)[0], dtype=covariance.dtype) - covariance

    def _expected_log_likelihood(
        self, batch: Minibatch, mean: tf.Tensor, variance: tf.Tensor, noise: tf.Tensor | None
    ) -> tf.Tensor:
        """Return E_q(H) E_q(f) [log p(Y | f)] of the whole data set, estimated from the batch."""
        dynamics = self.model.dynamics
        weights = tf.gather(dynamics.task_weights(mean), batch.tasks)
        mean, variance = tf.gather(mean, batch.tasks), tf.gather(variance, batch.tasks)
        if noise is not None:
            mean, variance = mean + tf.sqrt(variance) * noise, tf.zeros_like(variance)
        scaled = weights * batch.scale
        data = dynamics.scaled(batch.data)
        psi = dynamics.psi_statistics(data, mean, variance, scaled)

        L = tf.linalg.cholesky(dynamics.inducing_covariance(self.model.relative_jitter))
        alpha = tf.linalg.triangular_solve(L, tf.convert_to_tensor(self.q_mu), adjoint=True)
        _, A = whiten(L, psi.Psi1, psi.covariance)
        explained = tf.reduce_sum(self._shrinkage() * A, [1, 2])
        fitted = tf.reduce_sum(tf.square(tf.linalg.matmul(psi.Psi1, alpha)), 0)
        fitted += tf.reduce_sum(alpha * tf.linalg.matmul(psi.covariance, alpha), 0)

        lengths = tf.reduce_sum(data.mask, -1)
        squares = tf.einsum("n,ntp->p", scaled, tf.square(data.outputs))
        psi0 = dynamics.kernel_x.variance * tf.reduce_sum(scaled * lengths)
        residual = squares - 2.0 * tf.reduce_sum(alpha * psi.Psi1Y, 0) + fitted + psi0 - explained
        count = tf.reduce_sum(batch.scale * lengths)
        log_weights = tf.reduce_sum(batch.scale * lengths * tf.math.log(weights))
        log_noise = LOG_TWO_PI + tf.math.log(tf.convert_to_tensor(dynamics.noise))
        misfit = dynamics.precision() * residual
        return 0.5 * tf.reduce_sum(log_weights - count * log_noise - misfit)


def draw_minibatch(
    data: TaskData, tasks: int | None, transitions: int | None, generator: tf.random.Generator
) -> Minibatch:
    """Draw a minibatch: `tasks` tasks without replacement, `transitions` of each with replacement.

    None stands for all. The cost does not depend on the size of `data`, apart from a shuffle of task
    indices.
    """
    number = tf.shape(data.mask)[0]
    lengths = tf.reduce_sum(data.mask, -1)
    if tasks is None:
        chosen, share = tf.range(number), tf.constant(1.0, data.mask.dtype)
    else:
        order = tf.argsort(generator.uniform([number]))
        chosen = order[:tasks]
        share = tf.cast(number, data.mask.dtype) / tf.cast(tf.shape(chosen)[0], data.mask.dtype)
    scale = share * tf.ones_like(tf.gather(lengths, chosen))
    if transitions is None:
        return Minibatch(chosen, TaskData(*(tf.gather(part, chosen) for part in data)), scale)
    length = tf.gather(lengths, chosen)
    position = generator.uniform([tf.shape(chosen)[0], transitions], dtype=data.mask.dtype)
    position = tf.cast(position * length[:, None], chosen.dtype)
    indices = tf.stack([tf.broadcast_to(chosen[:, None], tf.shape(position)), position], -1)
    batch = TaskData(*(tf.gather_nd(part, indices) for part in data))
    return Minibatch(chosen, batch, scale * length / float(transitions))
