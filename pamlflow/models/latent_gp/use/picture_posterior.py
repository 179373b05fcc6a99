"""A trained picture view as plain arrays: what a round file holds of its encoder and its decoder.

Pictures are standardised.  TensorFlow is loaded when a picture is encoded or decoded, and not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.use.evidence import Gradients
from pamlflow.rows import Row, rows_of
from pamlflow.tensorflow_loading import load_tensorflow
from pamlflow.types import FloatArray, IntArray

GROUP = "posterior/pictures/"


def _networks() -> ModuleType:
    """Load TensorFlow where there are pictures: everything else of a trained model does without."""
    load_tensorflow()
    from pamlflow.models.latent_gp.use import networks

    return networks


@dataclass(frozen=True)
class PicturePosterior:
    """Weights of q(h | picture) and p(picture | h) by the names of their layers, and the pixels' noise."""

    encoder: dict[str, FloatArray]
    decoder: dict[str, FloatArray]
    noise: FloatArray  # [] noise variance of every pixel
    shape: tuple[int, int, int]  # H, W, R of a picture

    def infer(self, descriptors: FloatArray, starts: FloatArray) -> LatentPosterior:
        """q(h* | picture) of pictures [n, H, W, R]: what the encoder says, without a search from `starts`."""
        return self.encode(descriptors)

    def evidence(self, descriptors: FloatArray) -> EncodedEvidence:
        """What pictures [n, H, W, R] say of h*."""
        encoded = self.encode(descriptors)
        return EncodedEvidence(encoded.mean, encoded.variance)

    def encode(self, pictures: FloatArray) -> LatentPosterior:
        """q(h | picture) of pictures [n, H, W, R]."""
        networks = _networks()

        dimensions = len(self.encoder["moments/bias"]) // 2
        encoder = networks.make_encoder(self.shape, dimensions, seed=0)
        networks.set_weights(encoder, self.encoder)
        mean, variance = networks.split_moments(encoder(pictures.astype(np.float32)))
        return LatentPosterior(mean.numpy(), variance.numpy())

    def decode(self, latents: FloatArray) -> FloatArray:
        """E[picture | h] [n, H, W, R] of latent points [n, Q]."""
        networks = _networks()

        decoder = networks.make_decoder(self.shape, latents.shape[1], seed=0)
        networks.set_weights(decoder, self.decoder)
        decoded: FloatArray = decoder(latents.astype(np.float32)).numpy().astype(np.float64)
        return decoded

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file."""
        return {
            f"{GROUP}noise": self.noise,
            f"{GROUP}shape": np.array(self.shape, dtype=np.float64),
            **{f"{GROUP}encoder/{name}": value for name, value in self.encoder.items()},
            **{f"{GROUP}decoder/{name}": value for name, value in self.decoder.items()},
        }

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> PicturePosterior:
        """The inverse of `to_datasets`."""

        def weights(network: str) -> dict[str, FloatArray]:
            prefix = f"{GROUP}{network}/"
            paths = (path for path in datasets if path.startswith(prefix))
            return {path.removeprefix(prefix): datasets[path] for path in paths}

        height, width, channels = datasets[f"{GROUP}shape"].astype(np.int64).tolist()
        noise, shape = datasets[f"{GROUP}noise"], (height, width, channels)
        return cls(weights("encoder"), weights("decoder"), noise, shape)

    @staticmethod
    def is_in(datasets: Mapping[str, Any]) -> bool:
        """Whether a round file holds a picture view."""
        return f"{GROUP}noise" in datasets

    @staticmethod
    def rows() -> tuple[Row, ...]:
        """The rows of its datasets."""
        return rows_of(f"{GROUP}*  [...]  float64  1  encoder and decoder of pictures")


class EncodedEvidence:
    """E_q(h*) [log q(h* | picture) - log p(h*)]: with the KL, what an encoder says takes the prior's place.

    With nothing else known, q(h*) is what the encoder says.
    """

    def __init__(self, mean: FloatArray, variance: FloatArray) -> None:
        """Moments [N, Q] of q(h | picture)."""
        self._mean = mean
        self._variance = variance

    def __call__(self, mean: FloatArray, variance: FloatArray, tasks: IntArray) -> Gradients:
        """See Evidence."""
        offset, scale = mean - self._mean[tasks], self._variance[tasks]
        squares = (np.square(offset) + variance) / scale - np.square(mean) - variance
        value = -0.5 * np.sum(np.log(scale) + squares, axis=1)
        return Gradients(value, mean - offset / scale, 0.5 - 0.5 / scale)
