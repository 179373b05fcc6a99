"""The parameters of a model by their paths, and the vector in which a search moves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pamlflow.models.latent_gp.fit.priors import Scale, Weight
from pamlflow.types import BoolArray, FloatArray


@dataclass
class Parameter:
    """One array of parameters.

    Attributes:
        value: the array.
        floor: values are above it, and a search moves the logarithm of the difference; None for real numbers.
        prior: its prior, if it has one.
        trainable: whether a search may move it.
    """

    value: FloatArray
    floor: float | None = None
    prior: Scale | Weight | None = None
    trainable: bool = True

    def unconstrained(self) -> FloatArray:
        """Return what a search moves: the logarithms above the floor, or the values."""
        return self.value if self.floor is None else np.log(self.value - self.floor)

    def constrain(self, unconstrained: FloatArray) -> None:
        """Set the values to those of `unconstrained`."""
        real = self.floor is None
        self.value = unconstrained.copy() if real else self.floor + np.exp(unconstrained)

    def deviation(self) -> tuple[FloatArray, float]:
        """Return how far the unconstrained values are from the middle of the prior, and its spread."""
        match self.prior:
            case Scale(median, spread):
                return self.unconstrained() - np.log(median), spread
            case Weight(spread):
                return self.unconstrained(), spread
            case None:
                return np.zeros_like(self.value), 1.0


def scale(value: FloatArray | float, prior: Scale, floor: float = 0.0) -> Parameter:
    """Return a positive parameter that starts at `value`."""
    return Parameter(np.array(value, dtype=np.float64), floor, prior)


def weight(value: FloatArray | float, prior: Weight) -> Parameter:
    """Return a real parameter that starts at `value`."""
    return Parameter(np.array(value, dtype=np.float64), prior=prior)


class Parameters(dict[str, Parameter]):
    """Parameters by their paths, in the order in which a search sees them."""

    def values_at(self, paths: Mapping[str, str]) -> dict[str, FloatArray]:
        """Return the values of the parameters at some paths, by the names of these."""
        return {name: self[path].value for name, path in paths.items()}

    def state(self) -> FloatArray:
        """Return all that a search moves, in one vector."""
        return np.concatenate([part.unconstrained().ravel() for part in self._trainable().values()])

    def restore(self, state: FloatArray) -> None:
        """Set the parameters to a vector that `state` returned."""
        parts = self._trainable().values()
        ends = np.cumsum([part.value.size for part in parts])[:-1]
        for part, values in zip(parts, np.split(state, ends), strict=True):
            part.constrain(values.reshape(part.value.shape))

    def entries(self, *paths: str) -> BoolArray:
        """Return which entries of the state belong to the parameters at `paths`."""
        return np.concatenate(
            [np.full(part.value.size, path in paths) for path, part in self._trainable().items()]
        )

    def gradient(self, by_value: Mapping[str, FloatArray]) -> FloatArray:
        """Return the derivatives by the state of a bound plus the log prior, given those by the values."""
        parts = []
        for path, part in self._trainable().items():
            by = by_value[path] * (1.0 if part.floor is None else part.value - part.floor)
            deviation, spread = part.deviation()
            parts.append(np.ravel(by - deviation / spread**2))
        return np.concatenate(parts)

    def log_prior(self) -> float:
        """Return the log prior density, up to a constant."""
        deviations = (part.deviation() for part in self._trainable().values())
        return -0.5 * float(sum(np.sum(np.square(by / spread)) for by, spread in deviations))

    def assign(self, values: Mapping[str, FloatArray]) -> None:
        """Set the parameters at some paths."""
        for path, value in values.items():
            self[path].value = np.array(value, dtype=np.float64)

    def _trainable(self) -> dict[str, Parameter]:
        return {path: part for path, part in self.items() if part.trainable}
