"""A trained descriptor view of vectors as plain arrays: prediction of psi from h, and of h from psi.

All is in standardised units, and nothing here needs TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.use.evidence import LOG_TWO_PI, Gradients
from pamlflow.models.latent_gp.use.inference import infer_latents
from pamlflow.models.latent_gp.use.kernels import unit_kernel
from pamlflow.rows import Row, rows_of
from pamlflow.types import FloatArray, IntArray

GROUP = "posterior/descriptor/"


class Expansion(NamedTuple):
    """One dimension of psi near n latent points: its mean, and its variance with the noise, given h."""

    mean: FloatArray  # [n]
    slope: FloatArray  # [n, Q]
    curvature: FloatArray  # [n, Q, Q]
    variance: FloatArray  # [n]
    variance_slope: FloatArray  # [n, Q]


class DescriptorPosterior(NamedTuple):
    """q(g) of the R descriptor dimensions through G inducing points.

    With k_r(h) the unit-variance kernel of dimension r, the mean is
    `intercept + h slope + variance k_r' weights` and the variance of the function is
    `variance - variance^2 k_r' reduction k_r`.
    """

    inducing: FloatArray  # [G, Q]
    lengthscales: FloatArray  # [R, Q]
    variance: FloatArray  # [R]
    noise: FloatArray  # [R]
    slope: FloatArray  # [Q, R]
    intercept: FloatArray  # [R]
    weights: FloatArray  # [R, G]
    reduction: FloatArray  # [R, G, G]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one descriptor."""
        return self.noise.shape

    def infer(self, descriptors: FloatArray, starts: FloatArray) -> LatentPosterior:
        """q(h* | psi*) of descriptors [N, R], searched for from `starts` [S, Q].

        The mean maximises the bound of independent dimensions, the covariance is that of the view linearised
        there.  Descriptors of fewer dimensions than h leave a curve of it, which lies across the axes, and
        independent dimensions would have to be narrow to stay on it.
        """
        mean = infer_latents([self.evidence(descriptors)], starts, len(descriptors)).mean
        precision = np.tile(np.eye(mean.shape[1]), (len(mean), 1, 1))
        for r in range(len(self.lengthscales)):
            psi = self.expand(r, mean)
            scaled = psi.slope / np.sqrt(psi.variance)[:, None]
            precision += scaled[:, :, None] * scaled[:, None, :]
        covariance = np.linalg.inv(precision)
        return LatentPosterior(mean, np.einsum("nqq->nq", covariance).copy(), covariance)

    def evidence(self, descriptors: FloatArray) -> DescriptorEvidence:
        """What descriptors [N, R] say of h*."""
        return DescriptorEvidence(self, descriptors)

    def decode(self, latents: FloatArray) -> FloatArray:
        """E[psi | h] [N, R] of latent points [N, Q]."""
        nonlinear = [
            unit_kernel(latents, self.inducing, lengthscales) @ weights
            for lengthscales, weights in zip(self.lengthscales, self.weights, strict=True)
        ]
        mean: FloatArray = self.intercept + latents @ self.slope
        mean += self.variance * np.stack(nonlinear, axis=-1)
        return mean

    def expand(self, r: int, points: FloatArray) -> Expansion:
        """p(psi_r | h) near latent points [n, Q]."""
        squared = np.square(self.lengthscales[r])
        k = self.variance[r] * unit_kernel(points, self.inducing, self.lengthscales[r])
        offsets = (self.inducing - points[:, None]) / squared
        weighted, reduced = k * self.weights[r], k @ self.reduction[r]
        nonlinear = weighted.sum(axis=-1)
        curvature = np.einsum("ng,ngq,ngr->nqr", weighted, offsets, offsets)
        function = self.variance[r] - np.sum(reduced * k, axis=-1)
        steepness = np.einsum("ng,ngq->nq", reduced * k, offsets)
        return Expansion(
            self.intercept[r] + points @ self.slope[:, r] + nonlinear,
            self.slope[:, r] + np.einsum("ng,ngq->nq", weighted, offsets),
            curvature - nonlinear[:, None, None] * np.diag(1.0 / squared),
            np.maximum(function, 0.0) + self.noise[r],
            np.where(function > 0.0, -2.0, 0.0)[:, None] * steepness,
        )

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file."""
        return {f"{GROUP}{name}": value for name, value in self._asdict().items()}

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> DescriptorPosterior:
        """The inverse of `to_datasets`."""
        return cls(*(datasets[f"{GROUP}{name}"] for name in cls._fields))

    @staticmethod
    def is_in(datasets: Mapping[str, Any]) -> bool:
        """Whether a round file holds a view of vectors."""
        return f"{GROUP}noise" in datasets

    @staticmethod
    def rows() -> tuple[Row, ...]:
        """The rows of its datasets."""
        return rows_of("""
posterior/descriptor/inducing        [G, Q]     float64  1  inducing points: latent variables
posterior/descriptor/lengthscales    [R, Q]     float64  1  kernel length-scales of h
posterior/descriptor/variance        [R]        float64  1  kernel variances
posterior/descriptor/noise           [R]        float64  1  noise variances
posterior/descriptor/slope           [Q, R]     float64  1  linear mean of psi
posterior/descriptor/intercept       [R]        float64  1  constant mean of psi
posterior/descriptor/weights         [R, G]     float64  1  mean of psi is linear + variance k' weights
posterior/descriptor/reduction       [R, G, G]  float64  1  variance lost: variance^2 k' reduction k
""")


class DescriptorEvidence:
    """E_q(h) [log p(psi* | h)] of standardised descriptors: with the KL, q(h*) approximates p(h* | psi*).

    Here p(psi* | h) is the predictive density at h, with the variance of the GP and the noise.
    """

    def __init__(self, posterior: DescriptorPosterior, descriptors: FloatArray) -> None:
        """`descriptors` [N, R]."""
        self._posterior = posterior
        self._descriptors = descriptors

    def __call__(self, mean: FloatArray, variance: FloatArray, tasks: IntArray) -> Gradients:
        """See Evidence."""
        posterior = self._posterior
        total = Gradients(np.zeros(len(mean)), np.zeros_like(mean), np.zeros_like(mean))
        for r in range(len(posterior.lengthscales)):
            psi = posterior.expand(r, mean)
            residual = self._descriptors[tasks, r] - psi.mean
            squares = np.square(residual) + np.sum(np.square(psi.slope) * variance, axis=-1)
            value = -0.5 * (LOG_TWO_PI + np.log(psi.variance) + squares / psi.variance)

            d_psi_variance = 0.5 * (squares / psi.variance - 1.0) / psi.variance
            curved = np.einsum("nqr,nr->nq", psi.curvature, psi.slope * variance)
            d_mean = (residual[:, None] * psi.slope - curved) / psi.variance[:, None]
            d_mean += d_psi_variance[:, None] * psi.variance_slope
            d_variance = -0.5 * np.square(psi.slope) / psi.variance[:, None]
            parts = zip(total, (value, d_mean, d_variance), strict=True)
            total = Gradients(*(old + new for old, new in parts))
        return total
