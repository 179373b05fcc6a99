"""Probabilistic active meta-learning with Gaussian processes, as a Snakemake workflow.

Importing this package loads nothing heavy: the Snakefile does it before any job starts. What the learner of
a robot is made with can be imported from here, and loads no TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pamlflow.models.latent_gp.use.trained import TrainedModel
    from pamlflow.pool import Pool
    from pamlflow.robot.learner import Learner
    from pamlflow.spaces import Box
    from pamlflow.storage.recordings import RecordingError
    from pamlflow.tasks import TaskSet, Variable

__version__ = "0.1.0"

TRAINING_VERSION = 8
"""Raised when results that exist should be trained anew; a change of the library alone re-runs nothing."""

EVALUATION_VERSION = 6
"""The same for scores."""

_MODULES = {
    "Box": "spaces",
    "Learner": "robot.learner",
    "Pool": "pool",
    "RecordingError": "storage.recordings",
    "TaskSet": "tasks",
    "TrainedModel": "models.latent_gp.use.trained",
    "Variable": "tasks",
}

__all__ = ["Box", "Learner", "Pool", "RecordingError", "TaskSet", "TrainedModel", "Variable"]


def __getattr__(name: str) -> Any:
    """Load what is asked for, and no more."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
