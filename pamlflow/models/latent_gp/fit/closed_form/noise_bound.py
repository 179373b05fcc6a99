"""The collapsed bound on the dynamics as a function of the noise alone.

While kernel, inducing points and q(H) stay, each task's whitened part of Psi2 and Psi1'Y stays too, and only
its weight changes: an evaluation needs no kernel and no product over transitions.
"""

from __future__ import annotations

import numpy as np

from pamlflow.models.latent_gp.fit.closed_form.collapsed_terms import (
    collapsed_terms,
    gaussian_terms,
    is_possible,
)
from pamlflow.models.latent_gp.use.statistics import MOST_KEPT, DynamicsValues, PsiStatistics
from pamlflow.models.latent_gp.use.whitening import whitened
from pamlflow.types import FloatArray


class NoiseBound:
    """The bound of some transitions at a given kernel and q(H), a function of noise and noise slope."""

    @staticmethod
    def has_room(tasks: int, points: int) -> bool:
        """Say whether the parts of so many tasks, with so many inducing points, are kept in memory."""
        return tasks * points**2 <= MOST_KEPT

    def __init__(
        self,
        statistics: PsiStatistics,
        values: DynamicsValues,
        mean: FloatArray,
        variance: FloatArray,
        jitter: float,
    ) -> None:
        """Compute what does not depend on the noise. Raises NotPositiveDefinite."""
        even = values._replace(noise_slope=np.zeros_like(values.noise_slope))
        found = statistics(even, mean, variance, jitter)
        self._values = values
        self._mean = mean
        self._lengths = found.lengths
        self._A = np.empty((len(mean), *found.A.shape))
        self._c = np.empty((len(mean), *found.c.shape))
        self._squares = np.empty((len(mean), found.c.shape[1]))
        for i, task in enumerate(statistics.tasks):
            rows = found.Psi1[task] @ found.inverse.T
            gram, excess = statistics.pair(i, found)
            spread = whitened(found.inverse, excess * gram)
            self._A[i] = rows.T @ rows + spread
            self._c[i] = rows.T @ found.outputs[task]
            self._squares[i] = np.square(found.outputs[task]).sum(axis=0)
        self._squares += values.variance * self._lengths[:, None]

    def __call__(
        self, noise: FloatArray, slope: FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """Return the bound at noise variances [P] and slope [Q], and its derivatives by both."""
        values = self._values._replace(noise=noise, noise_slope=slope)
        precision, weights = values.precision(), values.task_weights(self._mean)
        A = np.tensordot(weights, self._A, axes=1)
        c = np.tensordot(weights, self._c, axes=1)
        terms = collapsed_terms(A, c, precision)
        count = float(self._lengths.sum())
        squares = weights @ self._squares
        log_weights = float(np.log(weights) @ self._lengths)
        rest, ceiling = gaussian_terms(count, log_weights, squares, precision)
        by_weights = np.tensordot(self._A, terms.by_A, axes=2)
        by_weights += np.tensordot(self._c, terms.by_c, axes=2) - 0.5 * self._squares @ precision
        by_log = by_weights * weights + 0.5 * len(noise) * self._lengths
        by_precision = terms.by_precision + 0.5 * (count / precision - squares)
        value = terms.value + rest
        if not is_possible(value, ceiling):
            value = np.nan
        value -= count * float(np.log(values.output_scale).sum())
        return value, -by_precision * precision / noise, -by_log @ self._mean
