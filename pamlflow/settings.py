"""Typed views of the config sections that the model and the acquisition read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

WORLD_KEYS = ("domain", "simulation", "descriptors", "space", "failed_tasks", "fixed")


def world_settings(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """What fixes the tasks of an experiment: the keys that pamlflow.world.World is made from."""
    return {key: experiment[key] for key in WORLD_KEYS if key in experiment}


class _Settings:
    """What all sections share: they refuse values that mean nothing."""

    def __post_init__(self) -> None:
        """Raise ValueError unless names are known and numbers above zero."""
        for name, hint in get_type_hints(type(self)).items():
            value = getattr(self, name)
            known = get_args(hint) if get_origin(hint) is Literal else ()
            if known and value not in known:
                text = " or ".join(f'"{one}"' for one in known)
                raise ValueError(f"{name}: expected {text}, found {value!r}")
            if isinstance(value, int | float) and not value > 0:
                raise ValueError(f"{name}: expected a number above 0, found {value}")


@dataclass(frozen=True)
class PictureSettings(_Settings):
    """Section ``model.pictures``: how much pictures count, and how long they are learned alone."""

    weight: float = 0.01
    pretraining_steps: int = 400


@dataclass(frozen=True)
class ModelSettings(_Settings):
    """Section ``model``: the size of the model, its signal and its noise."""

    latent_dimensions: int = 2
    inducing_points: int = 200
    signal: Literal["per_output", "shared"] = "per_output"
    noise: Literal["per_output", "task_scaled"] = "task_scaled"
    noise_floor: float = 1e-6
    pictures: PictureSettings = PictureSettings()

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> ModelSettings:
        """The settings of a config section, where `pictures` is a mapping or left out."""
        pictures = PictureSettings(**section.get("pictures", {}))
        return cls(**{**section, "pictures": pictures})


@dataclass(frozen=True)
class StochasticSettings(_Settings):
    """Section ``training.stochastic``: the schedule of the stochastic bound; the defaults are the paper's."""

    steps: int = 5000
    learning_rate: float = 0.01
    optimiser: Literal["adam", "natural_gradient"] = "adam"
    estimator: Literal["closed_form", "monte_carlo"] = "monte_carlo"
    batch_tasks: int | None = None  # None: all
    batch_transitions: int | None = None  # of each task; None: all


@dataclass(frozen=True)
class TrainingSettings(_Settings):
    """Section ``training``: which bound, and how long.

    The iterations and starts are those of L-BFGS on the collapsed bound.
    """

    bound: Literal["collapsed", "stochastic"] = "collapsed"
    first_iterations: int = 150
    next_iterations: int = 60
    starts: int = 3
    stochastic: StochasticSettings = StochasticSettings()

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> TrainingSettings:
        """The settings of a config section, whose schedule is a mapping."""
        schedule = StochasticSettings(**section.get("stochastic", {}))
        return cls(**{**section, "stochastic": schedule})


@dataclass(frozen=True)
class InferenceSettings(_Settings):
    """Section ``inference``: how q(h*) of a test task is found, and which protocols are scored."""

    objective: Literal["predictive", "elbo"] = "predictive"
    protocols: tuple[str, ...] = ("paper", "few_shot_0", "few_shot_20")

    def __post_init__(self) -> None:
        """Turn the list of a config file into a tuple."""
        super().__post_init__()
        object.__setattr__(self, "protocols", tuple(self.protocols))


@dataclass(frozen=True)
class AcquisitionSettings(_Settings):
    """Section ``acquisition``: which candidates the strategies score."""

    candidates: Literal["latent", "descriptor"] = "latent"
    num_candidates: int = 1000
