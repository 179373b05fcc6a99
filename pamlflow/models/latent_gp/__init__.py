"""The model of the paper: a latent variable for each task, and Gaussian processes of dynamics and descriptors.

`use` predicts and infers with NumPy. `fit` trains: tasks described by vectors by the collapsed bound with NumPy
too, and all else with TensorFlow and GPflow. Both are imported only when they are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.models.interface import Model, ModelKind, TrainingRecord
from pamlflow.models.latent_gp.rows import ROWS
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray


def _fit(
    tasks: TaskSet,
    settings: ModelSettings,
    training: TrainingSettings,
    rng: np.random.Generator,
    *,
    previous: Any,
    unchosen: FloatArray | None,
    checkpoints: Path | None,
    title: str,
) -> tuple[Model, TrainingRecord]:
    """See `pamlflow.models.interface.Fit`."""
    from pamlflow.models.latent_gp.fit.training import train

    settings = settings.for_tasks(len(tasks.parameter_variables))
    return train(tasks, settings, training, rng, previous, unchosen, checkpoints, title)


def _load(datasets: Mapping[str, Any]) -> Model:
    """Return the model in the datasets of a round file."""
    from pamlflow.models.latent_gp.use.trained import TrainedModel

    return TrainedModel.from_datasets(datasets)


LATENT_GP = ModelKind(
    "latent_gp", ModelSettings, TrainingSettings, ROWS, _fit, _load, latent=True, pictures=True
)
