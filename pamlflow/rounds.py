"""Rounds: reading round files, and training and writing a new round."""

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
    """The content of a round file."""

    number: int
    tasks: TaskSet
    model: Model
    record: store.Record


def read_round(path: Path) -> Round:
    """Return the round in a file.

    Raises StoreError if the file is missing, damaged or not a round.
    """
    record = store.read(path, "round")
    return Round(
        int(record.datasets["round"]),
        TaskSet.from_datasets(record.datasets),
        kind_of(record.config.get("model", {})).load(record.datasets),
        record,
    )


def read_pool(path: Path) -> Pool:
    """Return the pool in a file. Raises StoreError if the file is missing, damaged or not a pool."""
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
    """Train round `number`, write it to `output`, remove its checkpoints, and return the model.

    Raises TrainingError if no usable fit is found, and StoreError if the file cannot be written.

    Args:
        output: the round file.
        number: the number of the round, from 0.
        tasks: the training tasks.
        previous: the model of the round before; None to start from scratch.
        trainer: trains the model.
        rng: the random numbers of the fit.
        choice: optional datasets, such as those of a selection.
        seed: the seed in the file.
        config: the settings in the file.
        parents: the files from which the round is made.
        unchosen: descriptors [C - N, ..., R] of tasks of a pool that have not been run.
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
    """Return the hidden folder beside `output` in which a long fit saves its state.

    Its name depends on seed, settings and inputs; folders of other fits for this output are removed.
    """
    digest = hashlib.sha256(json.dumps([seed, config], sort_keys=True).encode())
    for parent in parents:
        digest.update(parent.read_bytes())
    folder = output.with_name(f".{output.stem}.checkpoints.{digest.hexdigest()[:16]}")
    for other in output.parent.glob(f".{output.stem}.checkpoints*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder
