"""Principal components of values."""

import numpy as np
from scipy.spatial.distance import pdist

from pamlflow.components import principal_components


def test_principal_components_come_widest_first_and_keep_pdist():
    points = np.random.default_rng(0).standard_normal((20, 3)) * [0.1, 3.0, 1.0]
    components = principal_components(points)
    assert np.all(np.diff(components.std(axis=0)) < 0.0)
    np.testing.assert_allclose(pdist(components), pdist(points))
