"""Conversion of arrays of users to float64 without loss.

Small and unsigned integers overflow, half floats lose digits, and NumPy silently drops masks, imaginary parts
and names of columns. Public functions therefore first convert their arguments here.
"""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pamlflow.types import FloatArray, IntArray

LARGEST = 2**53
"""Larger whole numbers are not exact as float64."""

_REFUSED = {"c": "complex numbers", "U": "text", "S": "text", "M": "dates", "m": "durations"}


def numbers(name: str, values: Any, columns: Sequence[Any] | None = None) -> FloatArray:
    """Return a copy of `values`, an array of any library, as float64.

    `columns` are the names of the entries along the last axis. Values with names (columns of a table, fields of
    a structured array, keys of a mapping, labels of a row) are put into this order. Without `columns`, values
    with names are refused, since their order is unknown.

    Raises ValueError, with a message that begins with `name`, if values are complex, masked, text or other
    objects, if float64 cannot hold a whole number, if rows have different lengths, or if columns have other
    names.
    """
    if (found := labels(values)) is not None:
        return _by_name(name, values, found, columns)
    if isinstance(values, list | tuple) and any(labels(row) is not None for row in values):
        return _stack(name, [numbers(name, row, columns) for row in values], axis=0)
    return _as_float64(name, values)


def read_only(name: str, values: Any, columns: Sequence[Any] | None = None) -> FloatArray:
    """Return `numbers` as a read-only array, for the fields of frozen classes."""
    array = numbers(name, values, columns)
    array.flags.writeable = False
    return array


def whole_numbers(name: str, values: Any) -> IntArray:
    """Return a copy of `values` as int64. Raises ValueError if a value is not a whole number."""
    found = numbers(name, values)
    whole = np.isfinite(found) & (found == np.rint(found))
    if np.asarray(values).dtype.kind == "b" or not whole.all():
        raise ValueError(f"{name}: expected whole numbers, found {shown(values)}")
    return found.astype(np.int64)


def indices(name: str, values: Any, size: int, names: Sequence[Any] = ()) -> list[int]:
    """Return indices of rows or columns as different numbers from 0 to `size` - 1.

    As in Python, -1 is the last; columns with `names` may be given by name. Raises ValueError if a value is not
    an index, such as another name, a fraction or a mask, is out of range, or is given twice.
    """
    found: list[int] = []
    or_names = f" or some of {_listed(names)}" if names else ""
    expected = f"{name}: expected different whole numbers from 0 to {size - 1}{or_names}, found"
    try:
        given = None if isinstance(values, str | Mapping) else list(values)
    except TypeError:  # one number, or an array of one
        given = None
    if given is None:
        raise ValueError(f"{expected} {shown(values)}")
    for value in given:
        if isinstance(value, bool | np.bool_):
            raise ValueError(f"{expected} a mask; `np.flatnonzero` makes such numbers of it")
        try:
            is_name = isinstance(value, str) and value in names
            index = names.index(value) if is_name else operator.index(value)
        except TypeError:
            raise ValueError(f"{expected} {shown(value)}") from None
        if not -size <= index < size:
            raise ValueError(f"{expected} {index}")
        found.append(index % size)
    if len(set(found)) < len(found):
        twice = next(index for index in found if found.count(index) > 1)
        raise ValueError(f"{expected} {twice} twice")
    return found


def labels(values: Any) -> list[Any] | None:
    """Return the names of the columns of a table or of the entries of a row; None without names."""
    if isinstance(values, Mapping):
        return list(values)
    if isinstance(values, tuple):
        return list(getattr(values, "_fields", ())) or None
    if isinstance(values, np.ndarray | np.void):
        return list(values.dtype.names) if values.dtype.names else None
    found = getattr(values, "columns", None)
    is_table = found is not None
    if not is_table and getattr(values, "ndim", None) == 1:
        found = getattr(values, "index", None)
    if found is None or callable(found):
        return None
    found = list(found)
    if is_table:  # counted columns have no names
        return None if all(isinstance(label, int | np.integer) for label in found) else found
    return found if any(isinstance(label, str) for label in found) else None


