"""What models without a latent variable share: they know a task by its descriptor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from pamlflow.arrays import check_finite, check_shape, numbers
from pamlflow.models.interface import Objective, TaskArrays
from pamlflow.types import FloatArray


@dataclass(frozen=True)
class WithoutLatent:
    """The methods of a `Model` that follow from that: what it believes of N tasks are descriptors [N, R].

    A kind derives a dataclass of arrays from it, says below which `group` of a round file these are, each by
    its own name, and adds `predict`.
    """

    group: ClassVar[str]

    mean: FloatArray  # [R], of the descriptors of the training tasks

    @property
    def latent(self) -> None:
        """There is no latent variable."""
        return None

    def prior(self, number: int) -> FloatArray:
        """The mean descriptor, so many times."""
        return np.tile(self.mean, (number, 1))

    def infer(
        self,
        *,
        descriptors: FloatArray | None = None,
        data: TaskArrays | None = None,
        objective: Objective = "predictive",
    ) -> FloatArray:
        """The descriptors; the mean one where there are none, for transitions do not tell it.

        Raises ValueError as `Model.infer` does.
        """
        if descriptors is None and data is None:
            raise ValueError("expected descriptors, data or both, found neither")
        if descriptors is None:
            assert data is not None
            return self.prior(len(data.mask))
        known = numbers("descriptors", descriptors)
        check_shape("descriptors", known, ("N", len(self.mean)))
        check_finite("descriptors", known)
        return known

    def predict_descriptors(self, latents: FloatArray) -> FloatArray:
        """Raise ValueError: there are no latent points."""
        raise ValueError("this model has no latent variable; ask it for `latent` first")

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file."""
        return {f"{self.group}/{name}": value for name, value in vars(self).items()}

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> Self:
        """The inverse of `to_datasets`."""
        return cls(**{it.name: datasets[f"{cls.group}/{it.name}"] for it in fields(cls)})
