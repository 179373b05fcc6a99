"""Describe an archive of arrays for a terminal: a recording, what was kept aside, or a stranger's."""

from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.inspection.text import Cell, printable, table
from pamlflow.storage import files, npz, recordings, remedies
from pamlflow.storage.hdf5 import Array

_TEXT = 200  # characters of a text that are printed
_COLUMNS = 100  # columns of an array that are printed


def describe(path: Path) -> str:
    """Return what the arrays in `path` hold, as aligned text, whether or not they are a recording.

    Raises RecordingError where nothing can be read.
    """
    try:
        arrays = npz.read(files.read(path))
    except OSError as error:
        problem = f"cannot be opened ({error.strerror})"
        raise recordings.RecordingError(path, problem, remedies.look_at(path)) from error
    except ValueError as error:
        problem = f"no archive of NumPy's arrays, or damaged ({error})"
        raise recordings.RecordingError(path, problem, "name another") from error
    labels = _labels(path.parent)
    sections = [_array(name, array, labels.get(name, [])) for name, array in arrays.items()]
    return "\n\n".join([_title(path, arrays), *sections])


def _title(path: Path, arrays: dict[str, Array]) -> str:
    if not recordings.is_recording(path):
        return f"{len(arrays)} arrays"
    try:
        recording = recordings.read(path)
    except recordings.RecordingError as error:
        return printable(f"no sound recording: {error.problem}; {error.remedy}")
    return f"{len(np.atleast_1d(recording.inputs))} transitions"


def _labels(folder: Path) -> dict[str, list[str]]:
    """The variables of each array of a recording, where the folder is a learner's and says them."""
    try:
        about: dict[str, Any] = recordings.about(folder)
        return {
            "descriptor": [f"{name} [{unit}]" for name, (_, _, unit) in about["space"].items()],
            "inputs": [f"{name} [{unit}]" for name, unit in about["inputs"]],
            "outputs": [f"{name} [{unit}]" for name, unit in about["outputs"]],
        }
    except Exception:  # there is none, or not what a learner writes, which `check` tells
        return {}


def _array(name: str, array: Array, labels: list[str]) -> str:
    """One array: the range of each of its columns, or its text."""
    title = f"{printable(name)}: {printable(str(array.dtype))[:_TEXT]} {list(array.shape)}"
    if array.dtype.kind in "US" and array.size == 1:
        return f"{title}\n  {printable(str(array.item()))[:_TEXT]}"
    if array.dtype.kind not in "biufmM" or array.ndim > 2 or array.size == 0:
        return title
    columns = np.atleast_2d(array).T
    if len(labels) != len(columns):
        labels = [str(number) for number in range(min(len(columns), _COLUMNS))]
    rest = f"\n  ... and {len(columns) - _COLUMNS} more" if len(columns) > _COLUMNS else ""
    named = list(zip(labels, columns, strict=False))  # of many columns the first ones
    if array.dtype.kind in "mM":
        names: tuple[str, ...] = ("", "lowest", "highest")
        rows: list[list[Cell]] = [
            [label, str(each.min()), str(each.max())] for label, each in named
        ]
    elif array.ndim < 2:
        names, rows = ("", "value"), [[label, float(each[0])] for label, each in named]
    else:
        names = ("", "lowest", "mean", "highest", "not finite")
        rows = [[label, *_range(each)] for label, each in named]
    return table(names, rows, title) + rest


def _range(column: Array) -> tuple[float, float, float, int]:
    """The lowest, mean and highest of the finite values, and how many are not."""
    with np.errstate(all="ignore"):
        values = column.astype(np.float64)
        finite = values[np.isfinite(values)]
        known = finite if finite.size else np.array([np.nan])
        middle = float(known.mean())
    return float(known.min()), middle, float(known.max()), values.size - finite.size
