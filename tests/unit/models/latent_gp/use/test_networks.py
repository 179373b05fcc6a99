"""Encoder and decoder: shapes, weights, and their behaviour when h changes its scale."""

import numpy as np
import pytest

from pamlflow.models.latent_gp.use.networks import (
    divide_encoded,
    make_decoder,
    make_encoder,
    multiply_decoded,
    set_weights,
    split_moments,
    weights_of,
)

SHAPE = (8, 8, 1)
SCALE = np.array([2.0, 0.5, 3.0])


def pictures(number=5, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).uniform(size=(number, *shape)).astype(np.float32)


def latents(number=5, seed=0):
    return np.random.default_rng(seed).normal(size=(number, 3)).astype(np.float32)


@pytest.mark.parametrize("shape", [(8, 8, 1), (16, 8, 3), (24, 24, 1), (72, 72, 1), (64, 64, 1)])
@pytest.mark.parametrize("dimensions", [1, 3])
def test_encoder_takes_pictures_to_moments_and_the_decoder_takes_points_to_pictures(
    shape, dimensions
):
    moments = make_encoder(shape, dimensions, seed=0)(pictures(shape=shape))
    assert moments.shape == (5, 2 * dimensions)
    decoded = make_decoder(shape, dimensions, seed=0)(np.zeros((4, dimensions)))
    assert decoded.shape == (4, *shape)


@pytest.mark.parametrize("shape", [(4, 4, 1), (9, 9, 1), (64, 63, 1)])
def test_sides_that_cannot_be_halved_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=f"multiple of 8 .*{shape[0]} x {shape[1]}"):
        make_encoder(shape, 2, seed=0)


@pytest.mark.parametrize(
    ("make", "values"), [(make_encoder, pictures()), (make_decoder, latents())]
)
def test_seed_decides_the_weights(make, values):
    first, again, other = (make(SHAPE, 3, seed)(values).numpy() for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@pytest.mark.parametrize(
    ("make", "values"), [(make_encoder, pictures()), (make_decoder, latents())]
)
def test_weights_carry_a_network_to_another(make, values):
    one, other = make(SHAPE, 3, seed=1), make(SHAPE, 3, seed=2)
    weights = weights_of(one)
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float64)}
    set_weights(other, weights)
    np.testing.assert_array_equal(one(values), other(values))


def test_moments_are_a_mean_and_a_positive_variance_in_double_precision():
    mean, variance = split_moments(np.array([[1.0, -2.0, 0.0, np.log(3.0)]], dtype=np.float32))
    np.testing.assert_allclose(mean, [[1.0, -2.0]])
    np.testing.assert_allclose(variance, [[1.0, 3.0]], rtol=1e-6)
    assert mean.dtype == variance.dtype == np.float64


def test_encoded_moments_can_be_divided():
    encoder = make_encoder(SHAPE, 3, seed=0)
    mean, variance = split_moments(encoder(pictures()))
    divide_encoded(encoder, SCALE)
    after = split_moments(encoder(pictures()))
    np.testing.assert_allclose(after[0], mean / SCALE, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after[1], variance / SCALE**2, rtol=1e-5)


def test_decoded_pictures_stay_when_h_is_divided():
    decoder = make_decoder(SHAPE, 3, seed=0)
    before = decoder(latents())
    multiply_decoded(decoder, SCALE)
    np.testing.assert_allclose(decoder(latents() / SCALE), before, rtol=1e-4, atol=1e-5)
