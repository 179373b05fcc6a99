"""BFGS on many small independent problems at once; each has its own curvature and step length."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pamlflow.types import BoolArray, FloatArray, IntArray

# Positions [n, d] of the problems with the given indices [n] -> their values [n] and gradients [n, d].
BatchedFunction: TypeAlias = Callable[[FloatArray, IntArray], tuple[FloatArray, FloatArray]]

SUFFICIENT_DECREASE = 1e-4
SMALLEST_STEP = 1e-3
FIRST_LENGTH = 0.2
LONGEST_STEP = 2.0


def minimise_batch(
    function: BatchedFunction,
    start: FloatArray,
    *,
    iterations: int,
    tolerance: float,
    inverse: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Minimise n independent functions from `start` [n, d].

    Returns the n best positions, and the inverse Hessians [n, d, d] that were found on the way. A search of
    similar functions may start with these as its `inverse`.

    A problem whose value falls by less than `tolerance` in two iterations running is finished and not
    evaluated again: one short step alone may be the line search's.  A non-finite value counts as infinitely
    bad, so that no result is worse than its start.
    """
    count, dimensions = start.shape
    active = np.arange(count)
    position = start.copy()
    value, gradient = function(position, active)
    fresh = np.full(count, inverse is None)
    if inverse is None:
        inverse = np.tile(np.eye(dimensions), (count, 1, 1))
        length = np.maximum(np.linalg.norm(gradient, axis=1), 1e-300)
        inverse *= np.minimum(1.0, FIRST_LENGTH / length)[:, None, None]
    else:
        inverse = inverse.copy()
    idle = np.zeros(count, dtype=np.int64)
    for _ in range(iterations):
        direction = -np.einsum("nij,nj->ni", inverse[active], gradient[active])
        length = np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-300)
        direction *= np.minimum(1.0, LONGEST_STEP / length)
        slope = np.einsum("ni,ni->n", direction, gradient[active])
        before = value[active]
        waiting, step = active, 1.0
        while len(waiting) and step >= SMALLEST_STEP:
            lookup = np.searchsorted(active, waiting)
            move = step * direction[lookup]
            new_value, new_gradient = function(position[waiting] + move, waiting)
            target = value[waiting] + SUFFICIENT_DECREASE * step * slope[lookup]
            finite = np.isfinite(new_value) & np.isfinite(new_gradient).all(axis=1)
            good = finite & (new_value <= target)
            done = waiting[good]
            inverse[done] = _updated(
                inverse[done], move[good], new_gradient[good] - gradient[done], fresh[done]
            )
            fresh[done] = False
            position[done] += move[good]
            value[done] = new_value[good]
            gradient[done] = new_gradient[good]
            waiting, step = waiting[~good], 0.2 * step
        idle[active] = np.where(before - value[active] > tolerance, 0, idle[active] + 1)
        active = active[idle[active] < 2]
        if len(active) == 0:
            break
    return position, inverse


def _updated(
    inverse: FloatArray, move: FloatArray, change: FloatArray, fresh: BoolArray
) -> FloatArray:
    """BFGS update of inverse Hessians [n, d, d], rescaled before the first (Nocedal & Wright, 6.20)."""
    curvature = np.einsum("ni,ni->n", move, change)
    usable = curvature > 1e-10 * np.linalg.norm(move, axis=1) * np.linalg.norm(change, axis=1)
    curvature = np.where(usable, curvature, 1.0)
    squared = np.maximum(np.einsum("ni,ni->n", change, change), 1e-300)
    identity = np.eye(move.shape[1])
    scaled = (curvature / squared)[:, None, None] * identity
    base = np.where((fresh & usable)[:, None, None], scaled, inverse)
    left = identity - move[:, :, None] * change[:, None, :] / curvature[:, None, None]
    updated = np.einsum("nij,njk,nlk->nil", left, base, left)
    updated += move[:, :, None] * move[:, None, :] / curvature[:, None, None]
    return np.where(usable[:, None, None], updated, inverse)
