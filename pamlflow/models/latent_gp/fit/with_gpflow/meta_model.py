"""The active meta-learning model (eqs. 7 to 10): dynamics view, descriptor view and q(H) in one objective."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from typing import Protocol, Self

import gpflow
import numpy as np
import tensorflow as tf

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit.carrying import below, points_carried_on
from pamlflow.models.latent_gp.fit.inducing import JITTER, choose_inducing_points
from pamlflow.models.latent_gp.fit.layout import Placement
from pamlflow.models.latent_gp.fit.with_gpflow.dynamics_gp import DynamicsGP, TaskData
from pamlflow.models.latent_gp.fit.with_gpflow.latent import kl_divergence
from pamlflow.models.latent_gp.fit.with_gpflow.parameters import log_prior
from pamlflow.models.latent_gp.settings import ModelSettings
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.statistics import Transitions
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.models.latent_gp.use.views import DescriptorView, DynamicsView
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray


class DescriptorModel(Protocol):
    """The descriptor view p(Psi | H) of C tasks, for a q(H) with moments [C, Q]."""

    def bound(self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor) -> tf.Tensor:
        """Return a bound on E_q(H)[log p(Psi | H)]."""

    def posterior(self, mean: tf.Tensor, variance: tf.Tensor, jitter: tf.Tensor) -> DescriptorView:
        """Return the posterior of psi given h, as arrays."""

    def rescale_latents(self, scale: FloatArray) -> None:
        """Keep the descriptors of the tasks when h is divided by `scale` [Q]."""

    def carry_on(self, parameters: Mapping[str, FloatArray], old: Scaler, new: Scaler) -> None:
        """Set the parameters to those of the round before, converted to the units of the `new` scaler."""


class MetaModel(gpflow.models.BayesianModel, gpflow.models.InternalDataTrainingLossMixin):
    """L_PAML (eq. 10) = dynamics bound + descriptor bound - KL(q(H) || p(H)).

    H has a row for each of C known tasks: first the N training tasks, then tasks known by their descriptors
    alone, if the kind of descriptor uses them.
    """

    descriptor: DescriptorModel

    def __init__(self, tasks: TaskSet, settings: ModelSettings, scaler: Scaler) -> None:
        """Make the dynamics view of the training tasks; its inducing points are still to be chosen."""
        super().__init__()
        self.scaler = scaler
        inputs, outputs, mask = tasks.padded()
        padding = mask[..., None]
        self.settings = settings
        self.transitions = Transitions(
            scaler.inputs(tasks.inputs), scaler.outputs(tasks.outputs), np.asarray(tasks.lengths)
        )
        self.data = TaskData(
            tf.constant(scaler.inputs(inputs) * padding),
            tf.constant(scaler.outputs(outputs) * padding),
            tf.constant(mask),
        )
        count = min(settings.inducing_points, len(tasks.inputs))
        self.dynamics = DynamicsGP(
            inputs.shape[2],
            outputs.shape[2],
            np.zeros((count, inputs.shape[2])),
            np.zeros((count, settings.dimensions(len(tasks.parameter_variables)))),
            noise_floor=settings.noise_floor,
            signal=settings.signal,
            task_scaled=settings.noise == "task_scaled",
        )
        self.relative_jitter = tf.Variable(JITTER, dtype=tf.float64, trainable=False)

    @classmethod
    @abstractmethod
    def proceed(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        previous: TrainedModel,
        unchosen: FloatArray | None,
    ) -> tuple[Self, Placement]:
        """A model of the tasks of the round before and some more, and where its q(H) starts."""

    @abstractmethod
    def moments(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Return means and variances [C, Q] of q(H), the training tasks first."""

    @abstractmethod
    def _divide_latents(self, scale: FloatArray) -> None:
        """Divide the means of q(H) by `scale` [Q], and the variances by its square."""

    @property
    def num_tasks(self) -> int:
        """The number of training tasks N."""
        return int(self.data.mask.shape[0])

    def maximum_log_likelihood_objective(self) -> tf.Tensor:
        """Return the bound L_PAML (eq. 10)."""
        mean, variance = self.moments()
        number = self.num_tasks
        dynamics = self.dynamics.bound(
            self.data, mean[:number], variance[:number], self.relative_jitter
        )
        return dynamics + self.descriptor_bound(mean, variance)

    def descriptor_bound(self, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
        """Return the part of the bound without the dynamics: descriptor bound - KL(q(H) || p(H))."""
        descriptor = self.descriptor.bound(mean, variance, self.relative_jitter)
        return descriptor - kl_divergence(mean, variance)

    def log_prior_density(self) -> tf.Tensor:
        """Return the log prior density of the parameters, up to a constant."""
        return log_prior(self)

    def choose_inducing_points(self, kept: FloatArray | None = None, first_task: int = 0) -> None:
        """Choose the inducing points by greedy conditional variance under the present kernel and q(H).

        Candidates are the transitions of the tasks from `first_task` on, and the points `kept` [M', Dx + Q],
        such as the optimised ones of the round before.
        """
        values = self.dynamics.values()
        inputs, latents = choose_inducing_points(
            values, self.transitions, self.latent_tasks().mean, kept, first_task
        )
        self.dynamics.inducing_inputs.assign(inputs)
        self.dynamics.inducing_latents.assign(latents)

    def carry_on(self, place: Placement, previous: TrainedModel) -> None:
        """Take over all parameters of the round before, in the units of this model's standardisation."""
        old = previous.scaler
        place()
        latents = previous.latent.mean
        self.dynamics.carry_on(below("dynamics", previous.parameters), old, self.scaler, latents)
        self.descriptor.carry_on(below("descriptor", previous.parameters), old, self.scaler)
        kept = points_carried_on(previous, self.scaler)
        self.choose_inducing_points(kept, first_task=len(latents))

    def rescale_latents(self) -> None:
        """Scale each dimension of h to a unit second moment under q(H), and the parameters with it.

        This leaves both views unchanged and minimises the divergence from the prior over all scales. A search
        finds this scale slowly, because every inducing point has to move with it.
        """
        mean, variance = (moment.numpy() for moment in self.moments())
        scale = np.sqrt(np.mean(np.square(mean) + variance, axis=0))
        self._divide_latents(scale)
        self.dynamics.rescale_latents(scale)
        self.descriptor.rescale_latents(scale)

    def with_posterior(self, dynamics: DynamicsView) -> TrainedModel:
        """The model at its present parameters as arrays, with this posterior of the dynamics."""
        mean, variance = self.moments()
        signal = self.dynamics.output_scale.numpy()
        return TrainedModel(
            dynamics,
            self.descriptor.posterior(mean, variance, self.relative_jitter),
            self.latent_tasks(),
            dataclasses.replace(self.scaler, output_scale=self.scaler.output_scale * signal),
            self._parameters(),
        )

    def latent_tasks(self) -> LatentPosterior:
        """Return q(H) of the training tasks."""
        mean, variance = (moment.numpy()[: self.num_tasks] for moment in self.moments())
        return LatentPosterior(mean, variance)

    def _parameters(self) -> dict[str, FloatArray]:
        """Return the parameters in double precision; the networks, in single precision, have a posterior."""
        parameters = gpflow.utilities.parameter_dict(self)
        values = {path: value.numpy() for path, value in parameters.items()}
        return {path: value for path, value in values.items() if value.dtype == np.float64}
