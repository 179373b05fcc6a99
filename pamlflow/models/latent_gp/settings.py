"""What can be set of a latent Gaussian process: the sections ``model`` and ``training``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pamlflow.settings import Settings


@dataclass(frozen=True)
class PictureSettings(Settings):
    """Section ``model.pictures``: how much pictures count, and how long they are learned alone."""

    weight: float = 0.01
    pretraining_steps: int = 400


@dataclass(frozen=True)
class ModelSettings(Settings):
    """Section ``model``: the size of the model, its signal and its noise."""

    latent_dimensions: int = 2
    inducing_points: int = 200
    signal: Literal["per_output", "shared"] = "per_output"
    noise: Literal["per_output", "task_scaled"] = "task_scaled"
    noise_floor: float = 1e-6
    pictures: PictureSettings = PictureSettings()


@dataclass(frozen=True)
class StochasticSettings(Settings):
    """Section ``training.stochastic``: the schedule of the stochastic bound; the defaults are the paper's."""

    steps: int = 5000
    learning_rate: float = 0.01
    optimiser: Literal["adam", "natural_gradient"] = "adam"
    estimator: Literal["closed_form", "monte_carlo"] = "monte_carlo"
    batch_tasks: int | None = None  # None: all
    batch_transitions: int | None = None  # of each task; None: all


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """Section ``training``: which bound, and how long.

    The iterations and starts are those of L-BFGS on the collapsed bound.
    """

    bound: Literal["collapsed", "stochastic"] = "collapsed"
    first_iterations: int = 150
    next_iterations: int = 60
    starts: int = 3
    stochastic: StochasticSettings = StochasticSettings()
