"""The meta-model of tasks described by pictures: an encoder instead of a free q(H), and a decoder."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from pamlflow.models.latent_gp.fit.meta_model import MetaModel
from pamlflow.models.latent_gp.fit.picture_vae import PictureVAE
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.settings import ModelSettings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray


class PictureModel(MetaModel):
    """A meta-model that learns from the pictures of all tasks, and from the dynamics of some."""

    descriptor: PictureVAE

    def __init__(
        self, tasks: TaskSet, settings: ModelSettings, unchosen: FloatArray | None
    ) -> None:
        """A model whose networks are untrained; ``unchosen`` [C - N, H, W, R] are pictures of other tasks."""
        seen = tasks.descriptors
        if unchosen is not None:
            seen = np.concatenate([seen, unchosen])
        super().__init__(tasks, settings, Scaler.fit(tasks, seen))
        pictures = self.scaler.descriptors(seen)
        self.descriptor = PictureVAE(pictures, settings.latent_dimensions, settings.pictures)

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """See MetaModel."""
        mean, variance = self.descriptor.moments()
        return mean, variance

    def _divide_latents(self, scale: FloatArray) -> None:
        self.descriptor.divide_latents(scale)
