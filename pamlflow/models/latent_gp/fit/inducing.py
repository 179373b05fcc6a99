"""Choice of inducing points by greedy conditional variance (Burt, Rasmussen & van der Wilk 2020)."""

import numpy as np

from pamlflow.types import FloatArray, IntArray


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
