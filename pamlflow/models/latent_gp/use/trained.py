"""A trained meta-model as plain arrays: what a round file holds and everything downstream works with."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pamlflow.arrays import check_finite, check_shape, numbers
from pamlflow.models.interface import LatentPosterior, Objective, TaskArrays
from pamlflow.models.latent_gp.use.evidence import Evidence
from pamlflow.models.latent_gp.use.inference import infer_latents, latent_starts
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.views import (
    DESCRIPTOR_VIEWS,
    DYNAMICS_VIEWS,
    DescriptorView,
    DynamicsView,
    view_in,
)
from pamlflow.numerics import default_error_state
from pamlflow.screening import cost_of_inference
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedModel:
    """Posteriors of both views, q(H) of the training tasks, the scaler and the parameters.

    Methods take and return values in their own units.
    """

    dynamics: DynamicsView
    descriptor: DescriptorView
    latent: LatentPosterior
    scaler: Scaler
    parameters: dict[str, FloatArray]

    def prior(self, number: int) -> LatentPosterior:
        """q(h*) of `number` tasks of which nothing is known."""
        shape = (number, self.latent.mean.shape[1])
        return LatentPosterior(np.zeros(shape), np.ones(shape))

    @default_error_state()
    def infer(
        self,
        *,
        descriptors: FloatArray | None = None,
        data: TaskArrays | None = None,
        objective: Objective = "predictive",
    ) -> LatentPosterior:
        """q(h*) of N tasks from their descriptors [N, ..., R], their transitions, or both.

        Columns are in the order of the variables of training. Raises ValueError when there is neither, a
        shape is wrong, or a value is no real number or not finite.
        """
        starts = latent_starts(self.latent.mean)
        known: list[Evidence] = []
        if descriptors is not None:
            target = self.scaler.descriptors(self._checked_descriptors(descriptors))
            if data is None:
                return self.descriptor.infer(target, starts)
            known.append(self.descriptor.evidence(target))
        if data is None:
            raise ValueError("infer: expected descriptors, data or both, found neither")
        data = self._checked_data(data)
        number = len(data.mask)
        if descriptors is not None and len(target) != number:
            text = f"descriptors of the {number} tasks of data, found {len(target)}"
            raise ValueError(f"infer: expected {text}")
        data = TaskArrays(
            self.scaler.inputs(data.inputs), self.scaler.outputs(data.outputs), data.mask
        )
        if cost := cost_of_inference(data.mask.shape[1], len(self.dynamics.points[0])):
            logger.warning(cost)
        evidence = self.dynamics.evidence(data, objective)
        cheap = self.dynamics.ranking(data, objective)
        dear = self.dynamics.finish(data, objective)
        return infer_latents(
            [evidence, *known],
            starts,
            number,
            ranking=[cheap, *known],
            finish=None if dear is None else [dear, *known],
        )

    @default_error_state()
    def predict(
        self,
        inputs: FloatArray,
        latent: LatentPosterior,
        objective: Objective = "predictive",
        *,
        noise: bool = True,
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and variance [N, T, P] of the outputs at `inputs` [N, T, Dx].

        h is integrated out under `latent`; the outputs are reported independently.  The variance is that of
        an observation, or without `noise` that of f, which more data can reduce.  Posterior and noise are
        those of predictions, or those of the bound for what `elbo` has inferred, as in the paper, and for what
        a descriptor alone says.  Raises ValueError when a shape is wrong, or inputs are no real numbers.
        """
        inputs = self._checked_inputs(inputs, latent)
        mean, variance = self.dynamics.moments(inputs, latent, objective)
        if noise:
            variance += self.dynamics.noise_at(latent, objective)[:, None]
        scale = self.scaler.output_scale
        return mean * scale + self.scaler.output_mean, variance * np.square(scale)

    @default_error_state()
    def covariance(self, inputs: FloatArray, latent: LatentPosterior) -> FloatArray:
        """Covariance [P, N, T, N, T] of f between all `inputs` [N, T, Dx] of N tasks, without noise.

        Element [p, i, s, j, t] is that of output p at inputs[i, s] of task i and inputs[j, t] of task j, in the
        square of its unit; reshaped to [P, N T, N T], each output has one matrix.  h is integrated out under
        `latent`, exactly: the transitions of a task share its h, and tasks are independent, even where two
        rows stand for the same task.  The variances are those of `predict` without noise.  Memory grows with
        P (N T)^2.  Raises ValueError when a shape is wrong.
        """
        inputs = self._checked_inputs(inputs, latent)
        covariance = self.dynamics.covariance(inputs, latent)
        covariance *= np.square(self.scaler.output_scale)[:, None, None, None, None]
        return covariance

    @default_error_state()
    def predict_descriptors(self, latents: FloatArray) -> FloatArray:
        """E[psi | h] of latent points [C, Q]: descriptors [C, R] or pictures [C, H, W, R].

        Raises ValueError when the shape is wrong, or latents are no real numbers.
        """
        latents = numbers("latents", latents)
        check_shape("latents", latents, ("C", self.latent.mean.shape[1]))
        mean = self.descriptor.decode(latents)
        return mean * self.scaler.descriptor_scale + self.scaler.descriptor_mean

    def _checked_inputs(self, inputs: FloatArray, latent: LatentPosterior) -> FloatArray:
        """Standardised inputs [N, T, Dx] of as many tasks as `latent` has."""
        checked = numbers("inputs", inputs)
        check_shape("inputs", checked, (len(latent.mean), "T", len(self.scaler.input_mean)))
        return self.scaler.inputs(checked)

    def _checked_descriptors(self, descriptors: FloatArray) -> FloatArray:
        checked = numbers("descriptors", descriptors)
        check_shape("descriptors", checked, ("N", *self.descriptor.shape))
        check_finite("descriptors", checked)
        return checked

    def _checked_data(self, data: TaskArrays) -> TaskArrays:
        """The same with zeros, which do no harm, where the mask is zero."""
        named = TaskArrays(*data)._asdict().items()
        inputs, outputs, mask = (numbers(name, values) for name, values in named)
        check_shape("mask", mask, ("N", "T"))
        check_shape("inputs", inputs, (*mask.shape, len(self.scaler.input_mean)))
        check_shape("outputs", outputs, (*mask.shape, len(self.scaler.output_mean)))
        if mask.shape[1] == 0:
            raise ValueError("data: expected at least one transition, found none")
        data = TaskArrays(
            np.where(mask[..., None] > 0.0, inputs, 0.0),
            np.where(mask[..., None] > 0.0, outputs, 0.0),
            mask,
        )
        for name, values in data._asdict().items():
            check_finite(name, values)
        return data

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file."""
        return {
            **self.dynamics.to_datasets(),
            **self.descriptor.to_datasets(),
            "latent/mean": self.latent.mean,
            "latent/variance": self.latent.variance,
            **{f"parameters/{path}": value for path, value in self.parameters.items()},
            **self.scaler.to_datasets(),
        }

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> TrainedModel:
        """The inverse of `to_datasets`: nothing is trained again."""
        return cls(
            view_in(datasets, DYNAMICS_VIEWS),
            view_in(datasets, DESCRIPTOR_VIEWS),
            LatentPosterior(datasets["latent/mean"], datasets["latent/variance"]),
            Scaler.from_datasets(datasets),
            {
                path.removeprefix("parameters/"): value
                for path, value in datasets.items()
                if path.startswith("parameters/")
            },
        )
