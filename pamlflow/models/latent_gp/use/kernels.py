"""The squared-exponential kernel, and its expectations under a Gaussian h, in NumPy."""

from __future__ import annotations

import numpy as np

from pamlflow.types import FloatArray


def unit_kernel(points: FloatArray, centres: FloatArray, lengthscales: FloatArray) -> FloatArray:
    """Unit-variance squared-exponential kernel between points [..., D] and centres [M, D]: [..., M]."""
    scaled = points / lengthscales
    centred = centres / lengthscales
    squares = np.sum(np.square(scaled), axis=-1, keepdims=True)
    exponent: FloatArray = scaled @ centred.T
    exponent -= 0.5 * (squares + np.sum(np.square(centred), axis=-1))
    return np.exp(exponent, out=exponent)


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


def expected_similarity(
    offset: FloatArray, covariance: FloatArray, lengthscales: FloatArray
) -> float:
    """E[k_h(h, h')] of a unit-variance kernel, h - h' ~ N(offset [Q], covariance [Q, Q])."""
    scaled = np.eye(len(offset)) + covariance / np.outer(lengthscales, lengthscales)
    distance = offset / lengthscales
    exponent = distance @ np.linalg.solve(scaled, distance) + np.linalg.slogdet(scaled)[1]
    return float(np.exp(-0.5 * exponent))


def decorrelate(
    mean: FloatArray, covariance: FloatArray, inducing: FloatArray, lengthscales: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Arguments of `expected_kernel` for h ~ N(mean [1, Q], covariance [Q, Q]) of one task.

    In units of its length-scales the kernel is the same along all axes: turned, they have no covariance.
    """
    spread, axes = np.linalg.eigh(covariance / np.outer(lengthscales, lengthscales))
    turn = axes / lengthscales[:, None]
    return mean @ turn, np.maximum(spread, 0.0)[None], inducing @ turn, np.ones_like(lengthscales)
