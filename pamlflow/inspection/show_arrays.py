"""Describe an archive of arrays for a terminal: a recording, refused data, or any other archive."""

from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.inspection.text import Cell, printable, table
from pamlflow.storage import files, npz, recordings, remedies
from pamlflow.storage.hdf5 import Array

_TEXT = 200  # characters of a text that are printed
_COLUMNS = 100  # columns of an array that are printed


def describe(path: Path) -> str:
    """Return the content of an archive as aligned text, whether or not it is a recording.

    Raises RecordingError when it cannot be read.
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
    title = f"{len(arrays)} arrays"
    if recordings.is_recording(path) and np.ndim(arrays.get("inputs", 0)):
        title = f"{len(arrays['inputs'])} transitions"
    sections = [_array(name, array, labels.get(name, [])) for name, array in arrays.items()]
    return "\n\n".join([title, *sections])


def require_recording(path: Path) -> None:
    """Raise RecordingError unless `path` is a recording of the variables of its learner."""
    recording, labels = recordings.read(path), _labels(path.parent)
    for name, values in recording._asdict().items():
        rows = np.atleast_2d(values)
        if name in labels and (
            rows.ndim != 2 or rows.shape[1] != len(labels[name]) or not len(rows)
        ):
            text = f"{name}: expected {len(labels[name])} columns, found shape {list(values.shape)}"
            raise recordings.RecordingError(path, text, "correct it")
        if rows.dtype.kind not in "biuf" or not np.all(np.isfinite(rows)):
            text = f"{name}: expected finite numbers, found others"
            raise recordings.RecordingError(path, text, "correct it")


def _labels(folder: Path) -> dict[str, list[str]]:
    """Return the variables of each array of a recording; empty if the folder is not that of a learner."""
    try:
        about: dict[str, Any] = recordings.about(folder)
        return {
            "descriptor": [f"{name} [{unit}]" for name, (_, _, unit) in about["space"].items()],
            "inputs": [f"{name} [{unit}]" for name, unit in about["inputs"]],
            "outputs": [f"{name} [{unit}]" for name, unit in about["outputs"]],
        }
    except Exception:  # no `learner.json`, or an invalid one, which `check` reports
        return {}


def _array(name: str, array: Array, labels: list[str]) -> str:
    """Return a description of one array: the range of each column, or its text."""
    title = f"{printable(name)}: {printable(str(array.dtype))[:_TEXT]} {list(array.shape)}"
    if array.dtype.kind in "US" and array.size == 1:
        return f"{title}\n  {printable(str(array.item()))[:_TEXT]}"
    if array.dtype.kind not in "biufmM" or array.ndim > 2 or array.size == 0:
        return title
    columns = np.atleast_2d(array).T
    if len(labels) != len(columns):
        labels = [str(number) for number in range(min(len(columns), _COLUMNS))]
    rest = f"\n  ... and {len(columns) - _COLUMNS} more" if len(columns) > _COLUMNS else ""
    named = list(zip(labels, columns, strict=False))  # the first of many columns
    if array.dtype.kind in "mM":
        names: tuple[str, ...] = ("", "lowest", "highest")
        rows: list[list[Cell]] = [
            [label, str(each.min()), str(each.max())] for label, each in named
        ]
    elif array.ndim < 2:
        names, rows = ("", "value"), [[label, float(each[0])] for label, each in named]
    else:
        names, ranges = ("", "lowest", "mean", "highest"), [_range(each) for _, each in named]
        rows = [[label, *found[:3]] for (label, _), found in zip(named, ranges, strict=True)]
        if any(others for *_, others in ranges):
            names += ("not finite",)
            rows = [[*row, others] for row, (*_, others) in zip(rows, ranges, strict=True)]
    return table(names, rows, title) + rest


def _range(column: Array) -> tuple[float, float, float, int]:
    """Return minimum, mean and maximum of the finite values, and the number of others."""
    with np.errstate(all="ignore"):
        values = column.astype(np.float64)
        finite = values[np.isfinite(values)]
        known = finite if finite.size else np.array([np.nan])
        middle = float(known.mean())
    return float(known.min()), middle, float(known.max()), values.size - finite.size
