"""Typed views of the config sections that the model and the acquisition read."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ModelSettings:
    """Section ``model``: the size of the model and its noise."""

    latent_dimensions: int = 2
    inducing_points: int = 200
    noise: Literal["per_output", "task_scaled"] = "task_scaled"
    noise_floor: float = 1e-6


@dataclass(frozen=True)
class TrainingSettings:
    """Section ``training``: iterations of L-BFGS in the first and in later rounds."""

    first_iterations: int = 400
    next_iterations: int = 200
    starts: int = 4


@dataclass(frozen=True)
class InferenceSettings:
    """Section ``inference``: how q(h*) of a test task is found, and which protocols are scored."""

    objective: Literal["predictive", "elbo"] = "predictive"
    protocols: tuple[str, ...] = ("paper", "few_shot_0", "few_shot_20")

    def __post_init__(self) -> None:
        """Turn the list of a config file into a tuple."""
        object.__setattr__(self, "protocols", tuple(self.protocols))


@dataclass(frozen=True)
class AcquisitionSettings:
    """Section ``acquisition``: which candidates the strategies score."""

    candidates: Literal["latent", "descriptor"] = "latent"
    num_candidates: int = 1000
