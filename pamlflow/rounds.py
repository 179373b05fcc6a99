"""Round files: the tasks that were seen, the model trained on them, and how the newest was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.models.optimiser import TrainingRecord
from pamlflow.models.trained import TrainedModel
from pamlflow.storage import store
from pamlflow.tasks import TaskSet


def write_round(
    path: Path,
    number: int,
    tasks: TaskSet,
    trained: TrainedModel,
    record: TrainingRecord,
    choice: Mapping[str, Any],
    *,
    seed: int,
    config: Mapping[str, Any],
    parents: Sequence[Path],
) -> None:
    """Write round ``number``; ``choice`` are the optional datasets, such as those of a selection."""
    datasets = {
        "round": np.int64(number),
        **tasks.to_datasets(),
        **trained.to_datasets(),
        **choice,
        "training/bound": np.array(record.bound),
        "training/events": record.events,
    }
    store.write(path, "round", datasets, seed=seed, config=config, parents=parents)
