"""The meta-model of tasks described by vectors: a free q(H), and Gaussian processes from h to psi."""

from __future__ import annotations

from functools import partial
from typing import Self

import numpy as np
import tensorflow as tf

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit.inducing import greedy_conditional_variance
from pamlflow.models.latent_gp.fit.layout import (
    INITIAL_LATENT_VARIANCE,
    MAX_DESCRIPTOR_INDUCING,
    Placement,
    start_of_round,
)
from pamlflow.models.latent_gp.fit.with_gpflow.descriptor_gp import DescriptorGP
from pamlflow.models.latent_gp.fit.with_gpflow.latent import LatentTasks
from pamlflow.models.latent_gp.fit.with_gpflow.meta_model import MetaModel
from pamlflow.models.latent_gp.settings import ModelSettings
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray


class GPflowVectorModel(MetaModel):
    """A meta-model of the training tasks alone."""

    descriptor: DescriptorGP

    def __init__(self, tasks: TaskSet, settings: ModelSettings, start: LatentPosterior) -> None:
        """Make a model with q(H) at `start`."""
        super().__init__(tasks, settings, Scaler.fit(tasks))
        self.latent = LatentTasks(start.mean, start.variance)
        dimensions = start.mean.shape[1]
        anchors = greedy_conditional_variance(
            start.mean, np.ones(dimensions), MAX_DESCRIPTOR_INDUCING
        )
        self.descriptor = DescriptorGP(
            self.scaler.descriptors(tasks.descriptors), dimensions, anchors
        )

    @classmethod
    def begin(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        rng: np.random.Generator,
    ) -> tuple[Self, Placement]:
        """A model of first tasks, and the paper's random start."""
        dimensions = settings.dimensions(len(tasks.parameter_variables))
        mean = rng.standard_normal((tasks.num_tasks, dimensions))
        latent = LatentPosterior(mean, np.full_like(mean, INITIAL_LATENT_VARIANCE))
        model = cls(tasks, settings, latent)
        return model, partial(model.place, latent)

    @classmethod
    def proceed(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        previous: TrainedModel,
        unchosen: FloatArray | None,
    ) -> tuple[Self, Placement]:
        """A model of one more round; q(h) of added tasks starts where the previous model infers it."""
        latent = start_of_round(tasks, previous)
        model = cls(tasks, settings, latent)
        return model, partial(model.place, latent)

    def place(self, start: LatentPosterior) -> None:
        """Set q(H) to `start`, and fit the linear mean of the descriptors to it."""
        self.latent.mean.assign(start.mean)
        self.latent.variance.assign(start.variance)
        self.descriptor.fit_linear_mean(start.mean)

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """See MetaModel."""
        return tf.convert_to_tensor(self.latent.mean), tf.convert_to_tensor(self.latent.variance)

    def _divide_latents(self, scale: FloatArray) -> None:
        self.latent.mean.assign(self.latent.mean.numpy() / scale)
        self.latent.variance.assign(self.latent.variance.numpy() / np.square(scale))
