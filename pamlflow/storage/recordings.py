"""Recordings of a robot: what each run recorded, one file `task_00.npz`, `task_01.npz`, ... each.

NumPy's own format, so that whatever runs the robot can write and read them: `descriptor` [R], `inputs`
[T, Dx] and `outputs` [T, P]. They cannot be made again, and nothing here replaces one.
"""

import contextlib
import io
import itertools
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pamlflow.storage import files, remedies
from pamlflow.types import FloatArray

_DAMAGED = (EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError)
"""What NumPy and zipfile raise, which take flipped bits for other versions, encryption and so on."""


class RecordingError(ValueError):
    """A recording cannot be used, or kept: `where`, the `problem`, and the `remedy`."""

    def __init__(self, where: Path | str, problem: str, remedy: str) -> None:
        """Put the three into one message."""
        super().__init__(f"{where}: {problem}; {remedy}")
        self.where = where
        self.problem = problem
        self.remedy = remedy


class Recording(NamedTuple):
    """What one run of the robot recorded."""

    descriptor: FloatArray  # [R]
    inputs: FloatArray  # [T, Dx]
    outputs: FloatArray  # [T, P]


def about(folder: Path) -> dict[str, Any]:
    """Return what the learner's file in `folder` says; RecordingError where a learner wrote none."""
    path = folder / remedies.LEARNER
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        np.array(found["design"], dtype=np.float64)
        _ = found["space"], found["inputs"], found["outputs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"not what a learner writes ({error})"
        raise RecordingError(path, problem, "restore it from a copy") from error
    return found


def path_of(folder: Path, number: int) -> Path:
    """Return where task `number` is recorded."""
    return folder / f"task_{number:02d}.npz"


def is_recording(path: Path) -> bool:
    """Whether `path` has the name of a recording, and is in the folder of a learner."""
    named = re.fullmatch(r"task_\d+\.npz", path.name)
    return named is not None and remedies.is_learners(path.parent)


def paths(folder: Path) -> list[Path]:
    """Return the recordings in `folder` in order; RecordingError where the numbers have a gap."""
    found = set(folder.glob("task_*.npz"))
    expected = [path_of(folder, number) for number in range(len(found))]
    if missing := [path for path in expected if path not in found]:
        others = ", ".join(sorted(path.name for path in found - set(expected)))
        remedy = "put it back, or number the others without a gap"
        raise RecordingError(missing[0], f"missing, while there is {others}", remedy)
    return expected


def read(path: Path) -> Recording:
    """Return the recording in the file `path`; RecordingError where it is none, or damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise RecordingError(path, problem, "see to the disk") from error
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return Recording(*(arrays[name] for name in Recording._fields))
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error) as error:
        problem = f"not a recording, or damaged ({error})"
        raise RecordingError(path, problem, remedies.restore(path)) from error


def save(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays to a new file, whole or not at all.

    Raises FileExistsError where there is one, and RecordingError when the disk does not take them.
    """
    content = io.BytesIO()
    np.savez(content, **arrays)
    try:
        files.create(path, content.getvalue())
    except FileExistsError:
        raise
    except OSError as error:
        problem = f"cannot be written ({error.strerror}), and what was told is kept nowhere"
        raise RecordingError(path, problem, "see to the disk and tell it again") from error


def keep_aside(folder: Path, told: Mapping[str, Any]) -> Path:
    """Write what was told, whatever it is, to a file that does not exist yet; returns its path."""
    arrays = {name: _as_array(values) for name, values in told.items()}
    for number in itertools.count():
        path = folder / f"refused_{number:02d}.npz"
        with contextlib.suppress(FileExistsError):
            save(path, arrays)
            break
    return path


def is_masked(values: Any) -> bool:
    """Whether some values of an array are masked, which NumPy would take for valid ones."""
    return isinstance(values, np.ma.MaskedArray) and bool(np.any(values.mask))


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    """An array of numbers if possible, or else the text of all that it holds."""
    try:
        array = np.asarray(values)
    except Exception:  # rows of different lengths, or whatever another library raises
        content = values
    else:
        if not array.dtype.hasobject and not is_masked(values):
            return array
        content = values if is_masked(values) else array
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return np.array(repr(content.tolist() if hasattr(content, "tolist") else content))
