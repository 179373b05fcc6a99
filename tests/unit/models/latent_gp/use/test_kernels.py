"""The kernel and its expectations against quadrature."""

import numpy as np
import reference

from pamlflow.models.latent_gp.use.kernels import (
    expected_kernel,
    expected_kernel_pairs,
    unit_kernel,
)


def test_kernel_expectations_equal_quadrature():
    rng = np.random.default_rng(6)
    mean, Z, lengthscales = rng.normal(size=(3, 2)), rng.normal(size=(4, 2)), np.array([0.9, 1.4])
    variance = rng.uniform(0.02, 0.4, size=(3, 2))

    def k(h):
        return reference.kernel(h, Z, lengthscales)

    first = expected_kernel(mean, variance, Z, lengthscales)
    pairs = expected_kernel_pairs(mean, variance, Z, lengthscales)
    for i in range(3):
        expected = reference.expectation(k, mean[i], variance[i])
        np.testing.assert_allclose(first[i], expected, rtol=1e-8)
        expected = reference.expectation(
            lambda h: k(h)[:, :, None] * k(h)[:, None], mean[i], variance[i]
        )
        np.testing.assert_allclose(pairs[i], expected, rtol=1e-7)
    np.testing.assert_allclose(unit_kernel(mean, Z, lengthscales), k(mean), rtol=1e-12)
