"""Domains, some parameters of which are the same for all tasks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pamlflow.domains.base import Excitation, PicturedDomain, TaskDomain, Transitions
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray


@dataclass(frozen=True)
class FixedParameters:
    """A task domain of the parameters of another one that are not `fixed`.

    Raises ValueError when a fixed name is unknown, or nothing is left to vary.
    """

    domain: TaskDomain
    fixed: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check the names."""
        names = [variable.name for variable in self.domain.parameter_variables]
        for name in self.fixed:
            if name not in names:
                raise ValueError(f"fixed: '{name}' is no parameter; expected some of {names}")
        if not self.parameter_variables:
            raise ValueError(f"fixed: at least one of {names} must vary, found all fixed")

    @property
    def parameter_variables(self) -> tuple[Variable, ...]:
        """The parameters that vary."""
        return tuple(it for it in self.domain.parameter_variables if it.name not in self.fixed)

    @property
    def input_variables(self) -> tuple[Variable, ...]:
        """The dynamics inputs of the domain."""
        return self.domain.input_variables

    @property
    def output_variables(self) -> tuple[Variable, ...]:
        """The dynamics outputs of the domain."""
        return self.domain.output_variables

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """Draw the excitation of a trial."""
        return self.domain.draw_excitation(rng)

    def run(self, parameters: FloatArray, excitation: Excitation) -> Transitions:
        """Run the task with `parameters` [D], and the fixed ones."""
        return self.domain.run(self._all(parameters), excitation)

    def _all(self, parameters: FloatArray) -> FloatArray:
        """Put the fixed parameters among those that vary."""
        varying = iter(parameters)
        names = [variable.name for variable in self.domain.parameter_variables]
        return np.array([self.fixed[n] if n in self.fixed else next(varying) for n in names])


@dataclass(frozen=True)
class FixedPicturedParameters(FixedParameters):
    """The same of a domain that can show its tasks."""

    domain: PicturedDomain

    def picture(
        self, parameters: FloatArray, size: int, height: float, renderer: str
    ) -> FloatArray:
        """Return a picture of the task with `parameters` [D], and the fixed ones."""
        return self.domain.picture(self._all(parameters), size, height, renderer)


def fix_parameters(domain: TaskDomain, fixed: Mapping[str, float]) -> TaskDomain:
    """Return `domain` with the `fixed` parameters taken from it; it can show tasks if `domain` can."""
    if not fixed:
        return domain
    if isinstance(domain, PicturedDomain):
        return FixedPicturedParameters(domain, fixed)
    return FixedParameters(domain, fixed)
