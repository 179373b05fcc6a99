"""Small tasks, and small models of them, on which parts are checked."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from pamlflow.models.interface import LatentPosterior, Model, Objective, TaskArrays
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet, Variable
from pamlflow.testing.contract import frozen
from pamlflow.types import FloatArray

INPUTS = (Variable("position", "m"), Variable("velocity", "m/s"), Variable("force", "N"))
OUTPUTS = (Variable("position", "m"), Variable("velocity", "m/s"))
NOISE = 0.01  # standard deviation of the outputs
PIXELS = 8  # along each side of a picture


def toy_box(dimensions: int) -> Box:
    """Return a box of so many variables, whose units and places differ."""
    variables = tuple(Variable(f"descriptor_{d}", "kg") for d in range(dimensions))
    return Box(variables, np.arange(1.0, dimensions + 1), 3.0 * np.arange(1.0, dimensions + 1))


def toy_tasks(box: Box, number: int, seed: int = 0, *, pictures: bool = False) -> TaskSet:
    """Return tasks of unequal length in a box, whose outputs depend on all of its variables.

    Tasks of a longer set begin with those of a shorter one.
    """
    parts = []
    for task in range(number):
        rng = np.random.default_rng([seed, task])
        psi = box.sample(1, rng)
        unit = ((psi - box.low) / box.width)[0]
        inputs = rng.standard_normal((12 + 3 * (task % 3), len(INPUTS)))
        stiffness, gain = 0.5 + unit.mean(), 0.5 + unit[0]
        clean = np.stack([0.2 * inputs[:, 1], gain * inputs[:, 2] - stiffness * inputs[:, 0]], 1)
        outputs = clean + NOISE * rng.standard_normal(clean.shape)
        seen = (Variable("brightness", "1"),) if pictures else box.variables
        parts.append(
            TaskSet(
                inputs=inputs,
                outputs=outputs,
                lengths=np.array([len(inputs)]),
                descriptors=toy_picture(unit)[None] if pictures else psi,
                parameters=psi,
                input_variables=INPUTS,
                output_variables=OUTPUTS,
                descriptor_variables=seen,
                parameter_variables=box.variables,
            )
        )
    return TaskSet.joined(parts)


def toy_picture(unit: FloatArray) -> FloatArray:
    """Return a picture [PIXELS, PIXELS, 1] of a task at `unit` [R] of the unit box."""
    across, down = np.meshgrid(np.linspace(0.0, 1.0, PIXELS), np.linspace(0.0, 1.0, PIXELS))
    brightness: FloatArray = (unit[0] * across + unit[-1] * down)[..., None] / 2.0
    return brightness


def rescaled(tasks: TaskSet, inputs: float, outputs: float, descriptors: float) -> TaskSet:
    """Return the same tasks in other units: each quantity times a power of two, which costs no digit."""
    return dataclasses.replace(
        tasks,
        inputs=tasks.inputs * inputs,
        outputs=tasks.outputs * outputs,
        descriptors=tasks.descriptors * descriptors,
    )


def data_of(tasks: TaskSet, extra: int = 0) -> TaskArrays:
    """Return the transitions of tasks, padded by `extra` more steps than the longest needs."""
    arrays = TaskArrays(*tasks.padded())
    return TaskArrays(
        *(np.pad(it, [(0, 0), (0, extra), *[(0, 0)] * (it.ndim - 2)]) for it in arrays)
    )


@dataclass(frozen=True)
class ToyModel:
    """A model whose h is a descriptor in units of the training tasks; of pictures, two brightnesses.

    It has the methods that every model has, and no others.
    """

    known: FloatArray  # [N, Q], features of the training tasks
    scale: FloatArray  # [Q]
    outputs: int
    has_latent: bool

    @classmethod
    def of(cls, tasks: TaskSet, *, has_latent: bool = True) -> Model:
        """Return the model of tasks."""
        known = _features(tasks.descriptors)
        scale = np.where(known.std(axis=0) > 0.0, known.std(axis=0), 1.0)
        return cls(frozen(known), frozen(scale), len(tasks.output_variables), has_latent)

    @property
    def latent(self) -> LatentPosterior | None:
        """q(H) of the training tasks, if there is a latent variable."""
        return self._belief(self.known) if self.has_latent else None

    def prior(self, number: int) -> Any:
        """A standard normal h."""
        zeros = np.zeros((number, self.known.shape[1]))
        return self._as_told(LatentPosterior(zeros, np.ones_like(zeros)))

    def infer(
        self,
        *,
        descriptors: FloatArray | None = None,
        data: TaskArrays | None = None,
        objective: Objective = "predictive",
    ) -> Any:
        """What descriptors say; transitions alone say nothing."""
        if descriptors is None:
            if data is None:
                raise ValueError("infer: expected descriptors, data, or both, found neither")
            return self.prior(len(data.mask))
        return self._as_told(self._belief(_features(np.asarray(descriptors, dtype=np.float64))))

    def predict(
        self, inputs: FloatArray, latent: Any, objective: Objective = "predictive"
    ) -> tuple[FloatArray, FloatArray]:
        """The sum of the inputs and h, for every output."""
        h = latent.mean if isinstance(latent, LatentPosterior) else latent
        sums = inputs.sum(axis=-1) + h.sum(axis=-1)[:, None]
        mean = np.repeat(sums[..., None], self.outputs, axis=-1)
        return mean, np.full_like(mean, NOISE)

    def predict_descriptors(self, latents: FloatArray) -> FloatArray:
        """The descriptors of h."""
        if not self.has_latent:
            raise ValueError("the model has no latent variable")
        descriptors: FloatArray = latents * self.scale + self.known.mean(axis=0)
        return descriptors

    def to_datasets(self) -> dict[str, Any]:
        """The datasets of no round file."""
        return {"toy/known": self.known, "toy/scale": self.scale}

    def _belief(self, features: FloatArray) -> LatentPosterior:
        mean = frozen((features - self.known.mean(axis=0)) / self.scale)
        return LatentPosterior(mean, frozen(np.full_like(mean, 0.01)))

    def _as_told(self, latent: LatentPosterior) -> Any:
        """A LatentPosterior, or an array where there is no latent variable."""
        return latent if self.has_latent else latent.mean


def _features(descriptors: FloatArray) -> FloatArray:
    """Vectors [N, R] as they are; of pictures [N, H, W, R] the brightness of the left half and of all."""
    if descriptors.ndim == 2:
        return descriptors
    left = descriptors[:, :, : descriptors.shape[2] // 2].mean(axis=(1, 2, 3))
    return np.stack([left, descriptors.mean(axis=(1, 2, 3))], axis=1)
