"""Pools: finite sets of tasks whose descriptors a trial knows from the start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pamlflow.arrays import indices
from pamlflow.tasks import (
    Variable,
    checked_descriptors,
    columns_of,
    variables_from_datasets,
    variables_to_datasets,
)
from pamlflow.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Pool:
    """C candidate tasks: their descriptors [C, R] or pictures [C, H, W, R], and parameters [C, D].

    Models never see the parameters. Raises ValueError if there is no candidate, or if arrays have wrong shapes
    or values.
    """

    descriptors: FloatArray
    parameters: FloatArray
    descriptor_variables: tuple[Variable, ...]
    parameter_variables: tuple[Variable, ...]

    def __post_init__(self) -> None:
        """Copy, freeze and check the arrays."""
        seen = checked_descriptors(self.descriptors, self.descriptor_variables)
        if len(seen) == 0:
            raise ValueError("pool: expected at least one candidate, found none")
        parameters = columns_of("pool: parameters", self.parameters, self.parameter_variables)
        parameters.flags.writeable = False
        if parameters.shape != (len(seen), len(self.parameter_variables)):
            shape = f"[{len(seen)}, {len(self.parameter_variables)}]"
            raise ValueError(
                f"pool: expected parameters of shape {shape}, one row for each candidate, "
                f"found {list(parameters.shape)}"
            )
        object.__setattr__(self, "descriptors", seen)
        object.__setattr__(self, "parameters", parameters)

    def draw(self, count: int, rng: np.random.Generator) -> IntArray:
        """Return `count` different rows, drawn uniformly. Raises ValueError if there are fewer."""
        if count > len(self.descriptors):
            raise ValueError(
                f"pool: expected at least {count} candidates for the initial tasks, found "
                f"{len(self.descriptors)}; enlarge `pool` or lower `initial_tasks`"
            )
        return rng.choice(len(self.descriptors), count, replace=False)

    def unchosen(self, rows: IntArray) -> FloatArray:
        """Return the descriptors [C - N, ..., R] without the chosen `rows` [N], in order.

        Raises ValueError unless `rows` are different rows of the pool.
        """
        return self.descriptors[self._left(rows)]

    def row(self, descriptor: FloatArray, rows: IntArray) -> int:
        """Return the first row with this descriptor that is not among `rows`. Raises ValueError without one."""
        for row in self._left(rows):
            if np.array_equal(self.descriptors[row], descriptor):
                return int(row)
        raise ValueError("pool: the strategy chose a descriptor that is not among the candidates")

    def _left(self, rows: IntArray) -> IntArray:
        count = len(self.descriptors)
        return np.setdiff1d(np.arange(count), indices("rows of the pool", rows, count))

    def to_datasets(self) -> dict[str, Any]:
        """Return datasets `pool/...` of the HDF5 schemas."""
        return {
            "pool/descriptors": self.descriptors,
            "pool/parameters": self.parameters,
            **variables_to_datasets("pool/descriptor", self.descriptor_variables),
            **variables_to_datasets("pool/parameter", self.parameter_variables),
        }

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> Self:
        """Return the pool in datasets that `to_datasets` made; other datasets are ignored."""
        return cls(
            datasets["pool/descriptors"],
            datasets["pool/parameters"],
            variables_from_datasets("pool/descriptor", datasets),
            variables_from_datasets("pool/parameter", datasets),
        )
