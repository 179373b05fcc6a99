"""A trained meta-model as plain arrays: what a round file holds and everything downstream works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from gpflow.utilities import parameter_dict

from pamlflow.models.descriptor_gp import DescriptorPosterior, predict_descriptors
from pamlflow.models.dynamics_gp import TaskData
from pamlflow.models.inference import (
    Evidence,
    LatentPosterior,
    Objective,
    descriptor_evidence,
    dynamics_evidence,
    infer_latents,
    latent_starts,
)
from pamlflow.models.meta_model import MetaModel
from pamlflow.models.posterior import DynamicsPosterior, predict_function, task_noise
from pamlflow.models.scaling import Scaler
from pamlflow.types import FloatArray


@dataclass(frozen=True)
class TrainedModel:
    """Posteriors of both views, q(H) of the training tasks, the scaler and the parameters."""

    dynamics: DynamicsPosterior
    descriptor: DescriptorPosterior
    latent: LatentPosterior
    scaler: Scaler
    parameters: dict[str, FloatArray]

    @classmethod
    def from_model(cls, model: MetaModel) -> TrainedModel:
        """Freeze a model at its present parameters."""
        dynamics, descriptor = model.posteriors()
        return cls(
            DynamicsPosterior(*(part.numpy() for part in dynamics)),
            DescriptorPosterior(*(part.numpy() for part in descriptor)),
            LatentPosterior(model.latent.mean.numpy(), model.latent.variance.numpy()),
            model.scaler,
            {path: value.numpy() for path, value in parameter_dict(model).items()},
        )

    def infer(
        self,
        number: int,
        *,
        descriptors: FloatArray | None = None,
        data: TaskData | None = None,
        objective: Objective = "predictive",
    ) -> LatentPosterior:
        """q(h*) of ``number`` tasks from descriptors [N, R], transitions, both, or neither (the prior).

        Both are in their own units; ``data`` holds NumPy arrays.
        """
        evidence: list[Evidence] = []
        if data is not None:
            padding = data.mask[..., None]
            scaled = TaskData(
                tf.constant(self.scaler.inputs(data.inputs) * padding),
                tf.constant(self.scaler.outputs(data.outputs) * padding),
                tf.constant(data.mask),
            )
            evidence.append(dynamics_evidence(self._dynamics, scaled, objective))
        if descriptors is not None:
            target = self.scaler.descriptors(descriptors)
            evidence.append(descriptor_evidence(self._descriptor, target))
        return infer_latents(evidence, latent_starts(self.latent.mean), number)

    def predict_descriptors(self, latents: FloatArray) -> FloatArray:
        """E[psi | h] [C, R] of latent points [C, Q], in the descriptors' own units."""
        points = tf.constant(latents)
        mean, _ = predict_descriptors(self._descriptor, points, tf.zeros_like(points))
        scaled: FloatArray = mean.numpy()
        return scaled * self.scaler.descriptor_scale + self.scaler.descriptor_mean

    def predict(self, inputs: FloatArray, latent: LatentPosterior) -> tuple[FloatArray, FloatArray]:
        """Mean and variance [N, T, P] of the outputs at ``inputs`` [N, T, Dx], noise included, in their units.

        h is integrated out under ``latent``; outputs are reported independently.
        """
        mean, variance = predict_function(
            self._dynamics,
            tf.constant(self.scaler.inputs(inputs)),
            tf.constant(latent.mean),
            tf.constant(latent.variance),
        )
        variance += task_noise(self._dynamics, tf.constant(latent.mean))[:, None, :]
        scale = self.scaler.output_scale
        return mean.numpy() * scale + self.scaler.output_mean, variance.numpy() * np.square(scale)

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file."""
        return {
            **{f"posterior/dynamics/{k}": v for k, v in self.dynamics._asdict().items()},
            **{f"posterior/descriptor/{k}": v for k, v in self.descriptor._asdict().items()},
            **{f"latent/{k}": v for k, v in self.latent._asdict().items()},
            **{f"parameters/{path}": value for path, value in self.parameters.items()},
            **self.scaler.to_datasets(),
        }

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> TrainedModel:
        """The inverse of ``to_datasets``: nothing is trained again."""
        return cls(
            DynamicsPosterior(
                *(datasets[f"posterior/dynamics/{name}"] for name in DynamicsPosterior._fields)
            ),
            DescriptorPosterior(
                *(datasets[f"posterior/descriptor/{name}"] for name in DescriptorPosterior._fields)
            ),
            LatentPosterior(datasets["latent/mean"], datasets["latent/variance"]),
            Scaler.from_datasets(datasets),
            {
                path.removeprefix("parameters/"): value
                for path, value in datasets.items()
                if path.startswith("parameters/")
            },
        )

    @property
    def _dynamics(self) -> DynamicsPosterior:
        return DynamicsPosterior(*(tf.constant(part) for part in self.dynamics))

    @property
    def _descriptor(self) -> DescriptorPosterior:
        return DescriptorPosterior(*(tf.constant(part) for part in self.descriptor))
