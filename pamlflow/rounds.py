"""Rounds: a model is trained on the tasks seen, and written with them and how the newest was chosen."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pamlflow.models import Trainer, kind_of
from pamlflow.models.interface import Model
from pamlflow.pool import Pool
from pamlflow.storage import store
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray


class Round(NamedTuple):
    """What a round file holds."""

    number: int
    tasks: TaskSet
    model: Model
    record: store.Record


def read_round(path: Path) -> Round:
    """Return the round in a file; nothing is trained again.

    Raises StoreError where the file is missing, damaged or of another kind.
    """
    record = store.read(path, "round")
    return Round(
        int(record.datasets["round"]),
        TaskSet.from_datasets(record.datasets),
        kind_of(record.config.get("model", {})).load(record.datasets),
        record,
    )


def read_pool(path: Path) -> Pool:
    """Return the pool in a file of the schema `pool`; StoreError where it is none."""
    return Pool.from_datasets(store.read(path, "pool").datasets)


def train_round(
    output: Path,
    number: int,
    tasks: TaskSet,
    previous: Model | None,
    trainer: Trainer,
    rng: np.random.Generator,
    *,
    choice: Mapping[str, Any],
    seed: int,
    config: Mapping[str, Any],
    parents: Sequence[Path],
    unchosen: FloatArray | None = None,
) -> Model:
    """Train round `number` and write it to `output`; its checkpoints are removed then.

    It starts from the model of the round before, or from scratch where there is none. `choice` are the
    optional datasets, such as those of a selection; `unchosen` [C - N, ...] the descriptors of a pool that
    have not been run.

    Raises TrainingError where no usable fit is found, and StoreError where the file cannot be written.
    """
    checkpoints = checkpoint_folder(output, seed, config, parents)
    trained, record = trainer.fit(
        tasks,
        rng,
        previous=previous,
        unchosen=unchosen,
        checkpoints=checkpoints,
        title=f"round {number} fit",
    )
    datasets = {
        "round": np.int64(number),
        **tasks.to_datasets(),
        **trained.to_datasets(),
        **choice,
        **record.to_datasets(),
    }
    store.write(output, "round", datasets, seed=seed, config=config, parents=parents)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return trained


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
