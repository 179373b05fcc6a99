"""Principal components: the directions in which values vary most."""

import numpy as np

from pamlflow.types import FloatArray


def principal_components(values: FloatArray) -> FloatArray:
    """Coordinates of N points [N, D] along the axes in which they differ, the widest first: [N, rank]."""
    left, singular, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept = singular > 1e-9 * max(singular[0], 1.0)
    components: FloatArray = (left * singular)[:, kept]
    return components
