"""q(h*) of unseen tasks, all tasks at once, with the model frozen (Sections 2 and 3 of the paper).

Two objectives.  ``elbo`` is the paper's: E_q(h) E_q(f) [log p(y | f)] - KL.  ``predictive`` scores the data
under the density that is used for prediction, log N(y; mean, variance + noise) - KL, where the variance holds
the uncertainty of f and of h; it does not punish a task twice for being far from the training tasks.  Either
can add log p(psi* | h), and without transitions that term alone infers h* from the descriptor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from pamlflow.models.batched_bfgs import minimise_batch
from pamlflow.models.descriptor_gp import DescriptorPosterior, predict_descriptors
from pamlflow.models.dynamics_gp import TaskData
from pamlflow.models.latent import kl_from_prior
from pamlflow.models.posterior import (
    DynamicsPosterior,
    excess_matrices,
    input_kernel,
    kernel_at,
    task_noise,
)
from pamlflow.models.psi_statistics import expected_kernel, pair_features
from pamlflow.types import FloatArray, IntArray

Objective: TypeAlias = Literal["predictive", "elbo"]
# Log density of the evidence of n tasks, from the moments of q(h) [n, Q] and the indices of the tasks [n].
Evidence: TypeAlias = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]

INITIAL_LOG_VARIANCE = -4.0
MAX_ITERATIONS = 60
VALUE_TOLERANCE = 1e-3  # nats
LOG_TWO_PI = float(np.log(2.0 * np.pi))


class LatentPosterior(NamedTuple):
    """q(h*) = N(mean, diag(variance)) of N tasks."""

    mean: FloatArray  # [N, Q]
    variance: FloatArray  # [N, Q]


def infer_latents(evidence: Sequence[Evidence], starts: FloatArray, number: int) -> LatentPosterior:
    """Maximise sum(evidence) - KL over q(h*) of ``number`` tasks, each on its own.

    Every task starts at the best of ``starts`` [S, Q] and then follows a BFGS of its own.  Without evidence
    the result is the prior.
    """
    dimensions = starts.shape[1]
    if not evidence:
        return LatentPosterior(np.zeros((number, dimensions)), np.ones((number, dimensions)))

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[
            tf.TensorSpec([None, 2 * dimensions], tf.float64),
            tf.TensorSpec([None], tf.int64),
        ],
        autograph=False,
    )
    def value_and_gradient(position: tf.Tensor, tasks: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(position)
            mean, log_variance = tf.split(position, 2, axis=-1)
            variance = tf.exp(log_variance)
            value = kl_from_prior(mean, variance)
            for term in evidence:
                value -= term(mean, variance, tasks)
        return value, tape.gradient(value, position)

    def function(position: FloatArray, tasks: IntArray) -> tuple[FloatArray, FloatArray]:
        value, gradient = value_and_gradient(position, tasks)
        return value.numpy(), gradient.numpy()

    tasks = np.arange(number)
    best = np.full(number, np.inf)
    position = np.zeros((number, 2 * dimensions))
    for start in starts:
        candidate = np.hstack([start, np.full(dimensions, INITIAL_LOG_VARIANCE)])
        value, _ = function(np.tile(candidate, (number, 1)), tasks)
        position[value < best] = candidate
        best = np.minimum(best, np.where(np.isnan(value), np.inf, value))
    position = minimise_batch(
        function, position, iterations=MAX_ITERATIONS, tolerance=VALUE_TOLERANCE
    )
    mean, log_variance = np.split(position, 2, axis=-1)
    return LatentPosterior(mean, np.exp(log_variance))


def latent_starts(training_means: FloatArray, points: int = 5) -> FloatArray:
    """Starting points for h*: a coarse grid that covers the training tasks and the prior, and the origin."""
    low = np.minimum(training_means.min(axis=0), -1.0) - 0.5
    high = np.maximum(training_means.max(axis=0), 1.0) + 0.5
    axes = [np.linspace(a, b, points) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    return np.vstack([np.zeros((1, len(axes))), grid])


def descriptor_evidence(posterior: DescriptorPosterior, descriptors: FloatArray) -> Evidence:
    """log p(psi* | h) with h integrated out under q(h*); standardised ``descriptors`` [N, R]."""
    target = tf.constant(descriptors)

    def evidence(mean: tf.Tensor, variance: tf.Tensor, tasks: tf.Tensor) -> tf.Tensor:
        predicted, spread = predict_descriptors(posterior, mean, variance)
        return _log_normal(tf.gather(target, tasks) - predicted, spread, [-1])

    return evidence


def dynamics_evidence(
    posterior: DynamicsPosterior, data: TaskData, objective: Objective
) -> Evidence:
    """Evidence of the transitions in ``data`` under the chosen objective."""
    make = {"predictive": _predictive_evidence, "elbo": _elbo_evidence}[objective]
    return make(posterior, data)


def _predictive_evidence(posterior: DynamicsPosterior, data: TaskData) -> Evidence:
    """sum_t log N(y_t; mean, variance + noise), with the moments of f linearised in h around the mean of q(h*).

    The exact moments cost M x M per output, transition and evaluation; with the linearisation, the outputs
    share one product with the posterior's basis.  Predictions use the exact moments.
    """
    kernel = input_kernel(posterior, data.inputs)

    def evidence(mean: tf.Tensor, variance: tf.Tensor, tasks: tf.Tensor) -> tf.Tensor:
        k = kernel_at(posterior, tf.gather(kernel, tasks), mean)
        offsets = posterior.inducing_latents - mean[:, None, :]
        slopes = offsets / tf.square(posterior.lengthscales_h)
        f_mean = tf.linalg.matmul(k, posterior.weights)
        tangents = slopes[:, :, :, None] * posterior.weights[:, None, :]
        shape = tf.shape(tangents)
        flat = tf.reshape(tangents, [shape[0], shape[1], shape[2] * shape[3]])
        jacobian = tf.reshape(
            tf.linalg.matmul(k, flat), [shape[0], tf.shape(k)[1], shape[2], shape[3]]
        )
        f_variance = function_variance(posterior, k)
        f_variance += tf.einsum("ntqp,nq->ntp", tf.square(jacobian), variance)
        total = f_variance + task_noise(posterior, mean)[:, None, :]
        return _log_normal(
            tf.gather(data.outputs, tasks) - f_mean, total, [-1], tf.gather(data.mask, tasks)
        )

    return evidence


def function_variance(posterior: DynamicsPosterior, k: tf.Tensor) -> tf.Tensor:
    """Variance of f [N, T, P] at known h, from k(x, h) [N, T, M]."""
    if posterior.basis.shape[0] == 1:
        projected = tf.square(tf.linalg.matmul(k, posterior.basis[0]))
        explained = tf.linalg.matmul(projected, posterior.reduction, transpose_b=True)
    else:
        projected = tf.square(tf.einsum("ntm,pmj->ntpj", k, posterior.basis))
        explained = tf.einsum("ntpj,pj->ntp", projected, posterior.reduction)
    return tf.maximum(posterior.variance - explained, 0.0)


def _elbo_evidence(posterior: DynamicsPosterior, data: TaskData) -> Evidence:
    """E_q(h) E_q(f) [log p(y | f, h)] in closed form: one M x M product per task and evaluation."""
    kernel = input_kernel(posterior, data.inputs) * data.mask[..., None]
    gram = tf.linalg.matmul(kernel, kernel, transpose_a=True)
    precision = 1.0 / posterior.noise
    excess = tf.add_n(
        [b * x for b, x in zip(tf.unstack(precision), excess_matrices(posterior), strict=True)]
    )
    weighted_gram = tf.square(posterior.variance) * gram * excess
    weighted_gram = tf.reshape(weighted_gram, [tf.shape(gram)[0], -1])
    fit = tf.linalg.matmul(kernel, data.outputs * precision, transpose_a=True)
    linear = posterior.variance * tf.reduce_sum(fit * posterior.weights, -1)
    lengths = tf.reduce_sum(data.mask, -1)
    squares = tf.einsum("ntp,p->n", tf.square(data.outputs), precision)
    squares += lengths * posterior.variance * tf.reduce_sum(precision)
    outputs = tf.cast(tf.size(posterior.noise), lengths.dtype)
    constant = tf.reduce_sum(LOG_TWO_PI + tf.math.log(posterior.noise))

    def evidence(mean: tf.Tensor, variance: tf.Tensor, tasks: tf.Tensor) -> tf.Tensor:
        latent = (mean, variance, posterior.inducing_latents, posterior.lengthscales_h)
        features, pairs = pair_features(*latent)
        pairwise = tf.exp(tf.linalg.matmul(features, pairs))
        quadratic = tf.reduce_sum(pairwise * tf.gather(weighted_gram, tasks), -1)
        cross = tf.reduce_sum(expected_kernel(*latent) * tf.gather(linear, tasks), -1)
        log_scale = tf.linalg.matvec(mean, posterior.noise_slope)
        residual = tf.exp(-log_scale) * (tf.gather(squares, tasks) - 2.0 * cross + quadratic)
        count = tf.gather(lengths, tasks)
        return -0.5 * (count * (constant + outputs * log_scale) + residual)

    return evidence


def _log_normal(
    residual: tf.Tensor, variance: tf.Tensor, axes: list[int], mask: tf.Tensor | None = None
) -> tf.Tensor:
    """Log density of independent Gaussians, summed over outputs and, with a mask [N, T], over transitions."""
    density = -0.5 * tf.reduce_sum(
        LOG_TWO_PI + tf.math.log(variance) + tf.square(residual) / variance, axes
    )
    return density if mask is None else tf.reduce_sum(mask * density, -1)
