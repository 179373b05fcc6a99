"""Recordings of a robot: one file `task_00.npz`, `task_01.npz`, ... for each run.

A file has the arrays `descriptor` [R], `inputs` [T, Dx] and `outputs` [T, P] in NumPy's format, which other
programs can read and write. A recording cannot be made again, and no function here replaces one.
"""

import contextlib
import io
import itertools
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pamlflow.arrays import is_masked
from pamlflow.storage import files, npz, remedies
from pamlflow.types import FloatArray

ROUNDING = 1e-6
"""Tolerance between a descriptor that was asked for and one that is told, relative to the width of the box."""

_RECORDED = re.compile(r"(task|refused)_\d+\.npz")


class RecordingError(ValueError):
    """A recording cannot be used or written; the message has place, problem and remedy."""

    def __init__(self, where: Path | str, problem: str, remedy: str) -> None:
        """Join the three parts into one message."""
        super().__init__(f"{where}: {problem}; {remedy}")
        self.where = where
        self.problem = problem
        self.remedy = remedy


class Recording(NamedTuple):
    """The recording of one run of the robot."""

    descriptor: FloatArray  # [R]
    inputs: FloatArray  # [T, Dx]
    outputs: FloatArray  # [T, P]


def about(folder: Path) -> dict[str, Any]:
    """Return the content of `learner.json` in `folder`.

    Raises RecordingError if the file is missing or invalid, has changed since it was written, or has a `design`
    outside the box: the design is sent to the robot.
    """
    path = folder / remedies.LEARNER
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        sealed = found.pop("sha256", None)  # folders of earlier versions have none
        if sealed is not None and sealed != _digest(found):
            raise ValueError("changed since it was written: another SHA-256 than it says")
        _check_about(found)
    except Exception as error:  # invalid content may raise anything
        problem = f"not what a learner writes ({error})"
        raise RecordingError(path, problem, "restore it from a copy") from error
    return found


def write_about(folder: Path, content: Mapping[str, Any]) -> None:
    """Write `learner.json` with a digest, by which later changes are found; an existing file is kept.

    Raises RecordingError when the file cannot be written.
    """
    path = folder / remedies.LEARNER
    text = json.dumps({**content, "sha256": _digest(content)}, indent=2)
    try:
        files.create(path, text.encode())
    except FileExistsError:
        return
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        raise RecordingError(path, problem, remedies.free(folder)) from error


def path_of(folder: Path, number: int) -> Path:
    """Return the path of the recording of task `number`."""
    return folder / f"task_{number:02d}.npz"


def is_recording(path: Path) -> bool:
    """Return whether `path` has the name of a recording and is in the folder of a learner."""
    named = re.fullmatch(r"task_\d+\.npz", path.name)
    return named is not None and remedies.is_learners(path.parent)


def paths(folder: Path) -> list[Path]:
    """Return the recordings in `folder` in order. Raises RecordingError if the numbers have a gap."""
    found = set(folder.glob("task_*.npz"))
    expected = [path_of(folder, number) for number in range(len(found))]
    if missing := [path for path in expected if path not in found]:
        others = ", ".join(sorted(path.name for path in found - set(expected)))
        remedy = "put it back, or number the others without a gap"
        raise RecordingError(missing[0], f"missing, while there is {others}", remedy)
    return expected


def read(path: Path) -> Recording:
    """Return the recording in the file `path`. Raises RecordingError if it is damaged or not a recording."""
    content = _content(path)
    try:
        arrays = npz.exactly(content, Recording._fields)
        # Values that are too large become infinite, and are refused by name later.
        with np.errstate(all="ignore"):
            return Recording(*(np.array(each, dtype=np.float64, order="C") for each in arrays))
    except Exception as error:  # flipped bits may raise anything in zipfile and NumPy
        problem = f"not a recording, or damaged ({error})"
        raise RecordingError(path, problem, remedies.restore(path)) from error


