"""The posterior of the dynamics that every bound ends in: plain arrays, and prediction from them.

Nothing here needs TensorFlow: files are scored, candidates inferred and users' predictions made from the
arrays of a round file alone.  Inputs are standardised, outputs in units of their signals.

Given h the outputs are independent, one GP each.  The spread that an uncertain h adds is reported per output;
its covariance between outputs is not.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from pamlflow.types import FloatArray


class DynamicsPosterior(NamedTuple):
    """q(f) of the P dynamics outputs through M inducing points.

    With k(x, h) = variance * k_x(x, inducing_inputs) * k_h(h, inducing_latents), output p has mean
    ``k' weights[:, p]`` and variance ``variance - sum_j reduction[p, j] (k' basis[v, :, j])^2``, where v = 0
    if the outputs share one basis (collapsed bound) and v = p if not (free q(u)).
    """

    inducing_inputs: FloatArray  # [M, Dx]
    inducing_latents: FloatArray  # [M, Q]
    lengthscales_x: FloatArray  # [Dx]
    lengthscales_h: FloatArray  # [Q]
    variance: FloatArray  # []
    weights: FloatArray  # [M, P]
    basis: FloatArray  # [H, M, M]
    reduction: FloatArray  # [P, M]
    noise: FloatArray  # [P] noise variance of a task with h = 0 in the bound
    noise_slope: FloatArray  # [Q] the log noise variance of task i grows by noise_slope' h_i
    predictive_noise: FloatArray  # [P] noise variance of a task with h = 0 in predictions


def unit_kernel(points: FloatArray, centres: FloatArray, lengthscales: FloatArray) -> FloatArray:
    """Unit-variance squared-exponential kernel between points [..., D] and centres [M, D]: [..., M]."""
    scaled = points / lengthscales
    centred = centres / lengthscales
    squares = np.sum(np.square(scaled), axis=-1, keepdims=True)
    exponent: FloatArray = scaled @ centred.T
    exponent -= 0.5 * (squares + np.sum(np.square(centred), axis=-1))
    return np.exp(exponent, out=exponent)


def task_noise(posterior: DynamicsPosterior, mean: FloatArray, noise: FloatArray) -> FloatArray:
    """Noise variance [N, P] of tasks whose q(h) has the means [N, Q], if it is ``noise`` [P] at h = 0."""
    scaled: FloatArray = np.exp(mean @ posterior.noise_slope)[:, None] * noise
    return scaled


def expected_kernel(
    mean: FloatArray, variance: FloatArray, inducing: FloatArray, lengthscales: FloatArray
) -> FloatArray:
    """E[k(h_i, z_m)] [N, M] of a unit-variance kernel under h_i ~ N(mean_i, diag(variance_i))."""
    spread = np.square(lengthscales) + variance
    distance = np.sum(np.square(mean[:, None] - inducing) / spread[:, None], axis=-1)
    log_scale = np.sum(np.log(spread / np.square(lengthscales)), axis=-1)
    expected: FloatArray = np.exp(-0.5 * (distance + log_scale[:, None]))
    return expected


def expected_kernel_pairs(
    mean: FloatArray, variance: FloatArray, inducing: FloatArray, lengthscales: FloatArray
) -> FloatArray:
    """E[k(h_i, z_m) k(h_i, z_m')] [N, M, M] of a unit-variance kernel."""
    squared = np.square(lengthscales)
    spread = squared + 2.0 * variance
    difference = np.square(inducing[:, None] - inducing) @ (0.25 / squared)
    midpoint = 0.5 * (inducing[:, None] + inducing)
    exponent: FloatArray = np.tile(-difference, (len(mean), 1, 1))
    for q in range(mean.shape[1]):
        offset = mean[:, q, None, None] - midpoint[:, :, q]
        exponent -= np.square(offset, out=offset) / spread[:, q, None, None]
    exponent -= 0.5 * np.sum(np.log(spread / squared), axis=-1)[:, None, None]
    return np.exp(exponent, out=exponent)


def known_matrix(posterior: DynamicsPosterior, output: int) -> FloatArray:
    """W [M, M] of one output, by which data reduce the prior: cov[f, f'] = variance k - k' W k'."""
    basis = posterior.basis[output % len(posterior.basis)]
    known: FloatArray = (basis * posterior.reduction[output]) @ basis.T
    return known


def excess_matrix(posterior: DynamicsPosterior, output: int) -> FloatArray:
    """alpha alpha' - W [M, M] of one output: E[f^2] = variance + E[k' (alpha alpha' - W) k]."""
    alpha = posterior.weights[:, output]
    excess: FloatArray = np.outer(alpha, alpha) - known_matrix(posterior, output)
    return excess


def predict_function(
    posterior: DynamicsPosterior,
    inputs: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    covariance: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Mean and variance [N, T, P] of f(x, h) at inputs [N, T, Dx], h_i Gaussian: see LatentPosterior.

    Exact moments; noise is excluded.
    """
    excess = [excess_matrix(posterior, p) for p in range(posterior.weights.shape[1])]
    f_mean = np.empty((*inputs.shape[:2], len(excess)))
    f_variance = np.empty_like(f_mean)
    # Task by task: the arrays of all tasks at once would not fit the memory of a job.
    for i, x in enumerate(inputs):
        own = None if covariance is None else covariance[i]
        k, first, pairs = _task_moments(posterior, x, mean[i], variance[i], own)
        f_mean[i] = (k * first) @ posterior.weights
        for p, matrix in enumerate(excess):
            f_variance[i, :, p] = np.einsum("tm,tm->t", k @ (pairs * matrix), k)
    f_variance += posterior.variance - np.square(f_mean)
    # Cancellation can leave a variance a rounding error below zero.
    return f_mean, np.maximum(f_variance, 0.0)


def predict_covariance(
    posterior: DynamicsPosterior,
    inputs: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    covariance: FloatArray | None = None,
) -> FloatArray:
    """Covariance [P, N, T, N, T] of f between all inputs [N, T, Dx] of N tasks, h_i as in predict_function.

    Exact: all transitions of a task share its h, and the h of different tasks are independent.  The spread
    of h therefore adds to the covariance within a task, and between tasks it only weakens the kernel.
    """
    number, steps = inputs.shape[:2]
    outputs = range(posterior.weights.shape[1])
    spread = variance[:, :, None] * np.eye(mean.shape[1]) if covariance is None else covariance
    own = [None] * number if covariance is None else list(covariance)
    moments = [
        _task_moments(posterior, *task) for task in zip(inputs, mean, variance, own, strict=True)
    ]
    result = np.empty((len(outputs), number, steps, number, steps))
    excess = [excess_matrix(posterior, p) for p in outputs]
    for i, (k, first, pairs) in enumerate(moments):
        f_mean = (k * first) @ posterior.weights
        prior = posterior.variance * unit_kernel(inputs[i], inputs[i], posterior.lengthscales_x)
        for p in outputs:
            second = prior + k @ (pairs * excess[p]) @ k.T
            result[p, i, :, i] = second - np.outer(f_mean[:, p], f_mean[:, p])
    reduced = [known_matrix(posterior, p) for p in outputs]
    for i, j in itertools.combinations(range(number), 2):
        prior = posterior.variance * unit_kernel(inputs[i], inputs[j], posterior.lengthscales_x)
        prior *= _expected_similarity(
            mean[i] - mean[j], spread[i] + spread[j], posterior.lengthscales_h
        )
        ours, theirs = (k * first for k, first, _ in (moments[i], moments[j]))
        for p in outputs:
            result[p, i, :, j] = prior - ours @ reduced[p] @ theirs.T
            result[p, j, :, i] = result[p, i, :, j].T
    return result


def _task_moments(
    posterior: DynamicsPosterior,
    inputs: FloatArray,
    mean: FloatArray,
    variance: FloatArray,
    covariance: FloatArray | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of one task, s2 k_x [T, M] of its inputs [T, Dx], and the moments E[k_h] [M] and E[k_h k_h'] [M, M]."""
    k = posterior.variance * unit_kernel(
        inputs, posterior.inducing_inputs, posterior.lengthscales_x
    )
    h = (mean[None], variance[None], posterior.inducing_latents, posterior.lengthscales_h)
    if covariance is not None:
        h = _decorrelate(mean[None], covariance, *h[2:])
    return k, expected_kernel(*h)[0], expected_kernel_pairs(*h)[0]


def _expected_similarity(
    offset: FloatArray, covariance: FloatArray, lengthscales: FloatArray
) -> float:
    """E[k_h(h, h')] of a unit-variance kernel, h - h' ~ N(offset [Q], covariance [Q, Q])."""
    scaled = np.eye(len(offset)) + covariance / np.outer(lengthscales, lengthscales)
    distance = offset / lengthscales
    exponent = distance @ np.linalg.solve(scaled, distance) + np.linalg.slogdet(scaled)[1]
    return float(np.exp(-0.5 * exponent))


def _decorrelate(
    mean: FloatArray, covariance: FloatArray, inducing: FloatArray, lengthscales: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Arguments of ``expected_kernel`` for h ~ N(mean [1, Q], covariance [Q, Q]) of one task.

    In units of its length-scales the kernel is the same along all axes: turned, they have no covariance.
    """
    spread, axes = np.linalg.eigh(covariance / np.outer(lengthscales, lengthscales))
    turn = axes / lengthscales[:, None]
    return mean @ turn, np.maximum(spread, 0.0)[None], inducing @ turn, np.ones_like(lengthscales)
