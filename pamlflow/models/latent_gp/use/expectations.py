"""Expectations of the kernel of h under q(H).

With q(h_i) = N(mu_i, diag(v_i)), squared length-scales l^2, and z_m an inducing point, the bound needs

    log E_i[m]  = log E[k_h(h_i, z_m)]
    d_i[m, m']  = log E[k_h(h_i, z_m) k_h(h_i, z_m')] - log E_i[m] - log E_i[m'].

In coordinates u = z - mu_i around the task, d_i is a sum over the dimensions of h,

    d_i[m, m'] = offset_i + own_i (u_m^2 + u_m'^2) + cross_i u_m u_m',

so that a task costs one product of M x Q matrices, and no large terms cancel: every coefficient is as small as
v.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pamlflow.types import FloatArray


class Latents(NamedTuple):
    """Moments of q(H), the inducing points and the squared length-scales, or the derivatives by them."""

    mean: FloatArray  # [N, Q]
    variance: FloatArray  # [N, Q]
    points: FloatArray  # [M, Q]
    squared: FloatArray  # [Q]

    def zeros(self) -> Latents:
        """Return derivatives of nothing yet."""
        return Latents(*(np.zeros_like(part) for part in self))


def log_expected_kernel(latents: Latents) -> FloatArray:
    """Return log E_i[m] [N, M]."""
    mean, variance, points, squared = latents
    spread = squared + variance
    offset = mean[:, None] - points
    exponent = np.einsum("nmq,nmq,nq->nm", offset, offset, 1.0 / spread)
    scale = np.log1p(variance / squared).sum(axis=1)
    result: FloatArray = -0.5 * (exponent + scale[:, None])
    return result


class PairTerms(NamedTuple):
    """The coefficients of d_i, or the derivatives by them."""

    cross: FloatArray  # [N, Q]
    own: FloatArray  # [N, Q]
    offset: FloatArray  # [N]


def pair_terms(latents: Latents) -> PairTerms:
    """Return the coefficients of d_i for all tasks."""
    variance, squared = latents.variance, latents.squared
    share = variance / (squared + variance)
    wide = squared + 2.0 * variance
    return PairTerms(
        0.5 * share * (1.0 / wide + 1.0 / squared),
        -0.5 * share * variance / (squared * wide),
        0.5 * np.log1p(np.square(variance) / (squared * wide)).sum(axis=1),
    )
