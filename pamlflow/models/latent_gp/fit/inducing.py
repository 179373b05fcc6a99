"""Choice of inducing points by greedy conditional variance (Burt, Rasmussen & van der Wilk 2020)."""

from __future__ import annotations

import numpy as np

from pamlflow.models.latent_gp.use.statistics import DynamicsValues, Transitions
from pamlflow.types import FloatArray, IntArray

JITTER = 1e-6
"""What a fit adds at first to the diagonals of covariances of inducing points, relative to their variance."""


def greedy_conditional_variance(
    points: FloatArray, lengthscales: FloatArray, count: int
) -> IntArray:
    """Return the indices of min(count, n) distinct points, chosen greedily by conditional variance.

    Each is the point with the largest variance given those before it. `points` [n, D] have a unit-variance
    squared-exponential kernel with `lengthscales` [D]. The cost is that of a pivoted Cholesky factorisation,
    O(n count^2).
    """
    scaled = points / lengthscales
    remaining = np.ones(len(points))
    factor = np.zeros((min(count, len(points)), len(points)))
    chosen: list[int] = []
    for row in factor:
        pivot = int(np.argmax(remaining))
        if remaining[pivot] > 1e-12:
            kernel = np.exp(-0.5 * np.sum(np.square(scaled - scaled[pivot]), axis=1))
            previous = factor[: len(chosen)]
            row[:] = (kernel - previous[:, pivot] @ previous) / np.sqrt(remaining[pivot])
            remaining = np.where(remaining < 0, remaining, np.maximum(remaining - row**2, 0.0))
        remaining[pivot] = -1.0  # never again
        chosen.append(pivot)
    return np.array(chosen, dtype=np.int64)


def choose_inducing_points(
    values: DynamicsValues,
    transitions: Transitions,
    latents: FloatArray,
    kept: FloatArray | None = None,
    first_task: int = 0,
    count: int | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return inducing inputs [M, Dx] and latent points [M, Q], chosen under the kernel of `values`.

    Args:
        values: the parameters of the dynamics; by default as many points are chosen as these have.
        transitions: those of all tasks, standardised.
        latents: where each task is in latent space [N, Q].
        kept: further candidates [M', Dx + Q], such as the optimised points of the round before.
        first_task: candidates are the transitions of the tasks from this one on.
        count: the number M of points, if not that of `values`; there may be fewer candidates.
    """
    count = len(values.inducing_inputs) if count is None else count
    candidates = joint_inputs(transitions, latents, first_task)
    if kept is not None:
        candidates = np.vstack([kept, candidates])
    if len(candidates) < count and first_task > 0:  # the round before had fewer
        candidates = np.vstack([candidates, joint_inputs(transitions, latents)])
    lengthscales = np.hstack([values.lengthscales_x, values.lengthscales_h])
    chosen = candidates[greedy_conditional_variance(candidates, lengthscales, count)]
    inputs, points = np.split(chosen, [len(values.lengthscales_x)], axis=1)
    return inputs, points


def joint_inputs(transitions: Transitions, latents: FloatArray, first_task: int = 0) -> FloatArray:
    """Return (x, h) [transitions, Dx + Q] of all transitions of the tasks from `first_task` on."""
    lengths = transitions.lengths
    skipped = int(lengths[:first_task].sum())
    repeated = np.repeat(latents[first_task:], lengths[first_task:], axis=0)
    return np.hstack([transitions.inputs[skipped:], repeated])
