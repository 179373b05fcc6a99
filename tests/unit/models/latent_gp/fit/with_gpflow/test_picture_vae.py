"""The picture view: its bound, how it scales, and that it learns."""

import numpy as np
import pytest
import tensorflow as tf
from bars import bars

from pamlflow.models.latent_gp.fit.with_gpflow.latent import kl_divergence
from pamlflow.models.latent_gp.fit.with_gpflow.picture_vae import PictureVAE
from pamlflow.models.latent_gp.settings import PictureSettings
from pamlflow.models.latent_gp.use.picture_posterior import PicturePosterior

ZERO = tf.zeros([], tf.float64)


def standardised(number=12, side=8):
    """Standardised pictures of bars of different heights, blurred at their ends."""
    pictures = bars(np.linspace(1.0, side - 1.0, number), side)
    return (pictures - pictures.mean()) / pictures.std()


def make(pictures=None, weight=1.0, steps=400):
    settings = PictureSettings(weight, steps)
    return PictureVAE(standardised() if pictures is None else pictures, 2, settings)


def spread(vae, variance=0.01):
    """Means of q(H) as the encoder has them, and one variance for all."""
    mean, _ = vae.moments()
    return mean, tf.fill(tf.shape(mean), tf.constant(variance, tf.float64))


def elbo(vae):
    mean, variance = vae.moments()
    return float(vae.bound(mean, variance, ZERO) - kl_divergence(mean, variance))


def test_bound_without_spread_is_the_log_density_of_the_pictures():
    vae = make()
    mean, variance = spread(vae, 1e-12)
    decoded = vae.decoder(tf.cast(mean, tf.float32)).numpy()
    noise = float(vae.noise.numpy())
    expected = -0.5 * np.sum(
        np.log(2.0 * np.pi * noise) + np.square(standardised() - decoded) / noise
    )
    np.testing.assert_allclose(vae.bound(mean, variance, ZERO), expected, rtol=1e-5)


def test_bound_equals_monte_carlo_over_q():
    vae = make()
    vae.pretrain(0)
    mean, variance = spread(vae, 0.02)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(400):
        h = mean.numpy() + np.sqrt(0.02) * rng.normal(size=mean.shape)
        draws.append(np.square(standardised() - vae.decoder(h.astype(np.float32)).numpy()).sum())
    still = float(vae.bound(mean, 1e-12 * variance, ZERO))
    noise = float(vae.noise.numpy())
    expected = -0.5 * (standardised().size * np.log(2.0 * np.pi * noise) + np.mean(draws) / noise)
    assert expected < still - 10.0
    assert float(vae.bound(mean, variance, ZERO)) - still == pytest.approx(
        expected - still, rel=0.15
    )


def test_bound_grows_with_its_weight_and_with_the_number_of_pictures():
    one, heavy = make(), make(weight=0.25)
    mean, variance = spread(one)
    value = float(one.bound(mean, variance, ZERO))
    assert float(heavy.bound(mean, variance, ZERO)) == pytest.approx(0.25 * value, rel=1e-6)
    twice = make(np.concatenate([standardised(), standardised()]))
    both = (tf.concat([part, part], 0) for part in (mean, 1e-12 * variance))
    still = float(one.bound(mean, 1e-12 * variance, ZERO))
    assert float(twice.bound(*both, ZERO)) == pytest.approx(2.0 * still, rel=1e-5)


def test_pretraining_raises_the_bound_and_finds_what_differs():
    vae = make()
    before = elbo(vae)
    vae.pretrain(3)
    assert elbo(vae) > before + 100.0
    mean, _ = vae.moments()
    decoded = vae.decoder(tf.cast(mean, tf.float32)).numpy()
    assert np.mean(np.square(decoded - standardised())) < 0.1  # of a variance of one


@pytest.mark.parametrize("weight", [1e-6, 1.0])
def test_pictures_count_at_both_ends_of_their_weight_and_after_a_single_step(weight):
    vae, whole = make(weight=weight, steps=1), make(weight=1.0, steps=1)
    for each in (vae, whole):
        each.pretrain(0)
    mean, variance = vae.moments()
    assert np.all(np.isfinite(mean)) and np.all(variance > 0.0)
    moments = spread(whole)
    ratio = float(vae.bound(*moments, ZERO) / whole.bound(*moments, ZERO))
    assert 0.5 * weight < ratio < 2.0 * weight


def test_pretraining_depends_on_its_seed_alone():
    results = []
    for seed in (1, 2, 1):
        vae = make(steps=3)
        vae.pretrain(seed)
        results.append(vae.moments()[0].numpy())
    np.testing.assert_array_equal(results[0], results[2])
    assert np.abs(results[0] - results[1]).max() > 0.01


def test_arrays_encode_and_decode_as_the_networks_do():
    vae = make()
    mean, variance = vae.moments()
    posterior = vae.posterior(mean, variance, ZERO)
    encoded = posterior.encode(standardised())
    np.testing.assert_allclose(encoded.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(encoded.variance, variance, rtol=1e-5)
    decoded = vae.decoder(tf.cast(mean, tf.float32))
    np.testing.assert_allclose(posterior.decode(mean.numpy()), decoded, rtol=1e-5, atol=1e-6)


def test_arrays_survive_the_way_through_datasets_and_back_into_networks():
    vae, other = make(), make(2.0 * standardised())
    posterior = vae.posterior(*vae.moments(), ZERO)
    datasets = posterior.to_datasets()
    assert PicturePosterior.is_in(datasets) and not PicturePosterior.is_in({})
    other.noise.assign(0.5)
    other.restore(PicturePosterior.from_datasets(datasets))
    assert float(other.noise.numpy()) == pytest.approx(float(vae.noise.numpy()))
    for one, two in ((vae.encoder, other.encoder), (vae.decoder, other.decoder)):
        for ours, theirs in zip(one.weights, two.weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)
