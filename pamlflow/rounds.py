"""Round files: the tasks that were seen, the model trained on them, and how the newest was chosen."""

from __future__ import annotations

import hashlib
import json
import shutil
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


def checkpoint_folder(
    output: Path, seed: int, config: Mapping[str, Any], parents: Sequence[Path]
) -> Path:
    """Where a long fit keeps its state: beside its output, and never taken for it.

    A fit with another seed, configuration or input has another folder; those of such fits are removed.
    """
    digest = hashlib.sha256(json.dumps([seed, config], sort_keys=True).encode())
    for parent in parents:
        digest.update(parent.read_bytes())
    folder = output.with_name(f".{output.stem}.checkpoints.{digest.hexdigest()[:16]}")
    for other in output.parent.glob(f".{output.stem}.checkpoints*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder
