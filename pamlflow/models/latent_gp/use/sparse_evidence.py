"""What transitions say of h*, by a sparse posterior of the dynamics.

`PredictiveEvidence` linearises the moments in h around the mean of q(h*), as that of descriptors does.  The
exact moments cost M x M per output, transition and evaluation; linearised, all outputs share one product with
the posterior's basis.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from pamlflow.models.interface import TaskArrays
from pamlflow.models.latent_gp.use.evidence import LOG_TWO_PI, Gradients
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
from pamlflow.models.latent_gp.use.kernels import unit_kernel
from pamlflow.models.latent_gp.use.pair_sums import pair_sums
from pamlflow.models.latent_gp.use.sparse_moments import SparseMoments
from pamlflow.types import FloatArray, IntArray

TOGETHER = 4
"""Tasks whose transitions the ELBO projects at once: more of them would not fit a processor's cache."""


class PredictiveEvidence:
    """sum_t log N(y_t; mean, variance + predictive noise) of the transitions of each task."""

    def __init__(self, posterior: SparseMoments, data: TaskArrays) -> None:
        """Compute what does not depend on h: k_x of all transitions."""
        self._posterior = posterior
        self._data = data
        self._kernel = posterior.variance * unit_kernel(
            data.inputs, posterior.inducing_inputs, posterior.lengthscales_x
        )

    def __call__(self, mean: FloatArray, variance: FloatArray, tasks: IntArray) -> Gradients:
        """See Evidence."""
        posterior = self._posterior
        latents, lengthscales = posterior.inducing_latents, posterior.lengthscales_h
        mask = self._data.mask[tasks][..., None]
        k = self._kernel[tasks] * unit_kernel(mean, latents, lengthscales)[:, None]
        slopes = (latents - mean[:, None]) / np.square(lengthscales)  # d log k / d h: [n, M, Q]

        f_mean = k @ posterior.weights
        tangents = slopes[..., None] * posterior.weights[:, None]  # [n, M, Q, P]
        jacobian = _batched(k, tangents)  # [n, T, Q, P]
        projected, explained = self._project(k)
        noise = posterior.task_noise(mean, posterior.predictive_noise)[:, None]
        spread = np.einsum("ntqp,nq->ntp", np.square(jacobian), variance)
        function = np.maximum(posterior.variance - explained, 0.0)
        total = function + spread + noise
        value, d_mean, d_total = _log_normal(self._data.outputs[tasks] - f_mean, total, mask)

        # Through k: the mean of f and its variance at the mean of q(h) ...
        d_k = d_mean @ posterior.weights.T - 2.0 * self._project_back(
            projected, d_total * (function > 0.0)
        )
        gradient = np.einsum("nm,nmq->nq", np.einsum("ntm,ntm->nm", d_k, k), slopes)
        # ... through the Jacobian, whose own derivative is the Hessian of the mean ...
        d_jacobian = 2.0 * d_total[:, :, None] * jacobian * variance[:, None, :, None]
        curved = _batched(k, slopes[..., None, None] * tangents[:, :, None])  # [n, T, Q, Q, P]
        gradient += np.einsum("ntqrp,ntrp->nq", curved, d_jacobian)
        straight = np.einsum("ntqp,ntp->nq", d_jacobian, f_mean)
        gradient -= straight / np.square(lengthscales)
        # ... and through the noise of the task.
        gradient += np.sum(d_total * noise, axis=(1, 2))[:, None] * posterior.noise_slope
        return Gradients(value, gradient, np.einsum("ntp,ntqp->nq", d_total, np.square(jacobian)))

    def _project(self, k: FloatArray) -> tuple[FloatArray, FloatArray]:
        """k' basis [H, n, T, M], and the variance that it explains [n, T, P]."""
        reduction, basis = self._posterior.reduction, self._posterior.basis
        flat = k.reshape(-1, k.shape[-1])  # one product instead of one for each task
        projected = np.array([flat @ each for each in basis]).reshape(len(basis), *k.shape)
        if len(projected) == 1:
            return projected, np.square(projected[0]) @ reduction.T
        return projected, np.einsum("pntm,pm->ntp", np.square(projected), reduction)

    def _project_back(self, projected: FloatArray, d_total: FloatArray) -> FloatArray:
        """Half the derivative of sum(d_total * explained) by k: [n, T, M]."""
        basis, reduction = self._posterior.basis, self._posterior.reduction
        if len(basis) == 1:
            rows = projected[0] * (d_total @ reduction)
            shared: FloatArray = rows.reshape(-1, rows.shape[-1]) @ basis[0].T
            return shared.reshape(rows.shape)
        weighted = projected * np.moveaxis(d_total, -1, 0)[..., None] * reduction[:, None, None]
        back: FloatArray = np.sum(weighted @ np.swapaxes(basis, 1, 2)[:, None], axis=0)
        return back


