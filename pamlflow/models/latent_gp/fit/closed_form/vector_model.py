"""The meta-model of tasks described by vectors, as a search by its collapsed bound sees it (eqs. 7 to 10).

L_PAML (eq. 10) = dynamics bound + descriptor bound - KL(q(H) || p(H)), with a free q(H).
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import NamedTuple, Self

import numpy as np

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit.carrying import (
    below,
    descriptor_carried_on,
    dynamics_carried_on,
    points_carried_on,
)
from pamlflow.models.latent_gp.fit.closed_form.descriptor_bound import (
    DescriptorBound,
    DescriptorValues,
)
from pamlflow.models.latent_gp.fit.closed_form.descriptor_view import descriptor_posterior
from pamlflow.models.latent_gp.fit.closed_form.dynamics_bound import DynamicsBound
from pamlflow.models.latent_gp.fit.closed_form.first_parameters import (
    DESCRIPTOR,
    DYNAMICS,
    MEAN,
    VARIANCE,
    untrained,
)
from pamlflow.models.latent_gp.fit.closed_form.noise_bound import NoiseBound
from pamlflow.models.latent_gp.fit.inducing import (
    JITTER,
    choose_inducing_points,
    greedy_conditional_variance,
)
from pamlflow.models.latent_gp.fit.layout import (
    INITIAL_LATENT_VARIANCE,
    MAX_DESCRIPTOR_INDUCING,
    Placement,
    initial_latents,
    start_of_round,
)
from pamlflow.models.latent_gp.fit.prediction import prediction_posterior
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.statistics import DynamicsValues, Transitions
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite
from pamlflow.tasks import TaskSet
from pamlflow.types import BoolArray, FloatArray

UNUSED_LENGTHSCALE = 300.0  # used ones have 1 to 90, those switched off 370 to 24,000


class _OfNoise(NamedTuple):
    """What the loss is made of while the noise alone moves, and where the other parameters are."""

    jitter: float
    others: FloatArray
    bound: NoiseBound
    rest: float  # loss + log prior + dynamics bound


class VectorModel:
    """A meta-model of the training tasks alone; a CollapsedModel of `fit.training`."""

    def __init__(self, tasks: TaskSet, settings: ModelSettings) -> None:
        """Make an untrained model, which still has to be placed and given inducing points."""
        self.jitter = JITTER
        self.scaler = Scaler.fit(tasks)
        self._settings = settings
        self._of_noise: _OfNoise | None = None
        lengths = np.asarray(tasks.lengths)
        inputs, outputs = self.scaler.inputs(tasks.inputs), self.scaler.outputs(tasks.outputs)
        self._dynamics = DynamicsBound(Transitions(inputs, outputs, lengths))
        descriptors = self.scaler.descriptors(tasks.descriptors)
        anchors = np.arange(min(tasks.num_tasks, MAX_DESCRIPTOR_INDUCING))
        self._descriptor = DescriptorBound(descriptors, anchors)
        dimensions = settings.dimensions(len(tasks.parameter_variables))
        size = min(settings.inducing_points, len(inputs))
        self.parameters = untrained(
            settings,
            tasks.num_tasks,
            inputs.shape[1],
            outputs.shape[1],
            descriptors.shape[1],
            dimensions,
            size,
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
        """Return a model of first tasks, and its starts; descriptors `unchosen` teach it nothing.

        The first start lays out the tasks by their descriptors, the second by their dynamics, and the others
        at random.
        """
        model = cls(tasks, settings)
        dimensions = settings.dimensions(len(tasks.parameter_variables))
        means = initial_latents(tasks, dimensions, rng, training.starts)
        variance = np.full_like(means[0], INITIAL_LATENT_VARIANCE)
        return model, [partial(model.place, LatentPosterior(mean, variance)) for mean in means]

    @classmethod
    def proceed(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        previous: TrainedModel,
        unchosen: FloatArray | None,
    ) -> tuple[Self, Placement]:
        """Return a model of one more round; q(h) of added tasks starts where `previous` infers it."""
        model = cls(tasks, settings)
        return model, partial(model.place, start_of_round(tasks, previous))

    @staticmethod
    def can_continue(previous: TrainedModel) -> bool:
        """Return whether the kernel uses every dimension of h, which has a unit second moment.

        If the round before switched a dimension off, it put the tasks that need it on a line. New tasks only
        fold this line further, and no search unfolds it.
        """
        return not np.any(previous.dynamics.lengthscales_h > UNUSED_LENGTHSCALE)

    @property
    def latent(self) -> LatentPosterior:
        """Return q(H)."""
        return LatentPosterior(self.parameters[MEAN].value, self.parameters[VARIANCE].value)

    def place(self, start: LatentPosterior) -> None:
        """Set q(H) to `start`, choose the inducing points of the descriptors, and fit their linear mean."""
        self.parameters.assign({MEAN: start.mean, VARIANCE: start.variance})
        self._descriptor.inducing = greedy_conditional_variance(
            start.mean, np.ones(start.mean.shape[1]), MAX_DESCRIPTOR_INDUCING
        )
        design = np.hstack([start.mean, np.ones((len(start.mean), 1))])
        solution, *_ = np.linalg.lstsq(design, self._descriptor.descriptors, rcond=None)
        slope, intercept = solution[:-1], solution[-1]
        self.parameters.assign({DESCRIPTOR["slope"]: slope, DESCRIPTOR["intercept"]: intercept})

    def choose_inducing_points(self, kept: FloatArray | None = None, first_task: int = 0) -> None:
        """Choose the inducing points by greedy conditional variance under the present kernel and q(H).

        Candidates are the transitions of the tasks from `first_task` on, and the points `kept` [M', Dx + Q],
        such as the optimised ones of the round before.
        """
        inputs, latents = choose_inducing_points(
            self._dynamics_values(),
            self._dynamics.transitions,
            self.latent.mean,
            kept,
            first_task,
        )
        self.parameters.assign(
            {DYNAMICS["inducing_inputs"]: inputs, DYNAMICS["inducing_latents"]: latents}
        )

    def carry_on(self, place: Placement, previous: TrainedModel) -> None:
        """Take over all parameters of the round before, in the units of this model's standardisation."""
        place()
        old, latents = previous.scaler, previous.latent.mean
        dynamics = dynamics_carried_on(
            below("dynamics", previous.parameters),
            old,
            self.scaler,
            latents,
            noise_floor=self._settings.noise_floor,
            shared_signal=self._settings.signal == "shared",
        )
        descriptor = descriptor_carried_on(
            below("descriptor", previous.parameters), old, self.scaler
        )
        self.parameters.assign(
            {f".dynamics{path}": value for path, value in dynamics.items()}
            | {f".descriptor{path}": value for path, value in descriptor.items()}
        )
        kept = points_carried_on(previous, self.scaler)
        self.choose_inducing_points(kept, first_task=len(latents))

    def rescale_latents(self) -> None:
        """Scale each dimension of h to a unit second moment under q(H), and the parameters with it.

        This leaves both views unchanged and minimises the divergence from the prior over all scales. A search
        finds this scale slowly, because every inducing point has to move with it.
        """
        mean, variance, _ = self.latent
        unit = np.sqrt(np.mean(np.square(mean) + variance, axis=0))
        factors = {
            MEAN: 1.0 / unit,
            VARIANCE: 1.0 / np.square(unit),
            DYNAMICS["inducing_latents"]: 1.0 / unit,
            DYNAMICS["lengthscales_h"]: 1.0 / unit,
            DYNAMICS["noise_slope"]: unit,
            DESCRIPTOR["lengthscales"]: 1.0 / unit,
            DESCRIPTOR["slope"]: unit[:, None],
        }
        self.parameters.assign(
            {path: self.parameters[path].value * factor for path, factor in factors.items()}
        )

    def state(self) -> FloatArray:
        """See Searchable."""
        return self.parameters.state()

    def restore(self, state: FloatArray) -> None:
        """See Searchable."""
        self.parameters.restore(state)

    def entries(self, *paths: str) -> BoolArray:
        """See Searchable."""
        return self.parameters.entries(*paths)

    def loss(self, free: BoolArray) -> tuple[float, FloatArray]:
        """See Searchable: while the noise alone is free, most of the bound is not computed again."""
        noise = self.entries(DYNAMICS["noise"], DYNAMICS["noise_slope"])
        size = len(self.parameters[DYNAMICS["inducing_inputs"]].value)
        try:
            if (free & ~noise).any() or not NoiseBound.has_room(len(self.latent.mean), size):
                return self._loss()
            return self._loss_of_noise(self.state()[~noise])
        except NotPositiveDefinite:
            return np.nan, np.full(free.size, np.nan)

    def _loss(self) -> tuple[float, FloatArray]:
        mean, variance, _ = self.latent
        dynamics, by = self._dynamics(self._dynamics_values(), mean, variance, self.jitter)
        view, by_view = self._descriptor(self._descriptor_values(), mean, variance, self.jitter)
        divergence = 0.5 * float(np.sum(np.square(mean) + variance - 1.0 - np.log(variance)))
        gradient = {DYNAMICS[name]: part for name, part in by.values._asdict().items()}
        gradient |= {DESCRIPTOR[name]: part for name, part in by_view.values._asdict().items()}
        gradient[MEAN] = by.mean + by_view.mean - mean
        gradient[VARIANCE] = by.variance + by_view.variance - 0.5 + 0.5 / variance
        bound = dynamics + view - divergence
        return -bound - self.parameters.log_prior(), -self.parameters.gradient(gradient)

    def _loss_of_noise(self, others: FloatArray) -> tuple[float, FloatArray]:
        """The loss as `_loss` has it, and its derivatives by noise and slope alone, while the `others` stay."""
        values, kept = self._dynamics_values(), self._of_noise
        if kept is None or kept.jitter != self.jitter or not np.array_equal(kept.others, others):
            mean, variance, _ = self.latent
            bound = NoiseBound(self._dynamics.statistics, values, mean, variance, self.jitter)
            loss, _ = self._loss()
            dynamics = bound(values.noise, values.noise_slope)[0]
            kept = _OfNoise(
                self.jitter, others, bound, loss + self.parameters.log_prior() + dynamics
            )
            self._of_noise = kept if np.isfinite(loss) else None
        dynamics, by_noise, by_slope = kept.bound(values.noise, values.noise_slope)
        gradient = {path: np.zeros_like(it.value) for path, it in self.parameters.items()}
        gradient |= {DYNAMICS["noise"]: by_noise, DYNAMICS["noise_slope"]: by_slope}
        loss = kept.rest - dynamics - self.parameters.log_prior()
        return loss, -self.parameters.gradient(gradient)

    def spoilt(self) -> list[str]:
        """Return the paths of parameters that are not finite."""
        return [path for path, it in self.parameters.items() if not np.all(np.isfinite(it.value))]

    def trained(self) -> TrainedModel:
        """Return the model at its present parameters as arrays."""
        values, latent = self._dynamics_values(), self.latent
        dynamics = prediction_posterior(
            self._dynamics.transitions, values, latent, self.jitter, self._settings
        )
        descriptor = descriptor_posterior(
            self._descriptor, self._descriptor_values(), latent, self.jitter
        )
        scaler = dataclasses.replace(
            self.scaler, output_scale=self.scaler.output_scale * values.output_scale
        )
        parameters = {path: part.value for path, part in self.parameters.items()}
        return TrainedModel(dynamics, descriptor, latent, scaler, parameters)

    def _dynamics_values(self) -> DynamicsValues:
        return DynamicsValues(**self.parameters.values_at(DYNAMICS))

    def _descriptor_values(self) -> DescriptorValues:
        return DescriptorValues(**self.parameters.values_at(DESCRIPTOR))
