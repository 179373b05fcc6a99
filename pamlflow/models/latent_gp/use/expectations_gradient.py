"""The derivatives of the expectations of the kernel of h: see `expectations`."""

from __future__ import annotations

import numpy as np

from pamlflow.models.latent_gp.use.expectations import Latents, PairTerms
from pamlflow.types import FloatArray


def add_expected_kernel(gradient: Latents, latents: Latents, by_log: FloatArray) -> None:
    """Add to `gradient` what follows from the derivatives `by_log` [N, M] by log E_i[m]."""
    mean, variance, points, squared = latents
    spread = (squared + variance)[:, None]
    ratio = (mean[:, None] - points) / spread
    pull = by_log[..., None] * ratio
    curved = 0.5 * np.einsum("nmq,nmq->nq", pull, ratio)
    total = 0.5 * by_log.sum(axis=1)[:, None]
    gradient.mean[:] -= pull.sum(axis=1)
    gradient.points[:] += pull.sum(axis=0)
    gradient.variance[:] += curved - total / spread[:, 0]
    gradient.squared[:] += (curved - total * (1.0 / spread[:, 0] - 1.0 / squared)).sum(axis=0)


def add_pair_terms(gradient: Latents, latents: Latents, by: PairTerms) -> None:
    """Add to `gradient` what follows from the derivatives `by` the coefficients."""
    variance, squared = latents.variance, latents.squared
    spread, wide = squared + variance, squared + 2.0 * variance
    share = variance / spread
    by_variance, by_squared = squared / np.square(spread), -variance / np.square(spread)  # of share
    reciprocal = 1.0 / wide + 1.0 / squared
    gradient.variance[:] += (
        by.cross * (0.5 * by_variance * reciprocal - share / np.square(wide))
        - 0.5 * by.own * (by_variance * variance + share) / (squared * wide)
        + by.own * share * variance / (squared * np.square(wide))
        + by.offset[:, None] * variance / (spread * wide)
    )
    narrower = 1.0 / np.square(wide) + 1.0 / np.square(squared)
    change = (
        0.5 * by.cross * (by_squared * reciprocal - share * narrower)
        - 0.5 * by.own * by_squared * variance / (squared * wide)
        + by.own * share * variance * spread / np.square(squared * wide)
        + by.offset[:, None] * (1.0 / spread - 0.5 / squared - 0.5 / wide)
    )
    gradient.squared[:] += change.sum(axis=0)
