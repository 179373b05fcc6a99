"""The columns of a data frame: found by name, unit or element, and turned into numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from pamlflow.domains.frames.form import SECONDS
from pamlflow.domains.frames.units import same_unit, unit_in, without_unit
from pamlflow.settings import SettingError
from pamlflow.types import FloatArray
from pamlflow.wording import Key, nearest, shown

_SHOWN = 12  # columns in a message
_ELEMENT = re.compile(r"(.+)\[(\d+)\]")


def named_column(
    frame: pd.DataFrame, key: Key, name: str, unit: str | None = None
) -> pd.Series[Any]:
    """Return the column of a name, which may have its unit in brackets, or be an element of a column of lists.

    Raises SettingError when there is none, with the nearest name and the others, or when its unit is another.
    """
    if name not in frame.columns:
        labelled = [str(label) for label in frame.columns if without_unit(str(label)) == name]
        if len(labelled) > 1:
            labelled = [it for it in labelled if unit and same_unit(unit_in(it) or "1", unit)]
        element = _ELEMENT.fullmatch(name)
        if labelled:
            _require_unit(key, name, unit_in(labelled[0]), unit)
            name = labelled[0]
        elif f"{name}[0]" in frame.columns and f"{name}[1]" not in frame.columns:
            name = f"{name}[0]"
        elif element and element[1] in frame.columns:
            return _element(key, frame[element[1]], element[1], int(element[2]))
        else:
            _require_known(key, frame.attrs.get("known", frame.columns), name)
    elif name.endswith("]"):
        _require_unit(key, name, unit_in(name), unit)
    _require_unit(key, name, frame.attrs.get("units", {}).get(name), unit)
    found = frame[name]
    if isinstance(found, pd.DataFrame):
        raise SettingError(key, f"{found.shape[1]} columns are called '{name}'; rename them")
    return found


def numeric(key: Key, series: pd.Series[Any], name: str) -> FloatArray:
    """Return a column as float64, NaN where there is no value; SettingError where it has other things."""
    if series.dtype.kind in "biuf":
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        other = np.isnan(values) & ~series.isna().to_numpy()
        if other.any():
            row = int(np.argmax(other))
            found = series.iloc[row]
            hint = "; write decimals with a point" * bool(re.fullmatch(r"-?\d+,\d+", str(found)))
            text = f"column '{name}', row {row}: expected a number, found {shown(found)}{hint}"
            raise SettingError(key, text)
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        raise SettingError(
            key, f"column '{name}', row {row} is {values[row]}; cut the run before it"
        )
    return values


def seconds_in(frame: pd.DataFrame, name: str, unit: str) -> FloatArray:
    """Return the time in s [T] of each row since the first one; NaN where there is none.

    It is a number of this unit of time, or a date or duration of any kind. Raises SettingError for others.
    """
    key = ("time",)
    series = named_column(frame, key, name)
    if series.dtype.kind in "iuf":
        series = named_column(frame, key, name, unit)
    if series.dtype.kind not in "biufmM":
        series = _dates(series)
    if series.dtype.kind in "mM":
        since = series - series.dropna().iloc[0] if series.notna().any() else series - series
        return since.dt.total_seconds().to_numpy(dtype=np.float64)
    if series.dtype.kind in "iu":  # nanoseconds since 1970 have more digits than a float
        series = series.astype("Int64")
        series = series - series.dropna().iloc[0] if series.notna().any() else series
    values = numeric(key, series, name)
    first = values[np.isfinite(values)][:1]
    return (values - first) * SECONDS[unit] if first.size else values


def _dates(series: pd.Series[Any]) -> pd.Series[Any]:
    """Dates and times of day in the form of ISO 8601; what are none is left as it is."""
    try:
        return pd.to_datetime(series, format="ISO8601", utc=True)
    except (ValueError, TypeError):
        return series


def _require_known(key: Key, labels: Iterable[Any], name: str) -> None:
    """Raise SettingError, with the nearest name and the others, unless a column is among the labels."""
    names = [str(label) for label in labels]
    if name not in names:
        listed = ", ".join(names[:_SHOWN]) + f" and {len(names) - _SHOWN} more" * (
            len(names) > _SHOWN
        )
        raise SettingError(
            key, f"no column '{name}'{nearest(name, names)} (there are: {listed or 'none'})"
        )


def _element(key: Key, lists: pd.Series[Any], name: str, index: int) -> pd.Series[Any]:
    try:
        return pd.Series([row[index] for row in lists], index=lists.index)
    except (IndexError, TypeError):
        lengths = sorted({np.size(row) for row in lists})
        text = f"column '{name}' has no element [{index}] in each row: rows of {lengths} elements"
        raise SettingError(key, f"{text}; elements are counted from 0") from None


def _require_unit(key: Key, name: str, found: str | None, given: str | None) -> None:
    if found and given and not same_unit(found, given):
        text = (
            f"column '{name}' is in {found} according to the log, and in {given} according to this"
        )
        raise SettingError(
            key, f"{text} setting; correct the one that is wrong, or convert the column"
        )
