"""The collapsed bound on the descriptors of all tasks, with its gradient in closed form.

Each descriptor has its own GP of h with a linear mean, psi_r = intercept_r + slope_r' h + g_r(h) + noise. The
inducing points of g are latent means, so that they move with q(H) and cost no parameters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pamlflow.models.latent_gp.fit.closed_form.collapsed_terms import (
    collapsed_terms,
    gaussian_terms,
    is_possible,
    unwhitened,
)
from pamlflow.models.latent_gp.fit.closed_form.dynamics_bound import by_distances
from pamlflow.models.latent_gp.use.expectations import (
    Latents,
    PairTerms,
    log_expected_kernel,
    pair_terms,
)
from pamlflow.models.latent_gp.use.expectations_gradient import (
    add_expected_kernel,
    add_pair_terms,
)
from pamlflow.models.latent_gp.use.statistics import unit_covariance
from pamlflow.models.latent_gp.use.whitening import whitened, whitening
from pamlflow.types import FloatArray, IntArray


class DescriptorValues(NamedTuple):
    """The parameters of the descriptor view, or the derivatives by them."""

    lengthscales: FloatArray  # [R, Q]
    variance: FloatArray  # [R] of g
    noise: FloatArray  # [R] variance
    slope: FloatArray  # [Q, R]
    intercept: FloatArray  # [R]


class DescriptorGradient(NamedTuple):
    """Derivatives of the bound by the parameters and by the moments of q(H)."""

    values: DescriptorValues
    mean: FloatArray  # [N, Q]
    variance: FloatArray  # [N, Q]


class Statistics(NamedTuple):
    """What the bound on one descriptor is made of at some parameters and q(H)."""

    latents: Latents
    residual: FloatArray  # [N] from the linear mean at the mean of q(h)
    tilt: FloatArray  # [N, Q] how far the kernel draws the mean of h towards an inducing point
    targets: FloatArray  # [N, G] expected residuals under q(h) times the kernel
    Psi1: FloatArray  # [N, G]
    around: FloatArray  # [N, G, Q] inducing points as seen from the means
    pairs: PairTerms
    excess: FloatArray  # [N, G, G] exp(d_i) - 1
    inverse: FloatArray  # [G, G] L^-1
    A: FloatArray  # [G, G] L^-1 Psi2 L^-T
    c: FloatArray  # [G, 1] L^-1 Psi1'Y
    squares: float  # expected squared residuals


class DescriptorBound:
    """The bound of the descriptors of some tasks, a function of parameters and q(H)."""

    def __init__(self, descriptors: FloatArray, inducing: IntArray) -> None:
        """Take standardised `descriptors` [N, R], and which G tasks are the inducing points."""
        self.descriptors = descriptors
        self.inducing = inducing

    def __call__(
        self, values: DescriptorValues, mean: FloatArray, variance: FloatArray, jitter: float
    ) -> tuple[float, DescriptorGradient]:
        """Return the bound on E_q(H)[log p(Psi | H)] at q(H) with moments [N, Q], and its gradient.

        It is the sum over descriptors, NaN where rounding lifts one above what is possible. Raises
        NotPositiveDefinite.
        """
        gradient = DescriptorGradient(
            DescriptorValues(*(np.zeros_like(part) for part in values)),
            np.zeros_like(mean),
            np.zeros_like(variance),
        )
        total = 0.0
        for r in range(self.descriptors.shape[1]):
            total += self._bound(r, values, mean, variance, jitter, gradient)
        return total, gradient

    def statistics(
        self,
        r: int,
        values: DescriptorValues,
        mean: FloatArray,
        variance: FloatArray,
        jitter: float,
    ) -> Statistics:
        """Return the whitened psi statistics of descriptor `r`."""
        points, squared = mean[self.inducing], np.square(values.lengthscales[r])
        latents = Latents(mean, variance, points, squared)
        slope = values.slope[:, r]
        residual = self.descriptors[:, r] - values.intercept[r] - mean @ slope
        around = points - mean[:, None]
        tilt = variance / (squared + variance)
        targets = residual[:, None] - np.einsum("ngq,nq->ng", around, tilt * slope)
        Psi1 = values.variance[r] * np.exp(log_expected_kernel(latents))
        pairs = pair_terms(latents)
        own = np.einsum("ngq,nq->ng", np.square(around), pairs.own)
        excess = (around * pairs.cross[:, None]) @ np.swapaxes(around, 1, 2)
        excess += own[:, None] + own[:, :, None] + pairs.offset[:, None, None]
        np.expm1(excess, out=excess)
        covariance = np.einsum("ng,nh,ngh->gh", Psi1, Psi1, excess)
        prior = values.variance[r] * unit_covariance(points / values.lengthscales[r])
        prior[np.diag_indices(len(prior))] *= 1.0 + jitter
        inverse = whitening(prior)
        projected = inverse @ Psi1.T
        A = projected @ projected.T + whitened(inverse, covariance)
        c = inverse @ np.sum(Psi1 * targets, axis=0)[:, None]
        squares = np.square(residual).sum() + np.sum(variance @ np.square(slope))
        return Statistics(
            latents, residual, tilt, targets, Psi1, around, pairs, excess, inverse, A, c, squares
        )

    def _bound(
        self,
        r: int,
        values: DescriptorValues,
        mean: FloatArray,
        variance: FloatArray,
        jitter: float,
        gradient: DescriptorGradient,
    ) -> float:
        """Return the bound on descriptor `r`, and add its derivatives to `gradient`."""
        found = self.statistics(r, values, mean, variance, jitter)
        signal, count = values.variance[r], float(len(mean))
        precision = 1.0 / values.noise[r, None]
        terms = collapsed_terms(found.A, found.c, precision)
        squares = np.array([found.squares + count * signal])
        rest, ceiling = gaussian_terms(count, 0.0, squares, precision)
        by_precision = terms.by_precision + 0.5 * (count / precision - squares)
        gradient.values.noise[r] = -by_precision[0] / values.noise[r] ** 2
        self._add_derivatives(r, values, found, terms.by_A, terms.by_c, precision[0], gradient)

        prior = unwhitened(found.inverse, terms.by_Kuu)
        prior *= signal * unit_covariance(found.latents.points / values.lengthscales[r])
        by_points, by_lengths = by_distances(prior, found.latents.points, values.lengthscales[r])
        np.add.at(gradient.mean, self.inducing, by_points)
        gradient.values.lengthscales[r] += by_lengths
        by_prior = (prior.sum() + jitter * np.trace(prior)) / signal
        gradient.values.variance[r] += by_prior - 0.5 * count * precision[0]
        value = terms.value + rest
        return value if is_possible(value, ceiling) else np.nan

    def _add_derivatives(
        self,
        r: int,
        values: DescriptorValues,
        found: Statistics,
        by_A: FloatArray,
        by_c: FloatArray,
        precision: float,
        gradient: DescriptorGradient,
    ) -> None:
        """Add the derivatives through the psi statistics and the expected squared residuals."""
        latents, around, slope = found.latents, found.around, values.slope[:, r]
        by_Psi2, by_projection = unwhitened(found.inverse, by_A), (found.inverse.T @ by_c)[:, 0]
        weighted = (1.0 + found.excess) * by_Psi2
        by_Psi1 = 2.0 * np.einsum("ng,ngh->nh", found.Psi1, weighted)
        by_log = found.Psi1 * (by_Psi1 + found.targets * by_projection)
        by_targets = found.Psi1 * by_projection

        by = latents.zeros()
        add_expected_kernel(by, latents, by_log)
        by_log_pairs = weighted * found.Psi1[:, :, None] * found.Psi1[:, None]
        along, total = by_log_pairs @ around, by_log_pairs.sum(axis=2)
        pairs = found.pairs
        by_pairs = PairTerms(
            np.einsum("ngq,ngq->nq", around, along),
            2.0 * np.einsum("ng,ngq->nq", total, np.square(around)),
            total.sum(axis=1),
        )
        add_pair_terms(by, latents, by_pairs)
        pull = 2.0 * pairs.cross[:, None] * along
        pull += 4.0 * pairs.own[:, None] * around * total[..., None]
        pull -= by_targets[..., None] * (found.tilt * slope)[:, None]
        by.points[:] += pull.sum(axis=0)
        by.mean[:] -= pull.sum(axis=1)

        shifted = np.einsum("ng,ngq->nq", by_targets, around)
        spread = np.square(latents.squared + latents.variance)
        by_tilt = -shifted * slope
        by.variance[:] += by_tilt * latents.squared / spread
        by.squared[:] -= np.sum(by_tilt * latents.variance / spread, axis=0)
        by_residual = by_targets.sum(axis=1) - precision * found.residual
        by.mean[:] -= by_residual[:, None] * slope
        by.variance[:] -= 0.5 * precision * np.square(slope)

        gradient.values.slope[:, r] -= np.sum(shifted * found.tilt, axis=0)
        gradient.values.slope[:, r] -= by_residual @ latents.mean
        gradient.values.slope[:, r] -= precision * slope * latents.variance.sum(axis=0)
        gradient.values.intercept[r] -= by_residual.sum()
        gradient.values.variance[r] += by_log.sum() / values.variance[r]
        gradient.values.lengthscales[r] += 2.0 * values.lengthscales[r] * by.squared
        gradient.mean[:] += by.mean
        np.add.at(gradient.mean, self.inducing, by.points)
        gradient.variance[:] += by.variance
