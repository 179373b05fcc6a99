"""The meta-model of tasks described by vectors: a free q(H), and Gaussian processes from h to psi."""

from __future__ import annotations

from functools import partial
from typing import Self

import numpy as np
import tensorflow as tf

from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.fit.descriptor_gp import DescriptorGP
from pamlflow.models.latent_gp.fit.inducing import greedy_conditional_variance
from pamlflow.models.latent_gp.fit.latent import LatentTasks
from pamlflow.models.latent_gp.fit.layout import initial_latents, random_latents
from pamlflow.models.latent_gp.fit.meta_model import MetaModel, Placement
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

MAX_DESCRIPTOR_INDUCING = 32
INITIAL_LATENT_VARIANCE = 0.1
UNUSED_LENGTHSCALE = 300.0  # used ones have 1 to 90, those switched off 370 to 24,000


class VectorModel(MetaModel):
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
        training: TrainingSettings,
        unchosen: FloatArray | None,
        rng: np.random.Generator,
    ) -> tuple[Self, list[Placement]]:
        """A model of first tasks, and its starts; descriptors `unchosen` teach it nothing.

        The first start lays out the tasks by their descriptors, the second by their dynamics, and the others
        at random. The stochastic bound has one random start, as in the paper.
        """
        dimensions = settings.dimensions(len(tasks.parameter_variables))
        means = (
            [random_latents(tasks, dimensions, rng)]
            if training.bound == "stochastic"
            else initial_latents(tasks, dimensions, rng, training.starts)
        )
        variance = np.full_like(means[0], INITIAL_LATENT_VARIANCE)
        latents = [LatentPosterior(mean, variance) for mean in means]
        model = cls(tasks, settings, latents[-1])
        return model, [partial(model.place, latent) for latent in latents]

    @classmethod
    def proceed(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        previous: TrainedModel,
        unchosen: FloatArray | None,
    ) -> tuple[Self, Placement]:
        """A model of one more round; q(h) of added tasks starts where the previous model infers it."""
        added = tasks.subset(np.arange(len(previous.latent.mean), tasks.num_tasks))
        data = TaskArrays(*added.padded())
        start = previous.infer(descriptors=added.descriptors, data=data)
        latent = LatentPosterior(
            np.vstack([previous.latent.mean, start.mean]),
            np.vstack([previous.latent.variance, start.variance]),
        )
        model = cls(tasks, settings, latent)
        return model, partial(model.place, latent)

    @staticmethod
    def can_continue(previous: TrainedModel) -> bool:
        """Return whether the kernel uses every dimension of h, which has a unit second moment.

        If the round before switched a dimension off, it put the tasks that need it on a line. New tasks only
        fold this line further, and no search unfolds it.
        """
        return not np.any(previous.dynamics.lengthscales_h > UNUSED_LENGTHSCALE)

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
