"""What is known of a task: descriptors, made of simulator parameters, and some turned back into those."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from pamlflow.arrays import numbers, read_only
from pamlflow.domains.base import Domain, PicturedDomain
from pamlflow.domains.checks import require_pictures, task_failed
from pamlflow.spaces import Box
from pamlflow.tasks import Variable, checked_descriptors
from pamlflow.types import BoolArray, FloatArray

NO_BOX = "pictures cannot be asked for, only chosen: give the experiment a `pool`"


@runtime_checkable
class Descriptors(Protocol):
    """How tasks with parameters [N, D] are described by descriptors [N, R] or pictures [N, H, W, R]."""

    @property
    def parameter_space(self) -> Box:
        """The box of simulator parameters."""

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The R descriptor variables."""

    @property
    def space(self) -> Box | None:
        """The box of descriptors that a task may be asked for; None where only a pool will do."""

    @property
    def renderer(self) -> str:
        """What draws the pictures; "none" where descriptors are no pictures."""

    @property
    def is_partial(self) -> bool:
        """Whether tasks that look alike may differ, as descriptors leave something out."""

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return what the world makes of chosen descriptors; it draws what they leave open.

        Raises ValueError where there is no box.
        """

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
        """Return the descriptors that the key `descriptors` of an experiment describes."""
        bounds: Mapping[str, Sequence[float]] = settings.get("superfluous", {})
        variables = [Variable(name, "1") for name in bounds]
        superfluous = Box.from_config(bounds, variables) if bounds else None
        return cls(space, tuple(settings.get("hidden", ())), superfluous)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The R descriptor variables."""
        return self.space.variables

    @property
    def renderer(self) -> str:
        """No pictures, no renderer."""
        return "none"

    @property
    def is_partial(self) -> bool:
        """Whether a parameter is hidden."""
        return bool(self.hidden)

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


@dataclass(frozen=True, eq=False)
class PictureDescriptors:
    """A picture of each task, of `size` x `size` pixels and a field of view `height` m high (section 4.4).

    There is no telling which numbers are pictures of a task, hence no box to choose from.
    """

    parameter_space: Box
    domain: PicturedDomain
    size: int = 64
    height: float = 6.0
    renderer: str = "rays"

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The one colour channel."""
        return (Variable("brightness", "1"),)

    @property
    def is_partial(self) -> bool:
        """True: what a picture shows of the parameters is the domain's affair; of masses, nothing."""
        return True

    @property
    def space(self) -> None:
        """No box."""
        return None

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Raise ValueError: a picture cannot be asked for."""
        raise ValueError(NO_BOX)

    def describe(self, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return pictures [N, H, W, 1] of tasks with parameters [N, D]; nothing is drawn at random.

        Raises ValueError, naming the task, when the domain fails to draw or draws what is no picture.
        """
        parameters = read_only("parameters", parameters)  # the truth, whatever a domain does
        pictures = [self._picture(task) for task in parameters]
        return checked_descriptors(pictures, self.variables, len(parameters))

    def _picture(self, parameters: FloatArray) -> FloatArray:
        """A copy of the picture of one task: the domain may draw the next one into the same array."""
        try:
            picture = self.domain.picture(parameters, self.size, self.height, self.renderer)
            numbers("picture", picture)  # refuses what is none
            return np.array(picture)  # of the type that was drawn, which tells the range of values
        except Exception as error:
            text = task_failed(self.parameter_space.variables, parameters, error)
            raise ValueError(text) from error


def make_descriptors(settings: Mapping[str, Any], space: Box, domain: Domain) -> Descriptors:
    """Return the descriptors that the key `descriptors` of an experiment describes.

    Raises ValueError when a value is out of range, or there are to be pictures of what has none.
    """
    if "pictures" not in settings:
        return VectorDescriptors.from_config(settings, space)
    pictured = require_pictures(f"descriptors.pictures: {type(domain).__name__}", domain)
    return PictureDescriptors(space, pictured, **settings["pictures"])
