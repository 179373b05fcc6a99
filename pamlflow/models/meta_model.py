"""The active meta-learning model (eqs. 7 to 10): dynamics view, descriptor view and q(H) in one objective."""

from __future__ import annotations

import gpflow
import numpy as np
import tensorflow as tf

from pamlflow.models.descriptor_gp import DescriptorGP
from pamlflow.models.dynamics_gp import DynamicsGP, TaskData
from pamlflow.models.inducing import greedy_conditional_variance
from pamlflow.models.inference import LatentPosterior
from pamlflow.models.latent import LatentTasks
from pamlflow.models.parameters import log_prior
from pamlflow.models.posterior import DynamicsPosterior
from pamlflow.models.scaling import Scaler
from pamlflow.models.trained import TrainedModel
from pamlflow.settings import ModelSettings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

MAX_DESCRIPTOR_INDUCING = 32
JITTER = 1e-6


class MetaModel(gpflow.models.BayesianModel, gpflow.models.InternalDataTrainingLossMixin):
    """L_PAML (eq. 10) = dynamics bound + descriptor bound - KL(q(H) || p(H))."""

    def __init__(
        self,
        tasks: TaskSet,
        settings: ModelSettings,
        latent_mean: FloatArray,
        latent_variance: FloatArray,
    ) -> None:
        """A model with q(H) at the given [N, Q] moments; its inducing points are still to be chosen."""
        super().__init__()
        self.scaler = Scaler.fit(tasks)
        inputs, outputs, mask = tasks.padded()
        padding = mask[..., None]
        self._inputs = self.scaler.inputs(inputs) * padding
        self.data = TaskData(
            tf.constant(self._inputs),
            tf.constant(self.scaler.outputs(outputs) * padding),
            tf.constant(mask),
        )
        count = min(settings.inducing_points, len(tasks.inputs))
        self.latent = LatentTasks(latent_mean, latent_variance)
        self.dynamics = DynamicsGP(
            inputs.shape[2],
            outputs.shape[2],
            np.zeros((count, inputs.shape[2])),
            np.zeros((count, latent_mean.shape[1])),
            noise_floor=settings.noise_floor,
            task_scaled=settings.noise == "task_scaled",
        )
        anchors = greedy_conditional_variance(
            latent_mean, np.ones(latent_mean.shape[1]), MAX_DESCRIPTOR_INDUCING
        )
        self.descriptor = DescriptorGP(
            self.scaler.descriptors(tasks.descriptors), latent_mean.shape[1], anchors
        )
        self.jitter = tf.Variable(JITTER, dtype=tf.float64, trainable=False)

    def maximum_log_likelihood_objective(self) -> tf.Tensor:
        """The bound (eq. 10)."""
        mean, variance = (
            tf.convert_to_tensor(self.latent.mean),
            tf.convert_to_tensor(self.latent.variance),
        )
        dynamics = self.dynamics.bound(self.data, mean, variance, self.jitter)
        descriptor = self.descriptor.bound(mean, variance, self.jitter)
        return dynamics + descriptor - self.latent.kl_divergence()

    def log_prior_density(self) -> tf.Tensor:
        """Log prior density of the parameters, up to a constant."""
        return log_prior(self)

    def choose_inducing_points(self, kept: FloatArray | None = None, first_task: int = 0) -> None:
        """Put the inducing points where the present kernel and q(H) leave the most conditional variance.

        Candidates are the transitions of the tasks from ``first_task`` on and the points ``kept``
        [M', Dx + Q], such as those that the round before has optimised.
        """
        transitions = self._joint_inputs(first_task)
        candidates = transitions if kept is None else np.vstack([kept, transitions])
        count = self.dynamics.inducing_inputs.shape[0]
        if len(candidates) < count:
            candidates = self._joint_inputs(0)
        lengthscales = [self.dynamics.kernel_x.lengthscales, self.dynamics.kernel_h.lengthscales]
        chosen = greedy_conditional_variance(
            candidates, np.hstack([scale.numpy() for scale in lengthscales]), count
        )
        inputs, latents = np.split(candidates[chosen], [self._inputs.shape[2]], axis=1)
        self.dynamics.inducing_inputs.assign(inputs)
        self.dynamics.inducing_latents.assign(latents)

    def rescale_latents(self) -> None:
        """Give each dimension of h a unit second moment under q(H), and what depends on h the same scale.

        Neither view notices, but the divergence from the prior is then smallest.  A search finds that scale
        only slowly, because every inducing point has to move with it.
        """
        mean, variance = self.latent.mean.numpy(), self.latent.variance.numpy()
        scale = np.sqrt(np.mean(np.square(mean) + variance, axis=0))
        self.latent.mean.assign(mean / scale)
        self.latent.variance.assign(variance / np.square(scale))
        self.dynamics.rescale_latents(scale)
        self.descriptor.rescale_latents(scale)

    def _joint_inputs(self, first_task: int) -> FloatArray:
        """(x, E[h]) of every transition of the tasks from ``first_task`` on: [transitions, Dx + Q]."""
        mask = self.data.mask.numpy()[first_task:].astype(bool)
        mean = self.latent.mean.numpy()[first_task:]
        latents = np.broadcast_to(mean[:, None, :], (*mask.shape, mean.shape[1]))
        return np.hstack([self._inputs[first_task:][mask], latents[mask]])

    def trained(self, dynamics: DynamicsPosterior | None = None) -> TrainedModel:
        """The model at its present parameters as arrays; q(u) is optimal, or as in ``dynamics``."""
        mean = tf.convert_to_tensor(self.latent.mean)
        variance = tf.convert_to_tensor(self.latent.variance)
        if dynamics is None:
            dynamics = self.dynamics.posterior(self.data, mean, variance, self.jitter)
        return TrainedModel(
            dynamics,
            self.descriptor.posterior(mean, variance, self.jitter),
            LatentPosterior(mean.numpy(), variance.numpy()),
            self.scaler,
            {path: value.numpy() for path, value in gpflow.utilities.parameter_dict(self).items()},
        )
