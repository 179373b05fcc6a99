"""The moments of a sparse posterior of the dynamics: plain arrays, and prediction from them.

Inputs are standardised, outputs in units of their signals.

Given h the outputs are independent, one GP each.  The spread that an uncertain h adds is reported per output;
its covariance between outputs is not.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.use.expectations import Latents, pair_terms
from pamlflow.models.latent_gp.use.kernels import (
    decorrelate,
    expected_kernel,
    expected_kernel_pairs,
    expected_similarity,
    unit_kernel,
)
from pamlflow.types import FloatArray

NARROW = 0.01
"""Variances of h, in squared length-scales, up to which the variance of f is taken for linear in them."""


class SparseMoments(NamedTuple):
    """q(f) of the P dynamics outputs through M inducing points.

    With k(x, h) = variance * k_x(x, inducing_inputs) * k_h(h, inducing_latents), output p has mean
    `k' weights[:, p]` and variance `variance - sum_j reduction[p, j] (k' basis[v, :, j])^2`, where v = 0
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

    def moments(self, inputs: FloatArray, latent: LatentPosterior) -> tuple[FloatArray, FloatArray]:
        """Mean and variance [N, T, P] of f(x, h) at inputs [N, T, Dx], the N tasks' h under `latent`.

        The mean is exact. So is the variance, unless h is known to a tenth of every length-scale (`NARROW`): it
        is then right to first order in the variance of h. Noise is excluded.
        """
        outputs = self.weights.shape[1]
        excess = [self.excess_matrix(p) for p in range(outputs)] if self._any_wide(latent) else []
        f_mean = np.empty((*inputs.shape[:2], outputs))
        f_variance = np.empty_like(f_mean)
        # Task by task: the arrays of all tasks at once would not fit the memory of a job.
        for i, x in enumerate(inputs):
            if self._is_narrow(latent, i):
                f_mean[i], f_variance[i] = self._narrow_moments(x, latent, i)
                continue
            k, first, pairs = self._task_moments(x, latent, i)
            f_mean[i] = (k * first) @ self.weights
            for p, matrix in enumerate(excess):
                f_variance[i, :, p] = np.einsum("tm,tm->t", k @ (pairs * matrix), k)
            f_variance[i] += self.variance - np.square(f_mean[i])
        # Cancellation can leave a variance a rounding error below zero.
        return f_mean, np.maximum(f_variance, 0.0)

    def covariance(self, inputs: FloatArray, latent: LatentPosterior) -> FloatArray:
        """Covariance [P, N, T, N, T] of f between all inputs [N, T, Dx] of N tasks, noise excluded.

        Exact: all transitions of a task share its h, and the h of different tasks are independent.  The spread
        of h therefore adds to the covariance within a task, and between tasks it only weakens the kernel.
        """
        mean, spread = latent.mean, latent.covariance
        number, steps = inputs.shape[:2]
        outputs = range(self.weights.shape[1])
        if spread is None:
            spread = latent.variance[:, :, None] * np.eye(mean.shape[1])
        moments = [self._task_moments(x, latent, i) for i, x in enumerate(inputs)]
        result = np.empty((len(outputs), number, steps, number, steps))
        excess = [self.excess_matrix(p) for p in outputs]
        for i, (k, first, pairs) in enumerate(moments):
            f_mean = (k * first) @ self.weights
            prior = self.variance * unit_kernel(inputs[i], inputs[i], self.lengthscales_x)
            for p in outputs:
                second = prior + k @ (pairs * excess[p]) @ k.T
                result[p, i, :, i] = second - np.outer(f_mean[:, p], f_mean[:, p])
        reduced = [self.known_matrix(p) for p in outputs]
        for i, j in itertools.combinations(range(number), 2):
            prior = self.variance * unit_kernel(inputs[i], inputs[j], self.lengthscales_x)
            prior *= expected_similarity(
                mean[i] - mean[j], spread[i] + spread[j], self.lengthscales_h
            )
            ours, theirs = (k * first for k, first, _ in (moments[i], moments[j]))
            for p in outputs:
                result[p, i, :, j] = prior - ours @ reduced[p] @ theirs.T
                result[p, j, :, i] = result[p, i, :, j].T
        return result

    def task_noise(self, mean: FloatArray, noise: FloatArray) -> FloatArray:
        """Noise variance [N, P] of tasks whose q(h) has the means [N, Q], if it is `noise` [P] at h = 0."""
        scaled: FloatArray = np.exp(mean @ self.noise_slope)[:, None] * noise
        return scaled

    def known_matrix(self, output: int) -> FloatArray:
        """W [M, M] of one output, by which data reduce the prior: cov[f, f'] = variance k - k' W k'."""
        basis = self.basis[output % len(self.basis)]
        known: FloatArray = (basis * self.reduction[output]) @ basis.T
        return known

    def excess_matrix(self, output: int) -> FloatArray:
        """alpha alpha' - W [M, M] of one output: E[f^2] = variance + E[k' (alpha alpha' - W) k]."""
        alpha = self.weights[:, output]
        excess: FloatArray = np.outer(alpha, alpha) - self.known_matrix(output)
        return excess

    def _is_narrow(self, latent: LatentPosterior, task: int) -> bool:
        return bool((latent.variance[task] <= NARROW * np.square(self.lengthscales_h)).all())

    def _any_wide(self, latent: LatentPosterior) -> bool:
        return not all(self._is_narrow(latent, i) for i in range(len(latent.mean)))

    def _narrow_moments(
        self, inputs: FloatArray, latent: LatentPosterior, task: int
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and variance [T, P] of one task to first order in the variance of h; the mean is exact.

        With d of `expectations`, E[k k'] = E[k] E[k'] exp(d), and d is as small as the variance of h. To first
        order a variance takes products of T x M matrices with the basis, and no M x M matrix of the task.
        """
        mean, variance = latent.mean[task][None], latent.variance[task][None]
        points, lengthscales = self.inducing_latents, self.lengthscales_h
        if latent.covariance is not None:
            h = (mean, latent.covariance[task], points, lengthscales)
            mean, variance, points, lengthscales = decorrelate(*h)
        k = self.variance * unit_kernel(inputs, self.inducing_inputs, self.lengthscales_x)
        k *= expected_kernel(mean, variance, points, lengthscales)
        pairs = pair_terms(Latents(mean, variance, points, np.square(lengthscales)))
        cross, own, offset = pairs.cross[0], pairs.own[0], pairs.offset[0]
        u = points - mean
        f_mean, known = k @ self.weights, self._projected(k)
        second = offset * np.square(f_mean)
        explained = (1.0 + offset) * self._explained(known, known)
        for q in range(len(cross)):
            once, twice = k * u[:, q], k * np.square(u[:, q])
            second += 2.0 * own[q] * (twice @ self.weights) * f_mean
            second += cross[q] * np.square(once @ self.weights)
            explained += 2.0 * own[q] * self._explained(self._projected(twice), known)
            explained += cross[q] * self._explained(*2 * (self._projected(once),))
        return f_mean, self.variance - explained + second

    def _projected(self, k: FloatArray) -> FloatArray:
        """k' basis [H, T, M] of covariances k [T, M] to u."""
        return np.array([k @ basis for basis in self.basis])

    def _explained(self, one: FloatArray, other: FloatArray) -> FloatArray:
        """k' W k' [T, P] of two projections: with equal ones, the prior variance that data take away."""
        product = one * other
        if len(product) == 1:
            explained: FloatArray = product[0] @ self.reduction.T
            return explained
        each: FloatArray = np.einsum("ptm,pm->tp", product, self.reduction)
        return each

    def _task_moments(
        self, inputs: FloatArray, latent: LatentPosterior, task: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of one task, s2 k_x [T, M] of its inputs [T, Dx], and E[k_h] [M] and E[k_h k_h'] [M, M]."""
        k = self.variance * unit_kernel(inputs, self.inducing_inputs, self.lengthscales_x)
        mean, variance = latent.mean[task][None], latent.variance[task][None]
        h = (mean, variance, self.inducing_latents, self.lengthscales_h)
        if latent.covariance is not None:
            h = decorrelate(mean, latent.covariance[task], *h[2:])
        return k, expected_kernel(*h)[0], expected_kernel_pairs(*h)[0]
