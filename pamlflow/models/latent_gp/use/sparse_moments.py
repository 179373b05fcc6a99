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
from pamlflow.models.latent_gp.use.kernels import (
    decorrelate,
    expected_kernel,
    expected_kernel_pairs,
    expected_similarity,
    unit_kernel,
)
from pamlflow.types import FloatArray


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

        Exact moments; noise is excluded.
        """
        excess = [self.excess_matrix(p) for p in range(self.weights.shape[1])]
        f_mean = np.empty((*inputs.shape[:2], len(excess)))
        f_variance = np.empty_like(f_mean)
        # Task by task: the arrays of all tasks at once would not fit the memory of a job.
        for i, x in enumerate(inputs):
            k, first, pairs = self._task_moments(x, latent, i)
            f_mean[i] = (k * first) @ self.weights
            for p, matrix in enumerate(excess):
                f_variance[i, :, p] = np.einsum("tm,tm->t", k @ (pairs * matrix), k)
        f_variance += self.variance - np.square(f_mean)
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
