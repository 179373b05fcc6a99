"""Read one file, and keep the facts that are compared with other files."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from pamlflow.inspection import workers
from pamlflow.pool import Pool
from pamlflow.storage import files, recordings, remedies, store, tables
from pamlflow.storage.hdf5 import Array
from pamlflow.storage.places import Place, plain
from pamlflow.storage.schemas import SCHEMAS
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray, IntArray

Kind = Literal["missing", "damaged", "inconsistent", "stray", "empty", "dated"]


class Fault(NamedTuple):
    """What is wrong with one file, and what to do about it.

    `with_it` is a file that must be made again too, because its content may have spread to this file.
    """

    path: Path
    kind: Kind
    problem: str
    remedy: str
    with_it: Path | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: {self.problem}; {self.remedy}"


@dataclass(frozen=True)
class Facts:
    """The facts of a sound file that are compared with other files.

    Attributes:
        label: schema and version, or "recording".
        sha256: SHA-256 of the file.
        parents: SHA-256 of each parent, by path.
        rounds: the rounds in the file.
        tasks: a digest of its tasks.
        earlier: a digest of the tasks that it shares with the file it continues: all, or all but the newest if
            the round chose one.
        rows: the rows of the pool that are its tasks.
        members: a digest of each of these tasks, or of each candidate of a pool.
        table: the SHA-256 of the CSV table that belongs to a summary.
    """

    label: str
    sha256: str
    parents: Mapping[Path, str]
    rounds: tuple[int, ...] = ()
    tasks: str = ""
    earlier: str = ""
    rows: tuple[int, ...] = ()
    members: tuple[str, ...] = ()
    table: str = ""


Found = Mapping[Path, Facts | Fault]


def sound(found: Found) -> dict[Path, Facts]:
    """Return the files without a fault."""
    return {path: facts for path, facts in found.items() if isinstance(facts, Facts)}


def missing(path: Path, problem: str) -> Fault:
    """Return the fault of a missing file."""
    return Fault(path, "missing", problem, remedies.rebuild(path))


def inconsistent(path: Path, problem: str) -> Fault:
    """Return the fault of a file that contradicts others or itself."""
    return Fault(path, "inconsistent", problem, remedies.rebuild(path))


def examine(path: Path) -> Facts | Fault:
    """Return the facts of one file, or its fault."""
    try:
        return _recording(path) if recordings.is_recording(path) else _file(path)
    except (store.StoreError, recordings.RecordingError) as error:
        return Fault(path, "damaged", error.problem, error.remedy)
    except ValueError as error:  # invalid tasks
        return inconsistent(path, str(error))


def crashed(path: Path, crash: workers.Crash) -> Fault:
    """Return the fault of a file that ended the process that read it."""
    remedy = remedies.restore if recordings.is_recording(path) else remedies.rebuild
    return Fault(path, "damaged", crash.reason, remedy(path))


def _recording(path: Path) -> Facts:
    """Return the facts of a recording; the learner checks whether it fits its variables."""
    recordings.read(path)
    return Facts("recording", files.sha256(files.read(path)), {})


def _file(path: Path) -> Facts:
    if path.suffix == ".npz" and os.path.exists(path):
        problem = (
            "no recording, which is a task_00.npz, task_01.npz, ... in the folder of a learner"
        )
        look = f"look at it with `pamlflow show {remedies.for_shell(str(path))}`"
        raise recordings.RecordingError(path, problem, look)
    place, learned = Place.of(path), remedies.is_learners_round(path)
    schema = "round" if learned and place is None else place and place.schema
    record = store.read(path, schema)
    facts = Facts(
        label=f"{record.schema} v{record.schema_version}",
        sha256=record.sha256,
        parents={plain(path.parent / name): sha256 for name, sha256 in record.parents.items()},
        rounds=tuple(np.ravel(record.datasets.get("round", ())).tolist()),
    )
    compared = _compared(record.schema, record.datasets)
    # The learner itself compares the tasks of its rounds with its recordings.
    return facts if learned else Facts(**{**vars(facts), **compared})


def _compared(schema: str, datasets: Mapping[str, Array]) -> dict[str, str | tuple[object, ...]]:
    """Return the facts that other files must share. Raises ValueError for invalid tasks."""
    if schema == "pool":
        pool = Pool.from_datasets(datasets)
        return {"members": _members(pool.descriptors, pool.parameters)}
    if schema == "summary":
        names = [row.path for row in SCHEMAS[schema].rows]
        content = tables.content({name: datasets[name] for name in names})
        return {"table": files.sha256(content)}
    if "tasks/lengths" not in datasets:
        return {}
    rows = datasets.get("pool/rows", np.array([], dtype=np.int64))
    tasks = TaskSet.from_datasets(datasets)
    first = np.arange(tasks.num_tasks - (int(datasets.get("round", 0)) > 0))
    return {
        "tasks": _digest(tasks, rows),
        "earlier": _digest(tasks.subset(first), rows[: len(first)]),
        "rows": tuple(rows.tolist()),
        "members": _members(tasks.descriptors, tasks.parameters) if rows.size else (),
    }


def _digest(tasks: TaskSet, rows: IntArray) -> str:
    datasets = sorted(tasks.to_datasets().items())
    content = b"".join(np.asarray(data).tobytes() for _, data in datasets)
    return hashlib.sha256(content + rows.tobytes()).hexdigest()


def _members(descriptors: FloatArray, parameters: FloatArray) -> tuple[str, ...]:
    pairs = zip(descriptors, parameters, strict=True)
    contents = (seen.tobytes() + truth.tobytes() for seen, truth in pairs)
    return tuple(hashlib.sha256(content).hexdigest() for content in contents)
