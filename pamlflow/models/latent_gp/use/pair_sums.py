"""Sums over pairs of inducing points, weighted by what `expectations` says of E[k k'].

With E_i [M] and d_i [M, M] of `expectations`, u_i [M, Q] the inducing points around the mean of h, and one
symmetric matrix C_i for each task i,

    spread = < expm1(d_i) o E_i E_i' , C_i >
    total  = E_i o (X_i E_i)            with X_i = exp(d_i) o C_i
    along  = E_i o (X_i (E_i o u_iq))   for each dimension q of h.

If h is known well, d_i is small, and a few powers of its product part, cross u u', will do. Each of them is of
rank one, so that a task costs a product of C_i with a few columns. Otherwise it costs an exponential per pair.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from pamlflow.models.latent_gp.use.expectations import PairTerms
from pamlflow.types import FloatArray, IntArray

HIGHEST_ORDER = 3
REMAINDER = 1e-10
"""What the powers left out may be, relative to the first."""
LARGEST_EXPONENT = 400.0
"""Of d: log E E' is below -2 d there, so that E E' exp(d) is zero whatever exp(d) is."""


class PairSums(NamedTuple):
    """The sums of n tasks."""

    spread: FloatArray  # [n]
    total: FloatArray  # [n, M]
    along: FloatArray  # [n, Q, M]


def pair_sums(
    expected: FloatArray,
    around: FloatArray,
    pairs: PairTerms,
    matrices: FloatArray,
    tasks: IntArray,
) -> PairSums:
    """Return the sums of the tasks with indices `tasks` [n] in `matrices` [N, M, M].

    `expected` [n, M], `around` [n, Q, M] and the coefficients of d in `pairs` are those of the n tasks.
    """
    result = PairSums(np.empty(len(tasks)), np.empty_like(expected), np.empty(around.shape))
    largest = np.einsum("nq,nq->n", pairs.cross, np.square(around).max(axis=2))
    orders = np.ones(len(tasks), dtype=np.int64)
    for order in range(1, HIGHEST_ORDER + 1):
        orders += largest**order / math.factorial(order + 1) > REMAINDER
    for order in np.unique(orders):
        rows = np.flatnonzero(orders == order)
        terms = PairTerms(*(part[rows] for part in pairs))
        those = expected[rows], around[rows], terms, matrices, tasks[rows]
        found = _exact(*those) if order > HIGHEST_ORDER else _series(*those, order)
        for whole, part in zip(result, found, strict=True):
            whole[rows] = part
    return result


def _exact(
    expected: FloatArray,
    around: FloatArray,
    pairs: PairTerms,
    matrices: FloatArray,
    tasks: IntArray,
) -> PairSums:
    """The sums with the exponential of each d."""
    own = np.einsum("nqm,nq->nm", np.square(around), pairs.own)
    ones = np.ones_like(own)
    left = np.stack([*np.moveaxis(around * pairs.cross[..., None], 1, 0), ones, own], axis=1)
    offset = own + pairs.offset[:, None]
    right = np.stack([*np.moveaxis(around, 1, 0), offset, ones], axis=1)
    columns = np.concatenate([ones[:, None], around], axis=1) * expected[:, None]
    sums, spread = np.empty(columns.shape), np.empty(len(tasks))
    weighted = np.empty(matrices.shape[1:])
    for i, task in enumerate(tasks):
        np.dot(left[i].T, right[i], out=weighted)
        if weighted.max() > LARGEST_EXPONENT:
            np.minimum(weighted, LARGEST_EXPONENT, out=weighted)
        np.expm1(weighted, out=weighted)
        weighted *= matrices[task]
        np.dot(columns[i], weighted, out=sums[i])
        spread[i] = expected[i] @ sums[i, 0]
        sums[i] += columns[i] @ matrices[task]
    sums *= expected[:, None]
    return PairSums(spread, sums[:, 0], sums[:, 1:])


def _series(
    expected: FloatArray,
    around: FloatArray,
    pairs: PairTerms,
    matrices: FloatArray,
    tasks: IntArray,
    order: int,
) -> PairSums:
    """The sums by exp(d) o EE' = sum_k weight_k g_k g_k', k being the powers of each dimension of h.

    Here g_k = g_0 u^k, g_0 = E exp(own u^2 + offset / 2), and weight_k = cross^k / k!.
    """
    dimensions = around.shape[1]
    place = {power: number for number, power in enumerate(_powers(dimensions, order))}
    columns = np.empty((len(tasks), len(place) + 1, expected.shape[1]))
    weight = np.ones((len(tasks), len(place)))
    exponent = np.einsum("nqm,nq->nm", np.square(around), pairs.own)
    change = expected * np.expm1(exponent + 0.5 * pairs.offset[:, None])
    columns[:, 0], columns[:, -1] = expected + change, expected
    for power, k in list(place.items())[1:]:
        q = np.flatnonzero(power)[0]
        lower = place[_lowered(power, q)]
        np.multiply(columns[:, lower], around[:, q], out=columns[:, k])
        weight[:, k] = weight[:, lower] * pairs.cross[:, q] / power[q]
    sums = np.empty(columns.shape)
    for i, task in enumerate(tasks):
        np.dot(columns[i], matrices[task], out=sums[i])

    weighted, first = columns[:, :-1] * weight[..., None], sums[:, :-1]
    spread = np.einsum("nm,nm->n", change, sums[:, 0] + sums[:, -1])
    spread += np.einsum("nkm,nkm->n", weighted[:, 1:], first[:, 1:])
    total, along = np.einsum("nkm,nkm->nm", weighted, first), np.zeros(around.shape)
    for power, k in place.items():
        for q in np.flatnonzero(power):
            along[:, q] += weighted[:, place[_lowered(power, q)]] * first[:, k]
    return PairSums(spread, total, along)


def _powers(dimensions: int, order: int) -> list[tuple[int, ...]]:
    """All powers of `dimensions` variables up to `order` together, lower ones first."""
    every = itertools.product(range(order + 1), repeat=dimensions)
    return sorted((power for power in every if sum(power) <= order), key=lambda k: (sum(k), k))


def _lowered(power: tuple[int, ...], q: int) -> tuple[int, ...]:
    return (*power[:q], power[q] - 1, *power[q + 1 :])
