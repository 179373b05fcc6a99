"""Standardisation of inputs, outputs and descriptors by the training tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray
from pamlflow.units import unit_of


@dataclass(frozen=True)
class Scaler:
    """Means and scales of the training data; the model sees (value - mean) / scale only.

    The outputs of a trained model have its signals for a scale.
    """

    input_mean: FloatArray  # [Dx]
    input_scale: FloatArray  # [Dx]
    output_mean: FloatArray  # [P]
    output_scale: FloatArray  # [P]
    descriptor_mean: FloatArray  # [R]
    descriptor_scale: FloatArray  # [R]

    @classmethod
    def fit(cls, tasks: TaskSet, descriptors: FloatArray | None = None) -> Scaler:
        """Mean and standard deviation over all transitions; of descriptors over tasks, and over pixels.

        `descriptors` [C, ..., R] may be those of more tasks than have been run.
        """
        seen = tasks.descriptors if descriptors is None else descriptors
        moments: list[FloatArray] = []
        for values in (tasks.inputs, tasks.outputs, seen):
            axes = tuple(range(values.ndim - 1))
            moments += [values.mean(axis=axes), unit_of(values)]
        return cls(*moments)

    def inputs(self, values: FloatArray) -> FloatArray:
        """Standardised dynamics inputs [..., Dx]."""
        return (values - self.input_mean) / self.input_scale

    def outputs(self, values: FloatArray) -> FloatArray:
        """Standardised outputs [..., P]."""
        return (values - self.output_mean) / self.output_scale

    def descriptors(self, values: FloatArray) -> FloatArray:
        """Standardised descriptors [..., R]."""
        return (values - self.descriptor_mean) / self.descriptor_scale

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets under `scaler/`."""
        return {f"scaler/{name}": value for name, value in asdict(self).items()}

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> Scaler:
        """The inverse of `to_datasets`."""
        return cls(**{name: datasets[f"scaler/{name}"] for name in cls.__annotations__})
