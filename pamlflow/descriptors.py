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
    """A map from parameters [N, D] to descriptors [N, R] or pictures [N, H, W, R], and back if possible."""

    @property
    def parameter_space(self) -> Box:
        """The box of simulator parameters."""

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The R descriptor variables."""

    @property
    def space(self) -> Box | None:
        """The box of descriptors that may be chosen; None if tasks must come from a pool."""

    @property
    def renderer(self) -> str:
        """The renderer of the pictures; "none" for vectors."""

    @property
    def is_partial(self) -> bool:
        """Whether tasks with equal descriptors may differ."""

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return parameters [N, D] for chosen descriptors; hidden parameters are drawn at random.

        Raises ValueError for pictures.
        """

    def describe(self, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the descriptors of tasks with these parameters [N, D]."""


@dataclass(frozen=True, eq=False)
class VectorDescriptors:
    """Descriptors that are the parameters without the hidden ones, followed by superfluous variables.

    By default they are all parameters (paper, section 4.1). Hidden parameters are drawn uniformly for each
    chosen task (section 4.2). Superfluous variables have no effect on the task (section 4.3). Raises ValueError
    if a name is unknown or taken, or if all parameters are hidden.
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
        """None, since there are no pictures."""
        return "none"

    @property
    def is_partial(self) -> bool:
        """Whether a parameter is hidden."""
        return bool(self.hidden)

    @property
    def space(self) -> Box:
        """The box of descriptors that may be chosen."""
        seen = self.parameter_space.subset(self._observed)
        return seen if self.superfluous is None else seen.product(self.superfluous)

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return parameters [N, D] for descriptors [N, R]; hidden ones are drawn uniformly."""
        parameters = self.parameter_space.sample(len(descriptors), rng)
        parameters[:, self._observed] = descriptors[:, : self._observed.sum()]
        return parameters

    def describe(self, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the descriptors [N, R] of parameters [N, D]; superfluous variables are drawn uniformly."""
        seen = parameters[:, self._observed]
        if self.superfluous is None:
            return seen
        return np.hstack([seen, self.superfluous.sample(len(parameters), rng)])

    @property
    def _observed(self) -> BoolArray:
        """Mask [D] of the parameters that are not hidden."""
        names = [variable.name for variable in self.parameter_space.variables]
        return np.array([name not in self.hidden for name in names])


@dataclass(frozen=True, eq=False)
class PictureDescriptors:
    """Pictures of tasks, of `size` x `size` pixels and a field of view of `height` m (section 4.4).

    They have no box, because most arrays of pixels are not the picture of a task.
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
        """True: the domain decides which parameters a picture shows; it does not show masses."""
        return True

    @property
    def space(self) -> None:
        """No box."""
        return None

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Raise ValueError: tasks cannot be chosen by a new picture."""
        raise ValueError(NO_BOX)

    def describe(self, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return pictures [N, H, W, 1] of tasks with parameters [N, D]; `rng` is not used.

        Raises ValueError with the parameters of the task if the domain fails or returns an invalid picture.
        """
        # A domain must not change the true parameters.
        parameters = read_only("parameters", parameters)
        pictures = [self._picture(task) for task in parameters]
        return checked_descriptors(pictures, self.variables, len(parameters))

    def _picture(self, parameters: FloatArray) -> FloatArray:
        """Return a copy of the picture of one task, since the domain may reuse its array."""
        try:
            picture = self.domain.picture(parameters, self.size, self.height, self.renderer)
            numbers("picture", picture)  # raises an error if it is invalid
            return np.array(picture)  # keeps the dtype, which tells the range of values
        except Exception as error:
            text = task_failed(self.parameter_space.variables, parameters, error)
            raise ValueError(text) from error


def make_descriptors(settings: Mapping[str, Any], space: Box, domain: Domain) -> Descriptors:
    """Return the descriptors that the key `descriptors` of an experiment describes.

    Raises ValueError if a value is out of range, or the domain has no pictures.
    """
    if "pictures" not in settings:
        return VectorDescriptors.from_config(settings, space)
    pictured = require_pictures(f"descriptors.pictures: {type(domain).__name__}", domain)
    return PictureDescriptors(space, pictured, **settings["pictures"])