def is_masked(values: Any) -> bool:
    """Return whether some values are masked; NumPy would drop the mask."""
    if isinstance(values, list | tuple):
        return any(map(is_masked, values))
    return isinstance(values, np.ma.MaskedArray) and bool(np.any(values.mask))


def check_shape(name: str, values: npt.NDArray[Any], expected: tuple[int | str, ...]) -> None:
    """Raise ValueError unless `values` have this shape, in which a letter stands for any length.

    The message says if the last two axes seem to be transposed.
    """
    if _fits(values.shape, expected):
        return
    text = f"{name}: expected shape {_brackets(expected)}, found {_brackets(values.shape)}"
    if values.ndim > 1 and _fits((*values.shape[:-2], *values.shape[:-3:-1]), expected):
        text += "; rows and columns look exchanged (transposed)"
    raise ValueError(text)


def check_finite(name: str, values: FloatArray) -> None:
    """Raise ValueError naming the first task (row) with a value that is not finite."""
    spoilt = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if spoilt.any():
        raise ValueError(f"{name} of task {int(np.argmax(spoilt))}: expected finite numbers")


def shown(value: Any) -> str:
    """Return a value for a message, in one line and shortened."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _fits(shape: tuple[int, ...], expected: tuple[int | str, ...]) -> bool:
    if len(shape) != len(expected):
        return False
    return all(isinstance(e, str) or e == s for s, e in zip(shape, expected, strict=True))


def _brackets(shape: tuple[int | str, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _by_name(
    name: str, values: Any, found: Sequence[Any], columns: Sequence[Any] | None
) -> FloatArray:
    """Return the columns of values with names, in the order of `columns`."""
    if isinstance(values, tuple):
        values = dict(zip(found, values, strict=True))
    if columns is None:
        text = f"{name}: expected an array without names, found columns {_listed(found)}"
        raise ValueError(f"{text}; bring them into order yourself and give their values alone")
    missing = [column for column in columns if column not in found]
    others = [column for column in found if column not in columns]
    twice = [column for column in found if found.count(column) > 1]
    if missing or others or twice:
        text = f"{name}: expected columns {_listed(columns)} in any order, found {_listed(found)}"
        raise ValueError(f"{text}; rename, add or leave out columns, or give their values alone")
    parts = [_as_float64(f"{name}: '{column}'", values[column]) for column in columns]
    return _stack(name, parts, axis=-1)


def _stack(name: str, parts: Sequence[FloatArray], axis: int) -> FloatArray:
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        found = " and ".join(sorted(map(_brackets, shapes)))
        raise ValueError(f"{name}: expected parts of one shape, found {found}")
    return np.stack(parts, axis=axis)


def _as_float64(name: str, values: Any) -> FloatArray:
    expected = f"{name}: expected an array of real numbers, found"
    if is_masked(values):
        raise ValueError(f"{expected} masked values; leave out the rows that have some")
    try:
        array = np.array(values)
    except Exception as error:  # arrays of other libraries may raise anything
        raise ValueError(f"{expected} something else ({error})") from error
    if array.dtype.kind in "biuf":
        inexact = (array > LARGEST) | (array < -LARGEST)
        if array.dtype.kind in "iu" and inexact.any():
            text = f"{name}: expected whole numbers of at most 2**53, found {array[inexact][0]}"
            raise ValueError(f"{text}; measure from a nearer zero")
        with np.errstate(over="ignore"):  # values beyond float64 become infinite
            return array.astype(np.float64, copy=False)
    what = _REFUSED.get(array.dtype.kind)
    if what is None:
        objects = array.ravel().tolist()
        odd = (each for each in objects if not isinstance(each, int | float))
        what = f"objects such as {shown(next(odd, objects[0] if objects else None))}"
    raise ValueError(f"{expected} {what}; convert it, or leave it out")


def _listed(found: Iterable[Any]) -> str:
    return ", ".join(f"'{each}'" for each in found)