class ElboEvidence:
    """The paper's objective E_q(h) E_q(f) [log p(y | f, h)], in closed form: M x M per task and evaluation.

    As in the paper, the noise is the bound's and the same for all tasks: free to choose, the ELBO would call a
    task noisy sooner than far away.

    With K [T, M] the s2 k_x of one task, E [M] and d [M, M] of `expectations`, Psi1 = K o E, W_p of
    `known_matrix` and beta_p one over the noise variances, it is up to a constant minus half of

        sum_p beta_p |y_p - Psi1 alpha_p|^2                                     misfit
        + T s2 sum_p beta_p - |Psi1 R'|^2,  R'R = sum_p beta_p W_p              the variance of f if h is known
        + < expm1(d) o EE', K'K o sum_p beta_p (alpha_p alpha_p' - W_p) >       what the variance of h adds

    If the noise is small, the sums in E[f^2] exceed the result by many orders of magnitude. The first two
    lines keep their digits, for they project before they square; the third is as small as the variance of h.
    The gradient may lose some digits.
    """

    def __init__(self, posterior: SparseMoments, data: TaskArrays) -> None:
        """Compute what does not depend on h: kernels of the inputs, and their cross products."""
        self._posterior = posterior
        precision = 1.0 / posterior.noise
        excess = np.sum([b * posterior.excess_matrix(p) for p, b in enumerate(precision)], axis=0)
        self._weights = posterior.weights * np.sqrt(precision)
        self._factors = _known_factors(posterior, precision)
        points = (posterior.inducing_inputs, posterior.lengthscales_x)
        number, longest = data.mask.shape
        # Task by task, without what lies behind the end; outputs are in units of their noise.
        self._kernels: list[FloatArray] = []
        self._outputs: list[FloatArray] = []
        self._second = np.empty((number, *excess.shape))
        self._fit = np.empty((number, len(excess)))
        for i, (inputs, outputs, mask) in enumerate(zip(*data, strict=True)):
            there = mask > 0.0
            root = np.sqrt(mask[there])[:, None]
            kernel = root * posterior.variance * unit_kernel(inputs[there], *points)
            scaled = root * outputs[there] * np.sqrt(precision)
            self._kernels.append(kernel)
            self._outputs.append(scaled)
            np.multiply(kernel.T @ kernel, excess, out=self._second[i])
            self._fit[i] = np.einsum("mp,mp->m", kernel.T @ scaled, self._weights)
        constant = np.sum(LOG_TWO_PI + np.log(posterior.noise) + posterior.variance * precision)
        self._constant = constant * data.mask.sum(axis=1)
        self._buffer = np.empty((TOGETHER * longest, len(excess)))

    def __call__(self, mean: FloatArray, variance: FloatArray, tasks: IntArray) -> Gradients:
        """See Evidence."""
        posterior = self._posterior
        squared = np.square(posterior.lengthscales_h)
        latents = Latents(mean, variance, posterior.inducing_latents, squared)
        expected, pairs = np.exp(log_expected_kernel(latents)), pair_terms(latents)
        around = np.ascontiguousarray(latents.points.T) - mean[..., None]  # [n, Q, M]
        sums = pair_sums(expected, around, pairs, self._second, tasks)
        value = self._constant[tasks] + self._misfits(expected, tasks) + sums.spread

        by = latents.zeros()
        add_expected_kernel(by, latents, expected * self._fit[tasks] - sums.total)
        by_cross = -0.5 * np.einsum("nqm,nqm->nq", sums.along, around)
        by_own = -np.einsum("nm,nqm->nq", sums.total, np.square(around))
        add_pair_terms(by, latents, PairTerms(by_cross, by_own, -0.5 * sums.total.sum(axis=1)))
        by.mean[:] += pairs.cross * sums.along.sum(axis=2)
        by.mean[:] += 2.0 * pairs.own * np.einsum("nm,nqm->nq", sums.total, around)
        return Gradients(-0.5 * value, by.mean, by.variance)

    def _misfits(self, expected: FloatArray, tasks: IntArray) -> FloatArray:
        """The squared residuals of the tasks [n], less the variance of f that the training data take away."""
        from scipy.linalg import blas  # planning a study imports this module, and not SciPy

        result = np.empty(len(tasks))
        for begin in range(0, len(tasks), TOGETHER):
            some = range(begin, min(begin + TOGETHER, len(tasks)))
            kernels = [self._kernels[tasks[i]] for i in some]
            ends = np.cumsum([0, *map(len, kernels)])
            parts = [slice(*both) for both in itertools.pairwise(ends)]
            for i, kernel, part in zip(some, kernels, parts, strict=True):
                Psi1 = np.multiply(kernel, expected[i], out=self._buffer[part])
                residuals = self._outputs[tasks[i]] - Psi1 @ self._weights
                result[i] = np.vdot(residuals, residuals)
            stacked = self._buffer[: ends[-1]].T
            for sign, factor in self._factors:
                is_last = factor is self._factors[-1].factor
                known = blas.dtrmm(1.0, factor, stacked, overwrite_b=is_last).T
                for i, part in zip(some, parts, strict=True):
                    result[i] -= sign * np.vdot(known[part], known[part])
        return result


