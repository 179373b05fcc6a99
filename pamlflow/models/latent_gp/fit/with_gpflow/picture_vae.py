"""The picture view: a decoder p(picture | h), and an encoder q(h | picture) that replaces the free q(H).

It is a variational auto-encoder (Kingma & Welling 2014) of all pictures of a trial, including those of tasks
that have not been run (Section 4.4; the design is ours).
"""

from __future__ import annotations

from collections.abc import Mapping

import gpflow
import numpy as np
import tensorflow as tf
import tf_keras
from check_shapes import check_shapes

from pamlflow.models.latent_gp.fit import priors
from pamlflow.models.latent_gp.fit.with_gpflow.latent import kl_divergence
from pamlflow.models.latent_gp.fit.with_gpflow.parameters import scale_parameter
from pamlflow.models.latent_gp.settings import PictureSettings
from pamlflow.models.latent_gp.use import networks
from pamlflow.models.latent_gp.use.evidence import LOG_TWO_PI
from pamlflow.models.latent_gp.use.picture_posterior import PicturePosterior
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.types import FloatArray

LEARNING_RATE = 3e-3
LAST_SHARE = 0.05  # the learning rate of the last step, relative to the first


class PictureVAE(gpflow.Module):
    """Encoder and decoder of C standardised pictures, with one Gaussian noise for all pixels.

    The networks are in single precision, which takes a third of the time; all sums are in double precision.
    """

    def __init__(
        self, pictures: FloatArray, latent_dimensions: int, settings: PictureSettings
    ) -> None:
        """Make untrained networks for standardised `pictures` [C, H, W, R]."""
        super().__init__()
        height, width, channels = pictures.shape[1:]
        self._shape = (height, width, channels)
        self._pictures = tf.constant(pictures, tf.float32)
        self._settings = settings
        signs = np.random.default_rng(0).choice([-1.0, 1.0], (len(pictures), latent_dimensions))
        self._signs = tf.constant(signs)
        self.encoder, self.decoder = self._draw(seed=0)
        self.noise = scale_parameter(0.1, priors.PICTURE_NOISE, lower=1e-3)

    @check_shapes("return[0]: [C, Q]", "return[1]: [C, Q]")
    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return mean and variance of q(h | picture) of every picture."""
        return networks.split_moments(self.encoder(self._pictures))

    @check_shapes("mean: [C, Q]", "variance: [C, Q]", "jitter: []", "return: []")
    def bound(self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor) -> tf.Tensor:
        """Return the weighted E_q(H)[log p(pictures | H)], from two points of each q(h).

        The points are the mean plus and minus one standard deviation, with signs fixed for each picture. The
        expectation is exact to second order, except for mixed derivatives. `jitter` is not used.
        """
        step = self._signs * tf.sqrt(variance)
        points = tf.cast(tf.concat([mean + step, mean - step], 0), tf.float32)
        decoded = tf.reshape(self.decoder(points), [2, *self._pictures.shape])
        squares = tf.reduce_sum(tf.math.squared_difference(decoded, self._pictures), [2, 3, 4])
        total = 0.5 * tf.reduce_sum(tf.cast(squares, mean.dtype))
        count = float(np.prod(self._pictures.shape))
        log_noise = LOG_TWO_PI + tf.math.log(tf.convert_to_tensor(self.noise))
        return -0.5 * self._settings.weight * (count * log_noise + total / self.noise)

    def pretrain(self, seed: int) -> None:
        """Train on the pictures alone by Adam, from new random weights; L-BFGS would find worse optima."""
        for network, drawn in zip((self.encoder, self.decoder), self._draw(seed), strict=True):
            networks.set_weights(network, networks.weights_of(drawn))
        steps = self._settings.pretraining_steps
        schedule = tf_keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, LAST_SHARE)
        adam = tf_keras.optimizers.Adam(schedule)
        variables = self.trainable_variables
        adam.build(variables)

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def step() -> None:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                mean, variance = self.moments()
                zero = tf.zeros([], mean.dtype)
                loss = kl_divergence(mean, variance) - self.bound(mean, variance, zero)
            adam.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

        for _ in range(steps):
            step()

    def posterior(
        self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor
    ) -> PicturePosterior:
        """Return the networks as arrays."""
        return PicturePosterior(
            networks.weights_of(self.encoder),
            networks.weights_of(self.decoder),
            self.noise.numpy(),
            self._shape,
        )

    def restore(self, posterior: PicturePosterior) -> None:
        """Set networks and noise to those of `posterior`."""
        networks.set_weights(self.encoder, posterior.encoder)
        networks.set_weights(self.decoder, posterior.decoder)
        self.noise.assign(posterior.noise)

    def carry_on(self, parameters: Mapping[str, FloatArray], old: Scaler, new: Scaler) -> None:
        """Set the noise to that of the round before; the pictures are the same, and so are their units."""
        gpflow.utilities.multiple_assign(self, dict(parameters))

    def divide_latents(self, scale: FloatArray) -> None:
        """Divide the means of q(h | picture) by `scale` [Q], and the variances by its square."""
        networks.divide_encoded(self.encoder, scale)

    def rescale_latents(self, scale: FloatArray) -> None:
        """Decode the same pictures when h is divided by `scale` [Q]."""
        networks.multiply_decoded(self.decoder, scale)

    def _draw(self, seed: int) -> tuple[tf_keras.Model, tf_keras.Model]:
        """Return an encoder and a decoder with random weights."""
        dimensions = int(self._signs.shape[1])
        make = (networks.make_encoder, networks.make_decoder)
        encoder, decoder = (network(self._shape, dimensions, seed) for network in make)
        return encoder, decoder
