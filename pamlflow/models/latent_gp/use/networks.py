"""The networks between pictures and latent variables: a convolutional encoder, and its mirror as decoder.

They are small because a pool has a hundred pictures of one object, and every iteration uses all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import tensorflow as tf
import tf_keras
from tf_keras import layers

from pamlflow.numerics import default_error_state
from pamlflow.types import FloatArray

CHANNELS = 16
WIDTH = 32
INNERMOST = 4  # pixels along a side of the smallest layer
KERAS_FLOAT = "float32"
KERAS_LAYOUT = "channels_last"


@contextmanager
def keras_defaults() -> Iterator[None]:
    """Make networks inside with the types and the layout that Keras has by default.

    Keras keeps them for the whole process, where a file in the home or a user's own networks may have changed
    them. They are put back afterwards. NumPy's error state is the default one, too.
    """
    backend, precision = tf_keras.backend, tf_keras.mixed_precision
    before = backend.floatx(), backend.image_data_format(), precision.global_policy()
    with default_error_state():
        backend.set_floatx(KERAS_FLOAT)
        backend.set_image_data_format(KERAS_LAYOUT)
        precision.set_global_policy(KERAS_FLOAT)
        try:
            yield
        finally:
            backend.set_floatx(before[0])
            backend.set_image_data_format(before[1])
            precision.set_global_policy(before[2])


@keras_defaults()
def make_encoder(shape: tuple[int, int, int], latent_dimensions: int, seed: int) -> tf_keras.Model:
    """Return a network from pictures [n, H, W, R] to mean and log variance of q(h | picture) [n, 2 Q].

    Raises ValueError when the sides are not multiples of 8 pixels.
    """
    initial = _initialisers(seed)
    network = tf_keras.Sequential(name="encoder")
    network.add(layers.InputLayer(shape))
    for number in range(_halvings(shape)):
        network.add(
            layers.Conv2D(
                CHANNELS // 2 if number == 0 else CHANNELS,
                kernel_size=3,
                strides=2,
                padding="same",
                activation="elu",
                kernel_initializer=next(initial),
                name=f"convolution_{number}",
            )
        )
    network.add(layers.Flatten(name="flatten"))
    network.add(
        layers.Dense(WIDTH, activation="elu", kernel_initializer=next(initial), name="hidden")
    )
    network.add(
        layers.Dense(2 * latent_dimensions, kernel_initializer=next(initial), name="moments")
    )
    return network


@keras_defaults()
def make_decoder(shape: tuple[int, int, int], latent_dimensions: int, seed: int) -> tf_keras.Model:
    """Return a network from latent points [n, Q] to pictures [n, H, W, R]."""
    initial = _initialisers(seed)
    halvings = _halvings(shape)
    smallest = (shape[0] >> halvings, shape[1] >> halvings, CHANNELS)
    network = tf_keras.Sequential(name="decoder")
    network.add(layers.InputLayer((latent_dimensions,)))
    network.add(
        layers.Dense(WIDTH, activation="elu", kernel_initializer=next(initial), name="hidden")
    )
    size = int(np.prod(smallest))
    network.add(
        layers.Dense(size, activation="elu", kernel_initializer=next(initial), name="smallest")
    )
    network.add(layers.Reshape(smallest, name="reshape"))
    for number in reversed(range(halvings)):
        network.add(
            layers.Conv2DTranspose(
                (shape[2], CHANNELS // 2, CHANNELS)[min(number, 2)],
                kernel_size=3,
                strides=2,
                padding="same",
                activation="elu" if number else None,
                kernel_initializer=next(initial),
                name=f"convolution_{number}",
            )
        )
    return network


def weights_of(network: tf_keras.Model) -> dict[str, FloatArray]:
    """Return the weights as float64, by `layer/kernel` and `layer/bias`."""
    return {
        variable.name.removesuffix(":0"): variable.numpy().astype(np.float64)
        for variable in network.trainable_variables
    }


def set_weights(network: tf_keras.Model, weights: Mapping[str, FloatArray]) -> None:
    """Set the weights to those that `weights_of` returned."""
    for variable in network.trainable_variables:
        variable.assign(weights[variable.name.removesuffix(":0")].astype(np.float32))


def split_moments(outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return mean and variance [n, Q] of q(h | picture) in double precision, from the output of an encoder."""
    mean, log_variance = tf.split(tf.cast(outputs, tf.float64), 2, axis=-1)
    return mean, tf.exp(log_variance)


def divide_encoded(encoder: tf_keras.Model, scale: FloatArray) -> None:
    """Rescale an encoder so that the h it returns is divided by `scale` [Q]."""
    kernel, bias = encoder.get_layer("moments").trainable_variables
    ones, zeros = np.ones_like(scale), np.zeros_like(scale)
    divisor, shift = np.hstack([scale, ones]), np.hstack([zeros, 2.0 * np.log(scale)])
    kernel.assign(kernel.numpy() / divisor)
    bias.assign(bias.numpy() / divisor - shift)


def multiply_decoded(decoder: tf_keras.Model, scale: FloatArray) -> None:
    """Rescale a decoder so that the h it is given is multiplied by `scale` [Q]."""
    kernel = decoder.get_layer("hidden").trainable_variables[0]
    kernel.assign(kernel.numpy() * scale[:, None])


def _halvings(shape: tuple[int, int, int]) -> int:
    """Return how often both sides can be halved with at least INNERMOST pixels left."""
    count, (height, width) = 0, shape[:2]
    while height % 2 == width % 2 == 0 and min(height, width) >= 2 * INNERMOST:
        count, height, width = count + 1, height // 2, width // 2
    if count == 0:
        raise ValueError(
            f"pictures: expected sides of a multiple of 8 pixels, found {shape[0]} x {shape[1]}"
        )
    return count


def _initialisers(seed: int) -> Iterator[tf_keras.initializers.Initializer]:
    """Yield an initialiser for each layer in turn."""
    seeds = np.random.default_rng(seed)
    while True:
        yield tf_keras.initializers.GlorotUniform(int(seeds.integers(2**31)))
