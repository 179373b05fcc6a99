"""The meta-model of tasks described by pictures: an encoder replaces the free q(H), a decoder the GPs."""

from __future__ import annotations

from functools import partial
from typing import Self

import numpy as np
import tensorflow as tf

from pamlflow.models.latent_gp.fit.layout import Placement
from pamlflow.models.latent_gp.fit.with_gpflow.picture_vae import PictureVAE
from pamlflow.models.latent_gp.fit.with_gpflow.traced_search import TracedSearch
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.models.latent_gp.use.picture_posterior import PicturePosterior
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray


class PictureModel(TracedSearch):
    """A meta-model of the pictures of all C tasks and the dynamics of the N training tasks."""

    descriptor: PictureVAE

    def __init__(
        self, tasks: TaskSet, settings: ModelSettings, unchosen: FloatArray | None
    ) -> None:
        """Make a model with untrained networks; `unchosen` [C - N, H, W, R] are pictures of other tasks."""
        seen = tasks.descriptors
        if unchosen is not None:
            seen = np.concatenate([seen, unchosen])
        super().__init__(tasks, settings, Scaler.fit(tasks, seen))
        pictures = self.scaler.descriptors(seen)
        dimensions = settings.dimensions(len(tasks.parameter_variables))
        self.descriptor = PictureVAE(pictures, dimensions, settings.pictures)

    @classmethod
    def begin(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        training: TrainingSettings,
        unchosen: FloatArray | None,
        rng: np.random.Generator,
    ) -> tuple[Self, list[Placement]]:
        """A model, and the one start that it needs: what its networks learn from all pictures."""
        model = cls(tasks, settings, unchosen)
        return model, [partial(model.descriptor.pretrain, int(rng.integers(2**31)))]

    @classmethod
    def proceed(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        previous: TrainedModel,
        unchosen: FloatArray | None,
    ) -> tuple[Self, Placement]:
        """A model of one more round, whose networks start as those of the round before have ended."""
        model, view = cls(tasks, settings, unchosen), previous.descriptor
        assert isinstance(view, PicturePosterior)  # tasks do not change what they are described by
        return model, partial(model.descriptor.restore, view)

    @staticmethod
    def can_continue(previous: TrainedModel) -> bool:
        """See CollapsedModel: the encoder lays the tasks out, whatever the kernel uses of h."""
        return True

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """See MetaModel."""
        mean, variance = self.descriptor.moments()
        return mean, variance

    def _divide_latents(self, scale: FloatArray) -> None:
        self.descriptor.divide_latents(scale)
