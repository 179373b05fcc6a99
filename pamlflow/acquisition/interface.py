"""The interface of strategies: a Situation goes in, a Selection comes out, a Strategy describes itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from pamlflow.acquisition.offer import Offer
from pamlflow.arrays import numbers
from pamlflow.models.interface import LatentPosterior, Model
from pamlflow.numerics import default_error_state
from pamlflow.settings import Settings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

Need: TypeAlias = Literal["latent", "box", "design"]
"""What a strategy requires: a latent variable, a box in which any point may be chosen, or a design."""

# Attributes of a situation in version 0.1, and what replaces them.
MOVED = {
    "settings": "a strategy has settings of its own: `pamlflow.acquisition.Strategy`",
    "space": "the box is `situation.offer.box`",
    "pool": "candidates of a box and of a pool alike are `situation.offer.spread(count, situation.rng)`",
}


@dataclass(frozen=True)
class Situation:
    """All that is known when the task of a round is chosen.

    Attributes:
        round: the number of the round, from 1.
        model: the model of all tasks so far.
        offer: the tasks that may be chosen.
        tasks: the training tasks in order: inputs, outputs, lengths and descriptors. They have no simulator
            parameters, since no learner knows these.
        rng: the random numbers of the strategy.
        design: tasks [B, R] laid out before the first round, one row for each round.
        hidden: whether tasks with the same descriptor may differ, because parameters are hidden or not
            visible in pictures. This is unknown for a robot, whose learner says False.
    """

    round: int
    model: Model
    offer: Offer
    tasks: TaskSet
    rng: np.random.Generator
    design: FloatArray | None = None
    hidden: bool = False

    def __post_init__(self) -> None:
        """Remove the true parameters from the tasks."""
        nothing = np.empty((self.tasks.num_tasks, 0))
        observed = dataclasses.replace(self.tasks, parameters=nothing, parameter_variables=())
        object.__setattr__(self, "tasks", observed)

    def __getattr__(self, name: str) -> Any:
        """Raise AttributeError; for an attribute of version 0.1, the message names its replacement."""
        text = f"a situation has no `{name}`"
        raise AttributeError(f"{text}: {MOVED[name]}" if name in MOVED else text)

    @property
    def latent(self) -> LatentPosterior:
        """q(H) of the training tasks. Raises ValueError if the model has no latent variable."""
        if self.model.latent is None:
            text = "this strategy needs a latent variable, and the model has none"
            raise ValueError(f"{text}; choose another strategy or another `model.kind`")
        return self.model.latent

    @property
    def chosen(self) -> FloatArray:
        """Descriptors [N, ..., R] of the training tasks, in order."""
        return self.tasks.descriptors


@dataclass(frozen=True)
class Selection:
    """The candidates that a strategy scored, and the one that it chose.

    Raises ValueError when shapes disagree or a value is not finite.
    """

    candidates: FloatArray  # [C, ..., R]
    latent: LatentPosterior | None  # q(h*) of each candidate [C, Q]; None without latent variable
    utilities: FloatArray  # [C], higher is better
    chosen: int

    def __post_init__(self) -> None:
        """Copy the arrays, and check before the task is run that a round file can store them."""
        for name in ("candidates", "utilities"):
            object.__setattr__(self, name, numbers(name, getattr(self, name)))
        if self.candidates.ndim < 2:
            text = f"expected [C, R], one descriptor a row, found shape {self.candidates.shape}"
            raise ValueError(f"candidates: {text}")
        count = len(self.candidates)
        if self.utilities.shape != (count,):
            text = f"one number for each of {count} candidates"
            raise ValueError(f"utilities: expected {text}, found shape {self.utilities.shape}")
        is_row = isinstance(self.chosen, int | np.integer) and not isinstance(self.chosen, bool)
        if not (is_row and 0 <= self.chosen < count):
            text = f"the number of one of {count} candidates"
            raise ValueError(f"chosen: expected {text}, found {self.chosen}")
        arrays = {"candidates": self.candidates, "utilities": self.utilities}
        if self.latent is not None:
            arrays |= self._checked_moments(self.latent)
        for name, values in arrays.items():
            spoilt = ~np.isfinite(values).reshape(count, -1).all(axis=1)
            if spoilt.any():
                text = f"not finite for candidate {int(np.argmax(spoilt))}"
                raise ValueError(
                    f"{name}: {text}; leave out of the candidates what must not be chosen"
                )

    def _checked_moments(self, latent: LatentPosterior) -> dict[str, FloatArray]:
        """Check and keep the moments of q(h*); return them by name."""
        mean, variance = (numbers("latent", moment) for moment in latent[:2])
        object.__setattr__(self, "latent", LatentPosterior(mean, variance, *latent[2:]))
        count = len(self.candidates)
        if mean.shape != variance.shape or mean.ndim != 2 or len(mean) != count:
            text = f"mean and variance [{count}, Q] of q(h*) of each of {count} candidates"
            raise ValueError(f"latent: expected {text}, found {mean.shape} and {variance.shape}")
        return {"latent.mean": mean, "latent.variance": variance}

    def to_datasets(self) -> dict[str, Any]:
        """Return the datasets `selection/...` of a round file."""
        datasets: dict[str, Any] = {
            "selection/candidates": self.candidates,
            "selection/utilities": self.utilities,
            "selection/chosen": np.int64(self.chosen),
        }
        if self.latent is not None:
            datasets["selection/latent_mean"] = self.latent.mean
            datasets["selection/latent_variance"] = self.latent.variance
        return datasets


class Look(NamedTuple):
    """The colour, marker and dashes of a strategy in all figures."""

    color: str  # as matplotlib takes it
    marker: str
    dashes: tuple[float, ...]  # lengths of dashes and gaps; () for a solid line


@dataclass(frozen=True)
class NoSettings(Settings):
    """The settings class of a strategy without settings."""


@dataclass(frozen=True)
class Strategy:
    """A rule that chooses the next task, and its description.

    Attributes:
        name: its name in the configuration.
        choose: `choose(situation, settings) -> Selection`.
        settings: the class of its settings, read from `strategies.<name>.options`.
        needs: what it requires.
        label: its name in figures; by default `name`.
        look: its look in figures; by default chosen from `name`.
        compared: whether it is in the default of `run.strategies`.
    """

    name: str
    choose: Callable[[Situation, Any], Selection]
    settings: type[Settings] = NoSettings
    needs: frozenset[Need] = frozenset()
    label: str = ""
    look: Look | None = None
    compared: bool = False

    @default_error_state()
    def __call__(self, situation: Situation, options: Mapping[str, Any]) -> Selection:
        """Choose the next task. Raises ValueError for an unknown option or an invalid value."""
        return self.choose(situation, self.settings.from_config(options))


def fixed_choice(situation: Situation, descriptor: FloatArray) -> Selection:
    """Return a selection with one candidate, `descriptor` [..., R], of utility zero: nothing is scored."""
    candidates = descriptor[None]
    model = situation.model
    latent = None if model.latent is None else model.infer(descriptors=candidates)
    return Selection(candidates, latent, np.zeros(1), 0)
