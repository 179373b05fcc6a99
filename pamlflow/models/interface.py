"""What the rest of pamlflow knows of a model: what it does, and what a kind of model brings."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np

from pamlflow.rows import Row
from pamlflow.settings import Settings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)

Objective: TypeAlias = Literal["predictive", "elbo"]

Belief: TypeAlias = Any
"""What a model makes of N tasks: a LatentPosterior if it has a latent variable, or else a type of its own."""


class LatentPosterior(NamedTuple):
    """q(h*) of N tasks, one Gaussian each; without `covariance` its dimensions are independent."""

    mean: FloatArray  # [N, Q]
    variance: FloatArray  # [N, Q], of each dimension by itself
    covariance: FloatArray | None = None  # [N, Q, Q]


class TaskArrays(NamedTuple):
    """Transitions of N tasks, padded to the longest; `mask` is 0 where a task has ended."""

    inputs: FloatArray  # [N, T, Dx]
    outputs: FloatArray  # [N, T, P]
    mask: FloatArray  # [N, T]


@runtime_checkable
class Model(Protocol):
    """A trained model: it predicts, infers what task it sees, and knows its datasets in a round file.

    All arguments and results are in the units of the tasks.
    """

    @property
    def latent(self) -> LatentPosterior | None:
        """q(H) of the N training tasks, in order; None if the model has no latent variable."""

    def prior(self, number: int) -> Belief:
        """What is believed of `number` tasks of which nothing is known."""

    def infer(
        self,
        *,
        descriptors: FloatArray | None = None,
        data: TaskArrays | None = None,
        objective: Objective = "predictive",
    ) -> Belief:
        """What is believed of N tasks, from their descriptors [N, ..., R], their transitions, or both.

        Raises ValueError when there is neither, a shape is wrong, or a value is not finite.
        """

    def predict(
        self, inputs: FloatArray, latent: Belief, objective: Objective = "predictive"
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and variance [N, T, P] of the outputs at `inputs` [N, T, Dx], noise included.

        `latent` is what `infer` or `prior` has returned, `objective` what it was inferred with.
        """

    def predict_descriptors(self, latents: FloatArray) -> FloatArray:
        """E[psi | h] of latent points [C, Q]; ValueError if the model has no latent variable."""

    def to_datasets(self) -> dict[str, Any]:
        """The HDF5 datasets of a round file, as the rows of the kind declare them."""


@dataclass
class TrainingRecord:
    """What a fit did: its objective after each iteration, and a line for each remarkable event.

    With L-BFGS it is the best bound plus log prior so far of each search in turn, those from other starts too;
    a stochastic fit has the estimate of the bound at each step.
    """

    bound: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # since the record began, at every bound
    events: list[str] = field(default_factory=list)

    _begin: float = field(default_factory=time.perf_counter)

    def iteration(self, bound: float) -> None:
        """Keep the bound after one iteration."""
        self.bound.append(bound)
        self.seconds.append(time.perf_counter() - self._begin)

    def event(self, text: str, level: int = logging.INFO) -> None:
        """Keep and log one event."""
        self.events.append(text)
        logger.log(level, "%s", text)

    def to_datasets(self) -> dict[str, Any]:
        """The datasets `training/...` of a round file."""
        return {"training/bound": np.array(self.bound), "training/events": self.events}


class TrainingError(RuntimeError):
    """No usable fit was found; the message says what went wrong and what may help."""


class Fit(Protocol):
    """How a kind of model is trained."""

    def __call__(
        self,
        tasks: TaskSet,
        settings: Any,
        training: Any,
        rng: np.random.Generator,
        *,
        previous: Any,
        unchosen: FloatArray | None,
        checkpoints: Path | None,
        title: str,
    ) -> tuple[Model, TrainingRecord]:
        """Train on tasks, from scratch or from the model of the round before.

        Args:
            tasks: the N training tasks; those of the round before come first.
            settings: the section `model` of the configuration, as the kind's own class.
            training: the section `training`, as the kind's own class.
            rng: all random numbers of the fit.
            previous: the model of the round before, or None to start from scratch.
            unchosen: descriptors [C - N, ..., R] of a pool whose tasks have not been run.
            checkpoints: the folder in which a long fit may keep its state.
            title: what the log calls this fit.

        Raises:
            TrainingError: no usable fit was found.
        """


@dataclass(frozen=True)
class ModelKind:
    """A kind of model, all of it that the workflow and the learner know.

    Attributes:
        name: what the configuration calls it.
        settings: the class of the section `model`.
        training: the class of the section `training`.
        rows: the datasets of a round file that are this kind's own.
        fit: trains a model; it may load TensorFlow when it is called, and not before.
        load: makes the model from the datasets of a round file.
        latent: whether its models have a latent variable; strategies and figures that need one ask for it.
        pictures: whether tasks may be described by pictures, or by vectors alone.
    """

    name: str
    settings: type[Settings]
    training: type[Settings]
    rows: tuple[Row, ...]
    fit: Fit
    load: Callable[[Mapping[str, Any]], Model]
    latent: bool = False
    pictures: bool = False


@dataclass(frozen=True)
class Trainer:
    """A kind of model with all that is set of it.

    Attributes:
        kind: the kind of model.
        settings: its own settings, section `model`.
        training: how it is trained, section `training`.
        name: how a configuration names the kind; None is the default kind, which goes without.
    """

    kind: ModelKind
    settings: Settings
    training: Settings
    name: str | None = None

    def to_config(self) -> dict[str, Any]:
        """The sections `model` and `training` that describe it."""
        named = {} if self.name is None else {"kind": self.name}
        return {
            "model": {**named, **self.settings.to_config()},
            "training": self.training.to_config(),
        }

    def fit(
        self,
        tasks: TaskSet,
        rng: np.random.Generator,
        *,
        previous: Model | None = None,
        unchosen: FloatArray | None = None,
        checkpoints: Path | None = None,
        title: str = "fit",
    ) -> tuple[Model, TrainingRecord]:
        """Train on tasks: see `Fit`. Raises ValueError for pictures where the kind takes none."""
        if tasks.has_pictures and not self.kind.pictures:
            raise ValueError(
                f"model.kind '{self.kind.name}' takes no pictures; choose another kind"
            )
        return self.kind.fit(
            tasks,
            self.settings,
            self.training,
            rng,
            previous=previous,
            unchosen=unchosen,
            checkpoints=checkpoints,
            title=title,
        )
