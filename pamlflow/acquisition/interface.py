"""What a strategy sees and what it returns: a plain callable ``strategy(situation) -> Selection``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from pamlflow.models.interface import LatentPosterior, Model
from pamlflow.settings import AcquisitionSettings
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray


@dataclass(frozen=True)
class Situation:
    """All that is known when the task of round ``round`` (1, 2, ...) is chosen.

    ``tasks`` are the training tasks in order, as they were recorded: inputs, outputs, lengths and
    descriptors.  The simulator's own parameters are taken out of them, as no learner knows these.
    ``hidden`` says that tasks of one descriptor may differ, because parameters are hidden or are not seen
    in pictures.  Nobody can know that of a robot: its learner says False.
    """

    round: int
    model: Model
    space: Box | None  # of descriptors; None where they are pictures
    tasks: TaskSet
    design: FloatArray | None  # [B, R] a Latin hypercube, one row a round; None with a pool
    settings: AcquisitionSettings
    rng: np.random.Generator
    pool: FloatArray | None = None  # [C, ..., R] what is left to choose from
    hidden: bool = False

    def __post_init__(self) -> None:
        """Take the truth out of the tasks, and refuse to choose from nothing."""
        nothing = np.empty((self.tasks.num_tasks, 0))
        observed = dataclasses.replace(self.tasks, parameters=nothing, parameter_variables=())
        object.__setattr__(self, "tasks", observed)
        if self.pool is not None and len(self.pool) == 0:
            text = f"round {self.round}: every candidate of the pool has been chosen"
            raise ValueError(f"{text}; enlarge `pool` or add fewer tasks")

    @property
    def latent(self) -> LatentPosterior:
        """q(H) of the training tasks; ValueError if the model has no latent variable."""
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
    """The candidates that were scored, and which of them to observe."""

    candidates: FloatArray  # [C, ..., R]
    latent: LatentPosterior  # q(h*) of every candidate, [C, Q]
    utilities: FloatArray  # [C], higher is better
    chosen: int

    def __post_init__(self) -> None:
        """Refuse what a round file could not keep, before a task is run for it."""
        for name in ("candidates", "utilities"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        mean, variance = (np.asarray(moment, dtype=np.float64) for moment in self.latent[:2])
        object.__setattr__(self, "latent", LatentPosterior(mean, variance, *self.latent[2:]))
        count = len(self.candidates)
        if self.utilities.shape != (count,):
            text = f"one number for each of {count} candidates"
            raise ValueError(f"utilities: expected {text}, found shape {self.utilities.shape}")
        if mean.shape != variance.shape or mean.ndim != 2 or len(mean) != count:
            text = f"mean and variance [{count}, Q] of q(h*) of each of {count} candidates"
            raise ValueError(f"latent: expected {text}, found {mean.shape} and {variance.shape}")
        if not 0 <= self.chosen < count:
            text = f"the number of one of {count} candidates"
            raise ValueError(f"chosen: expected {text}, found {self.chosen}")
        numbers = {"candidates": self.candidates, "utilities": self.utilities}
        numbers |= {"latent.mean": mean, "latent.variance": variance}
        for name, values in numbers.items():
            spoilt = ~np.isfinite(values).reshape(count, -1).all(axis=1)
            if spoilt.any():
                text = f"not finite for candidate {int(np.argmax(spoilt))}"
                raise ValueError(
                    f"{name}: {text}; leave out of the candidates what must not be chosen"
                )

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file."""
        return {
            "selection/candidates": self.candidates,
            "selection/latent_mean": self.latent.mean,
            "selection/latent_variance": self.latent.variance,
            "selection/utilities": self.utilities,
            "selection/chosen": np.int64(self.chosen),
        }


Strategy: TypeAlias = Callable[[Situation], Selection]


def fixed_choice(situation: Situation, descriptor: FloatArray) -> Selection:
    """The selection of a strategy that scores nothing: one candidate ``descriptor`` of utility zero."""
    candidates = descriptor[None]
    latent = situation.model.infer(descriptors=candidates)
    return Selection(candidates, latent, np.zeros(1), 0)
