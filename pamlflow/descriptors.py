"""What is known of a task: views that turn simulator parameters into task descriptors and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from pamlflow.spaces import Box
from pamlflow.tasks import Variable
from pamlflow.types import BoolArray, FloatArray


@runtime_checkable
class DescriptorView(Protocol):
    """How tasks with parameters [N, D] are described by descriptors [N, R]."""

    @property
    def parameter_space(self) -> Box:
        """The box of simulator parameters."""

    @property
    def space(self) -> Box:
        """The box of descriptors that a task may be asked for."""

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return what the world makes of chosen descriptors; it draws what they leave open."""

    def describe(self, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the descriptors under which tasks with these parameters are seen."""


@dataclass(frozen=True, eq=False)
class VectorDescriptors:
    """Descriptors that are the parameters, but for some hidden ones, and superfluous dimensions.

    With nothing `hidden` and nothing `superfluous` they are the parameters themselves (paper,
    section 4.1). Hidden parameters are drawn uniformly whenever a task is asked for (section 4.2);
    superfluous dimensions, which come last, have no effect on the task (section 4.3).
    Raises ValueError when a name is unknown, taken, or nothing is left to be seen.
    """

    parameter_space: Box
    hidden: tuple[str, ...] = ()
    superfluous: Box | None = None

    def __post_init__(self) -> None:
        """Check the names."""
        names = [variable.name for variable in self.parameter_space.variables]
        for name in self.hidden:
            if name not in names:
                raise ValueError(f"hidden: '{name}' is no parameter; expected some of {names}")
        for variable in self.superfluous.variables if self.superfluous else ():
            if variable.name in names:
                raise ValueError(f"superfluous: '{variable.name}' is a parameter; rename it")
        if not self._observed.any():
            raise ValueError(f"hidden: at least one of {names} must be seen, found all hidden")

    @classmethod
    def from_config(cls, settings: Mapping[str, Any], space: Box) -> Self:
        """Return the view that the key `descriptors` of an experiment describes."""
        bounds: Mapping[str, Sequence[float]] = settings.get("superfluous", {})
        variables = [Variable(name, "1") for name in bounds]
        superfluous = Box.from_config(bounds, variables) if bounds else None
        return cls(space, tuple(settings.get("hidden", ())), superfluous)

    @property
    def space(self) -> Box:
        """The box of descriptors that a task may be asked for."""
        seen = self.parameter_space.subset(self._observed)
        return seen if self.superfluous is None else seen.product(self.superfluous)

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the parameters [N, D] of chosen descriptors [N, R]; hidden ones are drawn."""
        parameters = self.parameter_space.sample(len(descriptors), rng)
        parameters[:, self._observed] = descriptors[:, : self._observed.sum()]
        return parameters

    def describe(self, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the descriptors [N, R] of parameters [N, D]; superfluous ones are drawn."""
        seen = parameters[:, self._observed]
        if self.superfluous is None:
            return seen
        return np.hstack([seen, self.superfluous.sample(len(parameters), rng)])

    @property
    def _observed(self) -> BoolArray:
        """Which parameters [D] are seen."""
        names = [variable.name for variable in self.parameter_space.variables]
        return np.array([name not in self.hidden for name in names])
