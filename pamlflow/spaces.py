"""Boxes of task descriptors, and sets of points in them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.spatial.distance import pdist

from pamlflow.arrays import check_shape, numbers, whole_numbers
from pamlflow.tasks import Variable, columns_of
from pamlflow.types import BoolArray, FloatArray

HYPERCUBE_DRAWS = 100


@dataclass(frozen=True, eq=False)
class Box:
    """The points psi with low <= psi <= high, one variable per dimension.

    `low` [R] and `high` [R] are in the units of the variables. Raises ValueError unless bounds are finite and
    low < high in every dimension.
    """

    variables: tuple[Variable, ...]
    low: FloatArray
    high: FloatArray

    def __post_init__(self) -> None:
        """Copy, freeze and check the bounds."""
        for bound in ("low", "high"):
            values = columns_of(bound, getattr(self, bound), self.variables)
            values.flags.writeable = False
            object.__setattr__(self, bound, values)
            if values.shape != (len(self.variables),):
                raise ValueError(
                    f"{bound}: expected one bound for each of {len(self.variables)} variables, "
                    f"found shape {values.shape}"
                )
        for variable, low, high in zip(self.variables, self.low, self.high, strict=True):
            if not (low < high and math.isfinite(low) and math.isfinite(high)):
                raise ValueError(
                    f"'{variable.name}': expected finite bounds with low < high, "
                    f"found [{low}, {high}] {variable.unit}"
                )

    @classmethod
    def from_config(
        cls, bounds: Mapping[str, Sequence[float]], variables: Sequence[Variable]
    ) -> Self:
        """Return the box of `{"pole_mass": [0.5, 5.0], ...}`, dimensions ordered as `variables`."""
        names = [variable.name for variable in variables]
        if set(bounds) != set(names):
            raise ValueError(f"space: expected bounds of {names}, found those of {list(bounds)}")
        for name in names:
            if np.shape(bounds[name]) != (2,):
                raise ValueError(f"space: '{name}' needs [low, high], found {bounds[name]}")
        low, high = numbers("space", [bounds[name] for name in names]).T
        return cls(tuple(variables), low, high)

    @property
    def width(self) -> FloatArray:
        """The width [R] of each dimension."""
        width: FloatArray = self.high - self.low
        return width

    def subset(self, chosen: BoolArray) -> Self:
        """Return the box of the dimensions for which the mask `chosen` [R] is true."""
        chosen = np.asarray(chosen)
        if chosen.dtype != np.bool_ or chosen.shape != self.low.shape:
            text = (
                f"expected a mask of {self.low.size} booleans, found {chosen.dtype} {chosen.shape}"
            )
            raise ValueError(f"chosen: {text}")
        variables = tuple(it for it, kept in zip(self.variables, chosen, strict=True) if kept)
        return type(self)(variables, self.low[chosen], self.high[chosen])

    def product(self, other: Self) -> Self:
        """Return the box that has the dimensions of `other` after its own."""
        low = np.concatenate([self.low, other.low])
        return type(self)(
            self.variables + other.variables, low, np.concatenate([self.high, other.high])
        )

    def contains(self, points: FloatArray) -> BoolArray:
        """Return [C] which of the points [C, R] lie in the box. Raises ValueError for other shapes.

        Named columns are put into the order of the variables.
        """
        points = columns_of("points", points, self.variables)
        check_shape("points", points, ("C", len(self.variables)))
        inside: BoolArray = np.all((points >= self.low) & (points <= self.high), axis=1)
        return inside

    def grid(self, counts: Sequence[int]) -> FloatArray:
        """Return a regular grid [prod(counts), R], bounds included, the last dimension fastest."""
        points = whole_numbers("grid", counts)
        if points.shape != self.low.shape or points.min() < 2:
            raise ValueError(
                f"grid: expected at least 2 points along each of {len(self.variables)} dimensions, "
                f"found {points.tolist()}"
            )
        axes = [np.linspace(*ends) for ends in zip(self.low, self.high, points, strict=True)]
        grid: FloatArray = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        return grid.reshape(-1, len(axes))

    def sample(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return independent uniform points [count, R]."""
        return self._scale(rng.random((count, len(self.variables))))

    def latin_hypercube(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return a maximin Latin hypercube [count, R]: one point in each of `count` slices.

        It is the one of HYPERCUBE_DRAWS random hypercubes with the largest smallest distance of two points.
        """
        from scipy.stats import qmc  # half a second that few jobs need

        sampler = qmc.LatinHypercube(len(self.variables), rng=rng)
        draws = (sampler.random(count) for _ in range(HYPERCUBE_DRAWS))
        return self._scale(max(draws, key=lambda points: pdist(points).min(initial=math.inf)))

    def sobol(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Return the first points [count, R] of a scrambled Sobol sequence."""
        # A power of two keeps the sequence balanced, and avoids a warning of SciPy.
        from scipy.stats import qmc  # see latin_hypercube

        sequence = qmc.Sobol(len(self.variables), rng=rng).random_base2(math.ceil(math.log2(count)))
        return self._scale(sequence[:count])

    def _scale(self, unit: FloatArray) -> FloatArray:
        """Map points of the unit cube into the box."""
        scaled: FloatArray = self.low + unit * self.width
        return scaled
