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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pamlflow.arrays import is_masked
from pamlflow.storage import files, npz, remedies
from pamlflow.types import FloatArray

ROUNDING = 1e-6
"""Share of the width of the box by which what is told, or read, may differ from what was asked for."""

_RECORDED = re.compile(r"(task|refused)_\d+\.npz")


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
    """Return what the learner's file in `folder` says; RecordingError where a learner wrote none.

    Its `design` sends a robot somewhere: it is inside the box, and as it was written.
    """
    path = folder / remedies.LEARNER
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        sealed = found.pop("sha256", None)  # which folders from before there was one lack
        if sealed is not None and sealed != _digest(found):
            raise ValueError("changed since it was written: another SHA-256 than it says")
        _check_about(found)
    except Exception as error:  # whatever values of any type raise
        problem = f"not what a learner writes ({error})"
        raise RecordingError(path, problem, "restore it from a copy") from error
    return found


def write_about(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the learner's file, with a digest that tells a digit changed by hand.

    Leaves a file that exists as it is. Raises RecordingError when the disk does not take it.
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
    content = _content(path)
    try:
        arrays = npz.exactly(content, Recording._fields)
        with np.errstate(all="ignore"):  # what is too large becomes infinite, to be refused by name
            return Recording(*(np.array(each, dtype=np.float64, order="C") for each in arrays))
    except Exception as error:  # zipfile and NumPy take flipped bits for whatever there is
        problem = f"not a recording, or damaged ({error})"
        raise RecordingError(path, problem, remedies.restore(path)) from error


def is_cut_short(path: Path) -> bool:
    """Whether the file `path` is the beginning of a recording, or empty: the rest of a killed write."""
    try:
        return npz.is_cut_short(_content(path))
    except RecordingError:
        return False


def interrupted(folder: Path) -> list[Path]:
    """Return the files of interrupted writes that may hold a recording, whole or in part."""
    return sorted(filter(is_interrupted, folder.glob(".*.npz.*.tmp")))


def is_interrupted(path: Path) -> bool:
    """Whether `path` is named like the file of an interrupted write that may hold a recording."""
    if not files.is_temporary(path):
        return False
    return _RECORDED.fullmatch(files.meant_for(path).name) is not None


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
    for path in _aside(folder):
        with contextlib.suppress(FileExistsError):
            save(path, arrays)
            break
    return path


def move_aside(path: Path) -> Path:
    """Give the file `path` the name of something refused, which none has yet; returns that."""
    for aside in _aside(path.parent):
        with contextlib.suppress(FileExistsError):
            files.claim_name(path, aside)
            break
    return aside


def _content(path: Path) -> bytes:
    """The bytes of `path`; RecordingError where it is no file, cannot be read, or is too large."""
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
    """Names for what is kept aside."""
    return (folder / f"refused_{number:02d}.npz" for number in itertools.count())


def _digest(content: Mapping[str, Any]) -> str:
    """The SHA-256 of what the learner's file says, however it is indented."""
    return files.sha256(json.dumps(content).encode())


def _check_about(found: Mapping[str, Any]) -> None:
    """Raise whatever fits unless this is a design inside a box, and variables."""
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
    if not inside.all():  # nor is what is no number
        row, column = np.argwhere(~inside)[0].tolist()
        text = f"expected '{list(found['space'])[column]}' from {low[column]} to {high[column]}"
        raise ValueError(f"design, task {row}: {text}, found {design[row, column]}")


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    """An array of numbers if possible, or else the text of all that it holds."""
    try:
        if hasattr(values, "to_records"):  # a table of pandas, whose columns have names
            values = values.to_records(index=False)
        array = np.asarray(values)
    except Exception:  # rows of different lengths, or whatever another library raises
        content = values
    else:
        if not array.dtype.hasobject and not is_masked(values):
            return array
        content = values if is_masked(values) else array
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        try:
            text = repr(content.tolist() if hasattr(content, "tolist") else content)
        except Exception:  # of which nothing more can be said
            text = object.__repr__(values)
    return np.array(text)
