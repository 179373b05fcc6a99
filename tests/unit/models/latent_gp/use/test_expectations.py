"""Expectations of the kernel of h against quadrature, and the coefficients that keep their digits."""

import numpy as np
import pytest
import reference

from pamlflow.models.latent_gp.use.expectations import Latents, log_expected_kernel, pair_terms


def problem(seed=0, dimensions=2, spread=(-1.5, 0.7)):
    rng = np.random.default_rng(seed)
    return Latents(
        rng.normal(size=(4, dimensions)),
        rng.lognormal(*spread, size=(4, dimensions)),
        rng.normal(size=(5, dimensions)),
        np.square(rng.lognormal(0.3, 0.3, size=dimensions)),
    )


def exponents(latents):
    """d_i [N, M, M] from its coefficients, as the docstring of the module says."""
    terms = pair_terms(latents)
    u = latents.points - latents.mean[:, None]
    own = np.einsum("nmq,nq->nm", np.square(u), terms.own)
    crossed = np.einsum("nmq,nkq,nq->nmk", u, u, terms.cross)
    return terms.offset[:, None, None] + own[:, :, None] + own[:, None] + crossed


@pytest.mark.parametrize("dimensions", [1, 2])
def test_means_of_the_kernel_and_of_its_pairs_equal_quadrature(dimensions):
    latents = problem(dimensions=dimensions)
    lengthscales = np.sqrt(latents.squared)
    for i in range(4):

        def kernel(h):
            return reference.kernel(h, latents.points, lengthscales)

        def pairs(h):
            return kernel(h)[:, :, None] * kernel(h)[:, None]

        moments = latents.mean[i], latents.variance[i]
        first = reference.expectation(kernel, *moments, order=40)
        second = reference.expectation(pairs, *moments, order=40)
        found = np.exp(log_expected_kernel(latents)[i])
        np.testing.assert_allclose(found, first, rtol=1e-9)
        product = np.exp(exponents(latents)[i]) * found[:, None] * found
        np.testing.assert_allclose(product, second, rtol=1e-8)


def test_a_certain_latent_has_the_kernel_itself():
    latents = problem()._replace(variance=np.zeros((4, 2)))
    expected = reference.kernel(latents.mean, latents.points, np.sqrt(latents.squared))
    np.testing.assert_allclose(np.exp(log_expected_kernel(latents)), expected, rtol=1e-12)
    for part in pair_terms(latents):
        np.testing.assert_array_equal(part, np.zeros_like(part))


def test_exponents_far_below_one_keep_their_digits():
    latents = problem()._replace(variance=np.full((4, 2), 1e-13))
    # To first order in the variance: sum over q of v (mu - z) (mu - z') / l^4.
    offset = (latents.mean[:, None] - latents.points) / latents.squared
    expected = np.einsum("nq,nmq,nkq->nmk", latents.variance, offset, offset)
    np.testing.assert_allclose(exponents(latents), expected, rtol=1e-9, atol=1e-26)


def test_a_wide_posterior_sees_all_points_alike():
    latents = problem()._replace(variance=np.full((4, 2), 1e12))
    np.testing.assert_allclose(np.ptp(log_expected_kernel(latents), axis=1), 0.0, atol=1e-9)
    assert np.all(np.isfinite(exponents(latents)))


def test_derivatives_start_at_zero():
    latents = problem()
    for part, zero in zip(latents, latents.zeros(), strict=True):
        np.testing.assert_array_equal(zero, np.zeros_like(part))
        assert not np.shares_memory(part, zero)
