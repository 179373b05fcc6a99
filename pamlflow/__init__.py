"""Probabilistic active meta-learning with Gaussian processes, as a Snakemake workflow.

Importing this package is cheap, since the Snakefile does it before any job starts. The learner of a robot and
all that it needs can be imported from here, without TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pamlflow.versions import __version__ as __version__

if TYPE_CHECKING:
    from pamlflow.domains.frames.form import LogFormat
    from pamlflow.domains.frames.transitions import frame_transitions
    from pamlflow.models.latent_gp.use.trained import TrainedModel
    from pamlflow.pool import Pool
    from pamlflow.robot.learner import Learner
    from pamlflow.spaces import Box
    from pamlflow.storage.recordings import RecordingError
    from pamlflow.tasks import TaskSet, Variable

_MODULES = {
    "Box": "spaces",
    "Learner": "robot.learner",
    "LogFormat": "domains.frames.form",
    "Pool": "pool",
    "RecordingError": "storage.recordings",
    "TaskSet": "tasks",
    "TrainedModel": "models.latent_gp.use.trained",
    "Variable": "tasks",
    "frame_transitions": "domains.frames.transitions",
}

__all__ = [
    "Box",
    "Learner",
    "LogFormat",
    "Pool",
    "RecordingError",
    "TaskSet",
    "TrainedModel",
    "Variable",
    "frame_transitions",
]


def __getattr__(name: str) -> Any:
    """Import an attribute when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