def is_cut_short(path: Path) -> bool:
    """Return whether the file `path` is empty or the beginning of a recording (an interrupted write)."""
    try:
        return npz.is_cut_short(_content(path))
    except RecordingError:
        return False


def interrupted(folder: Path) -> list[Path]:
    """Return the files of interrupted writes in `folder` that may hold a whole or partial recording."""
    return sorted(filter(is_interrupted, folder.glob(".*.npz.*.tmp")))


def is_interrupted(path: Path) -> bool:
    """Return whether `path` has the name of an interrupted write of a recording."""
    if not files.is_temporary(path):
        return False
    return _RECORDED.fullmatch(files.meant_for(path).name) is not None


def save(path: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write arrays to a new file in one step.

    Raises FileExistsError if the file exists, and RecordingError when it cannot be written.
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
    """Write refused data of any kind to a new file `refused_00.npz`, ...; return its path."""
    arrays = {name: _as_array(values) for name, values in told.items()}
    for path in _aside(folder):
        with contextlib.suppress(FileExistsError):
            save(path, arrays)
            break
    return path


def move_aside(path: Path) -> Path:
    """Rename the file `path` to a new `refused_00.npz`, ...; return the new path."""
    for aside in _aside(path.parent):
        with contextlib.suppress(FileExistsError):
            files.claim_name(path, aside)
            break
    return aside


def _content(path: Path) -> bytes:
    """Return the bytes of `path`. Raises RecordingError if it is not a file, unreadable or too large."""
    try:
        if path.exists() and not path.is_file():
            raise RecordingError(path, "not a file", remedies.look_at(path))
        if (size := path.stat().st_size) > npz.LARGEST:
            problem = f"expected at most {npz.LARGEST} bytes, found {size}"
            raise RecordingError(path, problem, remedies.restore(path))
        return path.read_bytes()
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise RecordingError(path, problem, "see to the disk") from error


def _aside(folder: Path) -> Iterator[Path]:
    """Return the possible names of refused data."""
    return (folder / f"refused_{number:02d}.npz" for number in itertools.count())


def _digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the content of `learner.json`, independent of indentation."""
    return files.sha256(json.dumps(content).encode())


def _check_about(found: Mapping[str, Any]) -> None:
    """Raise an exception of any type unless variables are valid and the design lies inside the box."""
    for kind in ("inputs", "outputs"):
        if not all(isinstance(name + unit, str) for name, unit in found[kind]):
            raise ValueError(f"{kind}: expected pairs of a name and a unit")
    bounds = [(low, high) for low, high, _ in found["space"].values()]
    low, high = np.array(bounds, dtype=np.float64).reshape(-1, 2).T
    design = np.array(found["design"], dtype=np.float64)
    if design.shape != (expected := (found["initial_tasks"], len(low))):
        raise ValueError(f"design: expected shape {list(expected)}, found {list(design.shape)}")
    tolerance = ROUNDING * (high - low)
    inside = (design >= low - tolerance) & (design <= high + tolerance)
    if not inside.all():  # NaN is not inside
        row, column = np.argwhere(~inside)[0].tolist()
        text = f"expected '{list(found['space'])[column]}' from {low[column]} to {high[column]}"
        raise ValueError(f"design, task {row}: {text}, found {design[row, column]}")


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    """Return an array of numbers if possible, or else the text of the values."""
    try:
        if hasattr(values, "to_records"):  # a table of pandas, whose columns have names
            values = values.to_records(index=False)
        array = np.asarray(values)
    except Exception:  # rows of different lengths, or an error of another library
        content = values
    else:
        if not array.dtype.hasobject and not is_masked(values):
            return array
        content = values if is_masked(values) else array
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        try:
            text = repr(content.tolist() if hasattr(content, "tolist") else content)
        except Exception:  # not even a text of the content
            text = object.__repr__(values)
    return np.array(text)
