"""What transitions say of h*, by a sparse posterior of the dynamics.

`PredictiveEvidence` linearises the moments in h around the mean of q(h*), as that of descriptors does.  The
exact moments cost M x M per output, transition and evaluation; linearised, all outputs share one product with
the posterior's basis.
"""

from __future__ import annotations

import numpy as np

from pamlflow.models.interface import TaskArrays
from pamlflow.models.latent_gp.use.evidence import LOG_TWO_PI, Gradients
from pamlflow.models.latent_gp.use.kernels import expected_kernel, pair_features, unit_kernel
from pamlflow.models.latent_gp.use.sparse_moments import SparseMoments
from pamlflow.types import FloatArray, IntArray


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
        reduction = self._posterior.reduction
        projected = k @ self._posterior.basis[:, None]
        if len(projected) == 1:
            return projected, np.square(projected[0]) @ reduction.T
        return projected, np.einsum("pntm,pm->ntp", np.square(projected), reduction)

    def _project_back(self, projected: FloatArray, d_total: FloatArray) -> FloatArray:
        """Half the derivative of sum(d_total * explained) by k: [n, T, M]."""
        basis, reduction = self._posterior.basis, self._posterior.reduction
        if len(basis) == 1:
            shared: FloatArray = (projected[0] * (d_total @ reduction)) @ basis[0].T
            return shared
        weighted = projected * np.moveaxis(d_total, -1, 0)[..., None] * reduction[:, None, None]
        back: FloatArray = np.sum(weighted @ np.swapaxes(basis, 1, 2)[:, None], axis=0)
        return back


class ElboEvidence:
    """The paper's objective E_q(h) E_q(f) [log p(y | f, h)], in closed form: M x M per task.

    As in the paper, the noise is the bound's and the same for all tasks: free to choose, the ELBO would call a
    task noisy sooner than far away.
    """

    def __init__(self, posterior: SparseMoments, data: TaskArrays) -> None:
        """Compute what does not depend on h: the outputs' and the kernel's cross products."""
        self._posterior = posterior
        kernel = posterior.variance * data.mask[..., None]
        kernel = kernel * unit_kernel(
            data.inputs, posterior.inducing_inputs, posterior.lengthscales_x
        )
        precision = 1.0 / posterior.noise
        excess = np.sum([b * posterior.excess_matrix(p) for p, b in enumerate(precision)], axis=0)
        # Everything is symmetric in the pair of inducing points: half of the pairs will do.
        rows, columns = np.triu_indices(len(excess))
        gram = np.swapaxes(kernel, 1, 2) @ kernel
        self._gram = (gram * excess)[:, rows, columns] * np.where(rows == columns, 1.0, 2.0)
        fit = np.swapaxes(kernel, 1, 2) @ (data.outputs * precision)
        self._fit = np.einsum("nmp,mp->nm", fit, posterior.weights)
        self._lengths = data.mask.sum(axis=-1)
        masked = data.mask[..., None] * np.square(data.outputs)
        self._squares = np.einsum("ntp,p->n", masked, precision)
        self._squares += self._lengths * posterior.variance * precision.sum()
        pairs = pair_features(posterior.inducing_latents, posterior.lengthscales_h)
        self._pairs = np.ascontiguousarray(pairs[:, rows, columns])

    def __call__(self, mean: FloatArray, variance: FloatArray, tasks: IntArray) -> Gradients:
        """See Evidence."""
        posterior = self._posterior
        latents, squared = posterior.inducing_latents, np.square(posterior.lengthscales_h)
        lengths, fit = self._lengths[tasks], self._fit[tasks]

        first = expected_kernel(mean, variance, latents, posterior.lengthscales_h) * fit
        scaled = (latents - mean[:, None]) / (squared + variance)[:, None]
        cross = first.sum(axis=-1)
        d_cross_mean = np.einsum("nm,nmq->nq", first, scaled)
        curvature = np.square(scaled) - 1.0 / (squared + variance)[:, None]
        d_cross_variance = 0.5 * np.einsum("nm,nmq->nq", first, curvature)

        precision = 1.0 / (squared + 2.0 * variance)
        offset = -0.5 * np.log1p(2.0 * variance / squared) - precision * np.square(mean)
        ones = np.ones((len(mean), 1))
        features = np.hstack(
            [offset.sum(axis=-1, keepdims=True), ones, precision, 2.0 * precision * mean]
        )
        weighted = np.exp(features @ self._pairs) * self._gram[tasks]
        d_features = weighted @ self._pairs.T
        quadratic = d_features[:, 0]  # its feature is 1 for every pair
        d_precision, d_product = np.split(d_features[:, 2:], 2, axis=1)
        d_quadratic_mean = 2.0 * precision * (d_product - quadratic[:, None] * mean)
        d_quadratic_variance = -precision * quadratic[:, None] - 2.0 * np.square(precision) * (
            d_precision + 2.0 * mean * d_product - quadratic[:, None] * np.square(mean)
        )

        residual = self._squares[tasks] - 2.0 * cross + quadratic
        constant = np.sum(LOG_TWO_PI + np.log(posterior.noise))
        return Gradients(
            -0.5 * (lengths * constant + residual),
            d_cross_mean - 0.5 * d_quadratic_mean,
            d_cross_variance - 0.5 * d_quadratic_variance,
        )


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
