"""The collapsed bound on the dynamics of all tasks, with its gradient in closed form.

The value never needs Psi2 itself (see `use.statistics`). The gradient may lose some digits, and needs no
more than the derivative S by Psi2: with exp(d_i) o S, one product per task serves both Psi1' Psi1 and the
covariance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import blas

from pamlflow.models.latent_gp.fit.closed_form.collapsed_terms import (
    CollapsedTerms,
    collapsed_terms,
    gaussian_terms,
    is_possible,
    unwhitened,
)
from pamlflow.models.latent_gp.use.expectations import Latents, PairTerms
from pamlflow.models.latent_gp.use.expectations_gradient import (
    add_expected_kernel,
    add_pair_terms,
)
from pamlflow.models.latent_gp.use.statistics import (
    DynamicsValues,
    PsiStatistics,
    Statistics,
    Transitions,
)
from pamlflow.types import FloatArray


class DynamicsGradient(NamedTuple):
    """Derivatives of the bound by the parameters and by the moments of q(H)."""

    values: DynamicsValues
    mean: FloatArray  # [N, Q]
    variance: FloatArray  # [N, Q]


class DynamicsBound:
    """The bound of some transitions, a function of parameters and q(H)."""

    def __init__(self, transitions: Transitions) -> None:
        """Take the transitions of all tasks."""
        self.transitions = transitions
        self.statistics = PsiStatistics(transitions)

    def __call__(
        self, values: DynamicsValues, mean: FloatArray, variance: FloatArray, jitter: float
    ) -> tuple[float, DynamicsGradient]:
        """Return the bound on E_q(H)[log p(Y | H, X)] at q(H) with moments [N, Q], and its gradient.

        It is NaN where rounding lifts it above what is possible. Raises NotPositiveDefinite.
        """
        found = self.statistics(values, mean, variance, jitter)
        precision = values.precision()
        terms = collapsed_terms(found.A, found.c, precision)
        lengths = self.transitions.lengths
        count, weighted = float(lengths.sum()), float(found.weights @ lengths)
        squares = np.square(found.outputs).sum(axis=0) + values.variance * weighted
        log_weights = float(np.log(found.weights) @ lengths)
        rest, ceiling = gaussian_terms(count, log_weights, squares, precision)
        gradient = self._gradient(values, found, terms, jitter)
        by_precision = terms.by_precision + 0.5 * (count / precision - squares)
        by_output = -np.einsum("mp,mp->p", found.c, terms.by_c)
        by_output += precision * np.square(found.outputs).sum(axis=0)
        by_scale = (2.0 * by_precision * precision + by_output - count) / values.output_scale
        by_noise = -by_precision * precision / values.noise
        value = terms.value + rest
        if not is_possible(value, ceiling):
            value = np.nan
        value -= count * float(np.log(values.output_scale).sum())
        parameters = gradient.values._replace(output_scale=by_scale, noise=by_noise)
        return value, gradient._replace(values=parameters)

    def _gradient(
        self, values: DynamicsValues, found: Statistics, terms: CollapsedTerms, jitter: float
    ) -> DynamicsGradient:
        """All derivatives but those by output scales and noise."""
        latents, weights, precision = found.latents, found.weights, values.precision()
        S = np.ascontiguousarray(unwhitened(found.inverse, terms.by_A))
        by_Psi1Y = blas.dtrmm(
            1.0, found.inverse, np.asfortranarray(terms.by_c), side=0, lower=1, trans_a=1
        )
        by = latents.zeros()
        log_Psi1 = self._by_log_psi1(found, S, by_Psi1Y, by)
        tasks = np.add.reduceat(log_Psi1, self.statistics.first, axis=0)  # [N, M]
        add_expected_kernel(by, latents, tasks)

        inputs, points = self.transitions.inputs, values.inducing_inputs
        columns, crossed = tasks.sum(axis=0), log_Psi1.T @ inputs
        squared_x = np.square(values.lengthscales_x)
        by_points = (crossed - columns[:, None] * points) / squared_x
        by_x = log_Psi1.sum(axis=1) @ np.square(inputs) + columns @ np.square(points)
        by_x -= 2.0 * np.einsum("md,md->d", points, crossed)

        prior = unwhitened(found.inverse, terms.by_Kuu) * values.unit_covariance()
        prior *= values.variance
        joint = np.hstack([points, latents.points])
        lengths = np.hstack([values.lengthscales_x, values.lengthscales_h])
        by_joint, by_lengths = by_distances(prior, joint, lengths)
        trace = np.trace(prior)

        size = len(values.lengthscales_x)
        by_variance = columns.sum() + prior.sum() + jitter * trace
        by_variance -= (
            0.5 * precision.sum() * values.variance * (weights @ self.transitions.lengths)
        )
        by_weights = self._by_log_weights(values, found, tasks, by_Psi1Y)
        parameters = DynamicsValues(
            by_variance / values.variance,
            by_x / values.lengthscales_x**3 + by_lengths[:size],
            2.0 * values.lengthscales_h * by.squared + by_lengths[size:],
            by_points + by_joint[:, :size],
            by.points + by_joint[:, size:],
            np.zeros_like(values.output_scale),
            np.zeros_like(values.noise),
            -by_weights @ latents.mean,
        )
        mean = by.mean - by_weights[:, None] * values.noise_slope
        return DynamicsGradient(parameters, mean, by.variance)

    def _by_log_psi1(
        self, found: Statistics, S: FloatArray, by_Psi1Y: FloatArray, by: Latents
    ) -> FloatArray:
        """The derivatives [n, M] by log Psi1; those through d_i are added to `by`."""
        latents, pairs = found.latents, found.pairs
        size, dimensions = latents.points.shape
        doubled, by_pairs = 2.0 * S, PairTerms(*(np.empty_like(part) for part in pairs))
        transposed = np.ascontiguousarray(by_Psi1Y.T)
        result, product = (
            self.statistics.buffer("by_Psi1", *found.Psi1.shape),
            np.empty((size, size)),
        )
        around = np.ones((size, dimensions + 1))
        for i, task in enumerate(self.statistics.tasks):
            gram, excess = self.statistics.pair(i, found)
            np.multiply(excess, doubled, out=product)
            product += doubled
            rows = result[task]
            np.dot(found.Psi1[task], product, out=rows)
            rows += found.outputs[task] @ transposed
            rows *= found.Psi1[task]
            product *= gram  # twice the derivative by d_i
            around[:, :-1] = u = latents.points - latents.mean[i]
            summed = product @ around
            along, total = 0.5 * summed[:, :-1], 0.5 * summed[:, -1]
            by_pairs.cross[i] = np.einsum("mq,mq->q", u, along)
            by_pairs.own[i] = 2.0 * total @ np.square(u)
            by_pairs.offset[i] = total.sum()
            pull = 2.0 * pairs.cross[i] * along + 4.0 * pairs.own[i] * u * total[:, None]
            by.points[:] += pull
            by.mean[i] -= pull.sum(axis=0)
        add_pair_terms(by, latents, by_pairs)
        return result

    def _by_log_weights(
        self, values: DynamicsValues, found: Statistics, tasks: FloatArray, by_Psi1Y: FloatArray
    ) -> FloatArray:
        """The derivatives [N] by the log weights of the tasks."""
        lengths, precision = self.transitions.lengths, values.precision()
        through_outputs = np.einsum("jp,jp->j", found.Psi1 @ by_Psi1Y, found.outputs)
        through_outputs -= np.square(found.outputs) @ precision
        prior = precision.sum() * values.variance * found.weights
        rest = (len(precision) - prior) * lengths
        summed = np.add.reduceat(through_outputs, self.statistics.first)
        result: FloatArray = 0.5 * (tasks.sum(axis=1) + summed + rest)
        return result


def by_distances(
    by_log: FloatArray, points: FloatArray, lengthscales: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the derivatives by points [M, D] and length-scales [D] through a squared-exponential kernel.

    `by_log` [M, M], symmetric, are the derivatives by the logarithms of the kernel between the points.
    """
    total, summed = by_log.sum(axis=1), by_log @ points
    by_points = 2.0 * (summed - total[:, None] * points) / np.square(lengthscales)
    by_lengths = 2.0 * (total @ np.square(points) - np.einsum("md,md->d", points, summed))
    return by_points, by_lengths / lengthscales**3
