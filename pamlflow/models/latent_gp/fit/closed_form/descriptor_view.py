"""The posterior of the descriptors at the optimal q(u), as arrays."""

from __future__ import annotations

import numpy as np

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit.closed_form.descriptor_bound import (
    DescriptorBound,
    DescriptorValues,
)
from pamlflow.models.latent_gp.use.descriptor_posterior import DescriptorPosterior


def descriptor_posterior(
    bound: DescriptorBound, values: DescriptorValues, latent: LatentPosterior, jitter: float
) -> DescriptorPosterior:
    """Return the posterior of psi given h. Raises NotPositiveDefinite."""
    size, outputs = len(bound.inducing), len(values.noise)
    weights, reduction = np.empty((outputs, size)), np.empty((outputs, size, size))
    for r, noise in enumerate(values.noise):
        found = bound.statistics(r, values, latent.mean, latent.variance, jitter)
        B = np.eye(size) + found.A / noise
        weights[r] = found.inverse.T @ np.linalg.solve(B, found.c[:, 0]) / noise
        known = np.eye(size) - np.linalg.inv(B)
        reduction[r] = found.inverse.T @ known @ found.inverse
    return DescriptorPosterior(
        latent.mean[bound.inducing],
        values.lengthscales,
        values.variance,
        values.noise,
        values.slope,
        values.intercept,
        weights,
        0.5 * (reduction + np.swapaxes(reduction, 1, 2)),
    )
