"""q(H) and its divergence from the prior."""

import gpflow
import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pamlflow.models.latent_gp.fit.with_gpflow.latent import LatentTasks, kl_divergence


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), number=st.integers(1, 5), dimensions=st.integers(1, 4))
def test_divergence_equals_that_of_gpflow(seed, number, dimensions):
    rng = np.random.default_rng(seed)
    mean = 3.0 * rng.normal(size=(number, dimensions))
    variance = rng.lognormal(sigma=3.0, size=(number, dimensions))
    each = [
        gpflow.kullback_leiblers.gauss_kl(tf.constant(m[:, None]), tf.constant(np.sqrt(v)[:, None]))
        for m, v in zip(mean, variance, strict=True)
    ]
    total = kl_divergence(mean, variance)
    np.testing.assert_allclose(total, np.sum(each), rtol=1e-10)


def test_divergence_vanishes_at_the_prior_only():
    zero, one = np.zeros((3, 2)), np.ones((3, 2))
    assert float(kl_divergence(zero, one)) == 0.0
    for mean, variance in ((zero + 0.1, one), (zero, 1.1 * one), (zero, 0.9 * one)):
        assert float(kl_divergence(mean, variance)) > 0.0


def test_moments_are_trainable_and_variances_stay_positive():
    latent = LatentTasks(np.zeros((3, 2)), np.full((3, 2), 0.1))
    np.testing.assert_allclose(latent.variance, 0.1)
    assert len(latent.trainable_variables) == 2
    latent.variance.unconstrained_variable.assign(np.full((3, 2), -100.0))
    assert np.all(latent.variance.numpy() > 0.0)
