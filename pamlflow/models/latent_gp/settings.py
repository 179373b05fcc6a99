"""The settings of a latent Gaussian process: the sections `model` and `training`."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self

from pamlflow.settings import Bounds, Settings

logger = logging.getLogger(__name__)

MOST_DIMENSIONS = 8  # of h; with more, the starts of a search for h* cover few directions


@dataclass(frozen=True)
class PictureSettings(Settings):
    """Section `model.pictures`: the weight of the pictures, and the length of their pretraining."""

    weight: Annotated[float, Bounds(1e-6, 1.0)] = 0.01
    pretraining_steps: Annotated[int, Bounds(1, 100_000)] = 400


@dataclass(frozen=True)
class ModelSettings(Settings):
    """Section `model`: the size of the model, its signal and its noise."""

    # None: one for each parameter that varies between tasks.
    latent_dimensions: Annotated[int | None, Bounds(1, MOST_DIMENSIONS)] = None
    inducing_points: Annotated[int, Bounds(2, 5_000)] = 300
    prediction_points: Annotated[int, Bounds(2, 5_000)] = 800
    signal: Literal["per_output", "shared"] = "per_output"
    noise: Literal["per_output", "task_scaled"] = "task_scaled"
    noise_floor: Annotated[float, Bounds(1e-10, 0.5)] = 1e-6
    pictures: PictureSettings = PictureSettings()

    def dimensions(self, varying: int) -> int:
        """Return the number of dimensions Q of h for `varying` parameters, hidden ones included."""
        return self.latent_dimensions or min(varying, MOST_DIMENSIONS)

    def for_tasks(self, varying: int) -> Self:
        """Return these settings with Q as a number; log a warning if Q is less than `varying` parameters."""
        dimensions = self.dimensions(varying)
        if dimensions < varying:
            logger.warning("%s", too_few(dimensions, varying))
        return replace(self, latent_dimensions=dimensions)


def too_few(dimensions: int, varying: int) -> str:
    """Return the warning for an h with fewer dimensions than there are varying parameters."""
    remedy = (
        f"set latent_dimensions to {varying}, or leave it out"
        if varying <= MOST_DIMENSIONS
        else f"latent_dimensions is at most {MOST_DIMENSIONS}: let fewer parameters vary"
    )
    return (
        f"latent_dimensions is {dimensions}, and {varying} parameters vary between tasks; the model takes the "
        f"remaining variation for noise: {remedy}"
    )


@dataclass(frozen=True)
class StochasticSettings(Settings):
    """Section `training.stochastic`: the schedule of the stochastic bound, by default that of the paper."""

    steps: Annotated[int, Bounds(1, 1_000_000)] = 5000
    learning_rate: Annotated[float, Bounds(1e-6, 1.0)] = 0.01
    optimiser: Literal["adam", "natural_gradient"] = "adam"
    estimator: Literal["closed_form", "monte_carlo"] = "monte_carlo"
    batch_tasks: Annotated[int | None, Bounds(1, 100_000)] = None  # None: all
    # Of each task; None: all.
    batch_transitions: Annotated[int | None, Bounds(1, 100_000)] = None


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """Section `training`: the bound, and the length of the fit.

    Iterations and starts apply to L-BFGS on the collapsed bound.
    """

    bound: Literal["collapsed", "stochastic"] = "collapsed"
    first_iterations: Annotated[int, Bounds(1, 100_000)] = 150
    next_iterations: Annotated[int, Bounds(1, 100_000)] = 60
    starts: Annotated[int, Bounds(1, 100)] = 3
    stochastic: StochasticSettings = StochasticSettings()