def _log_normal(
    residual: FloatArray, variance: FloatArray, mask: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log density summed over [n, T, P], and its derivatives in the mean and the variance."""
    scaled = residual / variance
    density = -0.5 * (LOG_TWO_PI + np.log(variance) + scaled * residual)
    d_variance = 0.5 * (np.square(scaled) - 1.0 / variance)
    value: FloatArray = np.sum(mask * density, axis=(1, 2))
    return value, mask * scaled, mask * d_variance


def _batched(k: FloatArray, columns: FloatArray) -> FloatArray:
    """k [n, T, M] times columns [n, M, ...]: [n, T, ...]."""
    flat = columns.reshape(*columns.shape[:2], -1)
    product: FloatArray = k @ flat
    return product.reshape(*k.shape[:2], *columns.shape[2:])


class _Factor(NamedTuple):
    sign: float
    factor: FloatArray  # R [M, M], upper triangular


def _known_factors(posterior: SparseMoments, precision: FloatArray) -> list[_Factor]:
    """Return R with sum(sign R'R) = sum_p precision_p W_p.

    A product with R takes half the time of one with a basis, and all outputs share it. One factor will do,
    unless a free q(u) is wider than its prior somewhere: reductions are negative there.
    """
    share = precision[:, None] * posterior.reduction  # [P, M]
    if len(posterior.basis) == 1:
        share = share.sum(axis=0, keepdims=True)
    factors = []
    for sign in (1.0, -1.0):
        roots = np.sqrt(np.maximum(sign * share, 0.0))
        if sign > 0.0 or roots.any():
            rows = np.vstack([(b * r).T for b, r in zip(posterior.basis, roots, strict=True)])
            factors.append(_Factor(sign, np.asfortranarray(np.linalg.qr(rows, mode="r"))))
    return factors
