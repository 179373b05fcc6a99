"""The active meta-learning model (eqs. 7 to 10): dynamics view, descriptor view and q(H) in one objective."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Protocol, Self

import gpflow
import numpy as np
import tensorflow as tf

from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.fit.dynamics_gp import DynamicsGP, TaskData
from pamlflow.models.latent_gp.fit.inducing import greedy_conditional_variance
from pamlflow.models.latent_gp.fit.latent import kl_divergence
from pamlflow.models.latent_gp.fit.parameters import log_prior
from pamlflow.models.latent_gp.fit.predictive_noise import fit_predictive_noise
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.models.latent_gp.use.views import DescriptorView
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

JITTER = 1e-6

Placement = Callable[[], None]
"""Puts the q(H) of a model somewhere."""


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
        self._inputs = self.scaler.inputs(inputs) * padding
        self.data = TaskData(
            tf.constant(self._inputs),
            tf.constant(self.scaler.outputs(outputs) * padding),
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
        self.jitter = tf.Variable(JITTER, dtype=tf.float64, trainable=False)

    @classmethod
    @abstractmethod
    def begin(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        training: TrainingSettings,
        unchosen: FloatArray | None,
        rng: np.random.Generator,
    ) -> tuple[Self, list[Placement]]:
        """A model of first tasks, and the places from which a fit tries to start."""

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

    @staticmethod
    def can_continue(previous: TrainedModel) -> bool:
        """Return whether a search may start from the round before, or must start from scratch."""
        return True

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
        dynamics = self.dynamics.bound(self.data, mean[:number], variance[:number], self.jitter)
        return dynamics + self.descriptor_bound(mean, variance)

    def descriptor_bound(self, mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
        """Return the part of the bound without the dynamics: descriptor bound - KL(q(H) || p(H))."""
        descriptor = self.descriptor.bound(mean, variance, self.jitter)
        return descriptor - kl_divergence(mean, variance)

    def log_prior_density(self) -> tf.Tensor:
        """Return the log prior density of the parameters, up to a constant."""
        return log_prior(self)

    def choose_inducing_points(self, kept: FloatArray | None = None, first_task: int = 0) -> None:
        """Choose the inducing points by greedy conditional variance under the present kernel and q(H).

        Candidates are the transitions of the tasks from `first_task` on, and the points `kept` [M', Dx + Q],
        such as the optimised ones of the round before.
        """
        transitions = self._joint_inputs(first_task)
        candidates = transitions if kept is None else np.vstack([kept, transitions])
        count = self.dynamics.inducing_inputs.shape[0]
        if len(candidates) < count:  # the round before had fewer
            candidates = np.vstack([candidates, self._joint_inputs(0)])
        lengthscales = [self.dynamics.kernel_x.lengthscales, self.dynamics.kernel_h.lengthscales]
        chosen = greedy_conditional_variance(
            candidates, np.hstack([scale.numpy() for scale in lengthscales]), count
        )
        inputs, latents = np.split(candidates[chosen], [self._inputs.shape[2]], axis=1)
        self.dynamics.inducing_inputs.assign(inputs)
        self.dynamics.inducing_latents.assign(latents)

    def carry_on(self, place: Placement, previous: TrainedModel) -> None:
        """Take over all parameters of the round before, in the units of this model's standardisation."""
        old = previous.scaler
        place()
        latents = previous.latent.mean
        self.dynamics.carry_on(_below("dynamics", previous.parameters), old, self.scaler, latents)
        self.descriptor.carry_on(_below("descriptor", previous.parameters), old, self.scaler)
        inputs, points = previous.dynamics.points
        inputs = self.scaler.inputs(inputs * old.input_scale + old.input_mean)
        kept = np.hstack([inputs, points])
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

    def _joint_inputs(self, first_task: int) -> FloatArray:
        """Return (x, E[h]) [transitions, Dx + Q] of all transitions of the tasks from `first_task` on."""
        mask = self.data.mask.numpy()[first_task:].astype(bool)
        mean = self.moments()[0].numpy()[first_task : self.num_tasks]
        latents = np.broadcast_to(mean[:, None, :], (*mask.shape, mean.shape[1]))
        return np.hstack([self._inputs[first_task:][mask], latents[mask]])

    def trained(self, dynamics: SparsePosterior | None = None) -> TrainedModel:
        """The model at its present parameters as arrays; q(u) is optimal, or as in `dynamics`.

        With `dynamics`, predictions have the noise of the bound: leaving a transition out is in closed form
        only at the optimal q(u).
        """
        mean, variance = self.moments()
        training = mean[: self.num_tasks], variance[: self.num_tasks]
        latent = LatentPosterior(*(moment.numpy() for moment in training))
        if dynamics is None:
            dynamics = self.dynamics.posterior(self.data, *training, self.jitter)
            dynamics = dynamics._replace(predictive_noise=self._predictive_noise(dynamics, latent))
        signal = self.dynamics.output_scale.numpy()
        return TrainedModel(
            dynamics,
            self.descriptor.posterior(mean, variance, self.jitter),
            latent,
            dataclasses.replace(self.scaler, output_scale=self.scaler.output_scale * signal),
            self._parameters(),
        )

    def _predictive_noise(self, dynamics: SparsePosterior, latent: LatentPosterior) -> FloatArray:
        """Noise variances [P] of predictions by the optimal q(u), in units of the signals."""
        data = TaskArrays(*(part.numpy() for part in self.dynamics.scaled(self.data)))
        floor = self.dynamics.noise_floor / np.square(self.dynamics.output_scale.numpy())
        return fit_predictive_noise(dynamics, data, latent, floor)

    def _parameters(self) -> dict[str, FloatArray]:
        """Return the parameters in double precision; the networks, in single precision, have a posterior."""
        parameters = gpflow.utilities.parameter_dict(self)
        values = {path: value.numpy() for path, value in parameters.items()}
        return {path: value for path, value in values.items() if value.dtype == np.float64}


def _below(part: str, parameters: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the parameters of one part of the model, by their paths in that part."""
    prefix = f".{part}"
    return {
        path.removeprefix(prefix): value
        for path, value in parameters.items()
        if path.startswith(f"{prefix}.")
    }
