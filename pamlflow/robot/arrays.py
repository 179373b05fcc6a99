"""Arrays of numbers from whatever holds them; columns that have names are put in order by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from pamlflow.storage.npz import REAL
from pamlflow.storage.recordings import is_masked
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray


def as_numbers(name: str, values: Any) -> FloatArray:
    """Return a copy of ``values`` in float64; ValueError for text, complex, masked and other values."""
    try:
        if is_masked(values):
            raise ValueError("masked values")
        array = np.asarray(values)
        if array.dtype.hasobject and all(isinstance(each, Real) for each in array.flat):
            array = array.astype(np.float64)
        if array.dtype.kind not in REAL:
            raise ValueError(f"values of type {array.dtype}")
        with np.errstate(all="ignore"):  # what is too large becomes infinite, to be refused by name
            return np.array(array, dtype=np.float64, order="C")
    except Exception as error:  # whatever the array of another library raises
        text = f"expected an array of numbers, found something else ({error})"
        raise ValueError(f"{name}: {text}") from error


def in_order(name: str, values: Any, variables: Sequence[Variable]) -> Any:
    """Return ``values`` with named columns as an array [..., D] of those of ``variables``; others as they are.

    Raises ValueError where the columns have other names.
    """
    if hasattr(values, "_asdict"):  # a named tuple
        values = values._asdict()
    names = _names(values)
    if names is None:
        return values
    expected = [variable.name for variable in variables]
    if Counter(names) != Counter(expected):
        text = f"expected columns named {', '.join(expected)}, found {', '.join(map(str, names))}"
        raise ValueError(f"{name}: {text}")
    return np.stack([as_numbers(f"{name}, '{it}'", values[it]) for it in expected], axis=-1)


def read_once(values: Any) -> Any:
    """Return what an iterator yields as a list of copies: one buffer may be yielded again and again."""
    if isinstance(values, Iterator):
        return [read_once(row) for row in values]
    return values.copy() if isinstance(values, np.ndarray | list) else values


def _names(values: Any) -> list[Hashable] | None:
    """The names of columns: of a mapping, a table or an entry of pandas or polars, or NumPy's records."""
    if isinstance(values, Mapping):
        return list(values)
    if isinstance(values, np.ndarray):
        return None if values.dtype.names is None else list(values.dtype.names)
    if hasattr(values, "columns"):
        names = list(values.columns)
        return None if names == list(range(len(names))) else names
    if hasattr(values, "to_numpy") and hasattr(values, "index"):
        names = list(values.index)
        return names if names and all(isinstance(it, str) for it in names) else None
    return None
