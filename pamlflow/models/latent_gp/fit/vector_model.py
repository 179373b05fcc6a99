"""The meta-model of tasks described by vectors: a free q(H), and Gaussian processes from h to psi."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from pamlflow.models.latent_gp.fit.descriptor_gp import DescriptorGP
from pamlflow.models.latent_gp.fit.inducing import greedy_conditional_variance
from pamlflow.models.latent_gp.fit.latent import LatentTasks
from pamlflow.models.latent_gp.fit.meta_model import MetaModel
from pamlflow.models.latent_gp.use.inference import LatentPosterior
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.settings import ModelSettings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

MAX_DESCRIPTOR_INDUCING = 32


class VectorModel(MetaModel):
    """A meta-model that knows no tasks but the training tasks."""

    descriptor: DescriptorGP

    def __init__(self, tasks: TaskSet, settings: ModelSettings, start: LatentPosterior) -> None:
        """A model with q(H) at ``start``."""
        super().__init__(tasks, settings, Scaler.fit(tasks))
        self.latent = LatentTasks(start.mean, start.variance)
        dimensions = start.mean.shape[1]
        anchors = greedy_conditional_variance(
            start.mean, np.ones(dimensions), MAX_DESCRIPTOR_INDUCING
        )
        self.descriptor = DescriptorGP(
            self.scaler.descriptors(tasks.descriptors), dimensions, anchors
        )

    def place(self, start: LatentPosterior) -> None:
        """Put q(H) at ``start``, and the linear mean of the descriptors where that suggests."""
        self.latent.mean.assign(start.mean)
        self.latent.variance.assign(start.variance)
        self.descriptor.fit_linear_mean(start.mean)

    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """See MetaModel."""
        return tf.convert_to_tensor(self.latent.mean), tf.convert_to_tensor(self.latent.variance)

    def _divide_latents(self, scale: FloatArray) -> None:
        self.latent.mean.assign(self.latent.mean.numpy() / scale)
        self.latent.variance.assign(self.latent.variance.numpy() / np.square(scale))
