"""A data frame as a record: numbers in SI units of time and angle, and where one piece of it ends."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pamlflow.domains.frames.angles import TURN, angle_problem, hidden_angle, uncertain_turn
from pamlflow.domains.frames.form import SECONDS, AngleColumn, Column, LogFormat
from pamlflow.domains.frames.units import same_unit, unit_in, without_unit
from pamlflow.settings import SettingError
from pamlflow.types import BoolArray, FloatArray, IntArray
from pamlflow.wording import Key, nearest, shown

logger = logging.getLogger(__name__)

GAP = 1.5
"""A gap is this many times what it takes from row to row, if no other is given."""
MOST_GAPS = 0.1
"""Largest share of intervals that may be gaps; a record with more has no one rate."""
_SHOWN = 12  # columns in a message
_ELEMENT = re.compile(r"(.+)\[(\d+)\]")


@dataclass(frozen=True, eq=False)
class Record:
    """T rows in order: `seconds` [T], `states` [T, E] with angles in rad last, `controls` [T, U].

    `rows` [T] are their numbers in the log, `begins` [T] says which of them begin a new piece, and `step` is
    the time in s from row to row.
    """

    seconds: FloatArray
    states: FloatArray
    controls: FloatArray
    rows: IntArray
    begins: BoolArray
    step: float


def record_of(frame: pd.DataFrame, form: LogFormat) -> Record:
    """Return the rows of a data frame as numbers, without those that have no value if these are to split it.

    Raises SettingError, a ValueError, with the setting in question, when a column is missing, is not numeric,
    has another unit or no value in some rows; when time goes backwards or stands; when an angle is in another
    unit than given; and when rows are not recorded at one rate.
    """
    form.require_complete()
    if not len(frame):
        raise SettingError(
            (), "expected rows, found an empty table; record it again, or leave it out"
        )
    columns: dict[Key, FloatArray] = {}
    for section, found in _sections(form):
        for name, column in found.items():
            columns[section, name] = _column(
                frame, (section, name), column.column or name, column.unit
            )
    for name in form.controls:  # nothing follows the last row, so its control has no effect
        held = columns["controls", name]
        columns["controls", name] = np.append(held[:-1], np.nan_to_num(held[-1]))
    seconds = _seconds(frame, form)
    begins = _begins(frame, form)
    keep = _with_values(columns, seconds, form)
    after_left_out = np.concatenate([[False], ~keep[:-1]])
    begins, seconds, rows = (begins | after_left_out)[keep], seconds[keep], np.flatnonzero(keep)
    columns = {key: values[keep] for key, values in columns.items()}
    _require_progress(seconds, begins, rows, form)
    begins, step = _paced(seconds, begins, form)
    states = _states(columns, begins, rows, form)
    controls = np.empty((len(rows), 0))
    if form.controls:
        controls = np.stack([columns["controls", name] for name in form.controls], axis=1)
    return Record(seconds, states, controls, rows, begins, step)


def named_column(
    frame: pd.DataFrame, key: Key, name: str, unit: str | None = None
) -> pd.Series[Any]:
    """Return the column of a name, which may have its unit in brackets, or be an element of a column of lists.

    Raises SettingError when there is none, with the nearest name and the others, or when its unit is another.
    """
    if name not in frame.columns:
        labelled = {without_unit(str(label)): label for label in frame.columns}
        element = _ELEMENT.fullmatch(name)
        if name in labelled:
            _require_unit(key, name, unit_in(str(labelled[name])), unit)
            name = labelled[name]
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


def _sections(form: LogFormat) -> Sequence[tuple[str, dict[str, Column]]]:
    angles: dict[str, Column] = {**form.angle_columns}
    return (("states", form.state_columns), ("angles", angles), ("controls", form.control_columns))


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


def _column(frame: pd.DataFrame, key: Key, name: str, unit: str) -> FloatArray:
    return numeric(key, named_column(frame, key, name, unit), name)


def _seconds(frame: pd.DataFrame, form: LogFormat) -> FloatArray:
    """The time [T] of each row since the first one; NaN where there is none."""
    if form.time is None:
        assert form.record_step is not None  # require_complete() has seen to it
        return form.record_step * np.arange(len(frame))
    series, key = named_column(frame, ("time",), form.time), ("time",)
    if series.dtype.kind not in "biufmM":
        series = _dates(series)
    if series.dtype.kind in "mM":
        since = series - series.dropna().iloc[0] if series.notna().any() else series - series
        return since.dt.total_seconds().to_numpy(dtype=np.float64)
    if series.dtype.kind in "iu":  # nanoseconds since 1970 have more digits than a float
        series = series - series.iloc[0]
    values = numeric(key, series, form.time)
    first = values[np.isfinite(values)][:1]
    return (values - first) * SECONDS[form.time_unit] if first.size else values


def _dates(series: pd.Series[Any]) -> pd.Series[Any]:
    """Dates and times of day in the form of ISO 8601; what are none is left as it is."""
    try:
        return pd.to_datetime(series, format="ISO8601", utc=True)
    except (ValueError, TypeError):
        return series


def _begins(frame: pd.DataFrame, form: LogFormat) -> BoolArray:
    """Which rows [T] begin a piece, according to episodes and flags."""
    begins = np.zeros(len(frame), dtype=bool)
    begins[0] = True
    if form.episode:
        codes, _ = pd.factorize(named_column(frame, ("episode",), form.episode))
        begins[1:] |= np.diff(codes) != 0
    for section, names in (("starts", form.starts), ("ends", form.ends)):
        for name in names:
            values = numeric((section,), named_column(frame, (section,), name), name)
            flags = np.nan_to_num(values) != 0.0
            if section == "starts":
                begins |= flags
            else:
                begins[1:] |= flags[:-1]
    return begins


def _with_values(columns: dict[Key, FloatArray], seconds: FloatArray, form: LogFormat) -> BoolArray:
    """Which rows [T] have all values; SettingError where all should and one has not."""
    keep = np.ones(len(seconds), dtype=bool)
    for key, values in [*columns.items(), (("time",), seconds)]:
        without = np.isnan(values)
        if without.any() and (form.missing == "refuse" or without.all()):
            row, more = int(np.argmax(without)), int(without.sum()) - 1
            what = f"row {row} has no value (empty or NaN)" + f", and {more} more" * (more > 0)
            if without.all():
                what = "no row has a value (all are empty or NaN)"
            text = f"{what}; fill the column, cut the run there, or give `missing: split`"
            raise SettingError(key, text)
        keep &= ~without
    if not keep.any():
        raise SettingError((), "no row has a value in each of the columns")
    return keep


def _require_progress(
    seconds: FloatArray, begins: BoolArray, rows: IntArray, form: LogFormat
) -> None:
    """Raise SettingError where time goes backwards or stands within a piece."""
    steps = np.diff(seconds)
    wrong = (steps <= 0.0) & ~begins[1:]
    if not wrong.any():
        return
    at = int(np.argmax(wrong))
    number = int(wrong.sum())
    how = "stands still" if steps[at] == 0.0 else f"goes back by {-steps[at]:.6g} s"
    more = f", and {number - 1} times more" if number > 1 else ""
    text = f"time {how} from row {rows[at]} to row {rows[at + 1]}{more}"
    if steps[at] == 0.0:
        raise SettingError(("time",), f"{text}; leave out rows that were logged twice")
    text += "; if an episode begins there, name the column that tells it as `episode` or `starts`"
    raise SettingError(("time",), f"{text}, or else sort the rows")


def _paced(seconds: FloatArray, begins: BoolArray, form: LogFormat) -> tuple[BoolArray, float]:
    """Which rows begin a piece, gaps of time considered, and the time in s from row to row."""
    inside = np.flatnonzero(~begins[1:])
    if not inside.size:
        text = "no two rows follow each other in one piece of the run"
        raise SettingError((), f"too short: {text}; record longer runs, or leave it out")
    intervals = np.diff(seconds)[inside]
    middle = float(np.median(intervals))
    step = float(intervals[np.abs(intervals - middle) <= 0.5 * middle].mean())
    longest = form.longest_gap or GAP * step
    gaps = intervals > longest
    if form.longest_gap is None and gaps.mean() > MOST_GAPS:
        found = f"from {intervals.min():.4g} to {intervals.max():.4g} s"
        text = f"rows are {found} apart, and {gaps.mean():.0%} of the intervals are over {longest:.4g} s"
        remedy = "record at one rate, or give `longest_gap` in s and `resampling: linear`"
        raise SettingError(("time",), f"{text}: no one rate; {remedy}")
    if gaps.all():
        text = f"all rows are more than {longest:.4g} s apart, {middle:.4g} s mostly; raise it"
        raise SettingError(("longest_gap",), text)
    begins = begins.copy()
    begins[inside[gaps] + 1] = True
    return begins, step


def _states(
    columns: dict[Key, FloatArray], begins: BoolArray, rows: IntArray, form: LogFormat
) -> FloatArray:
    """States [T, E], with angles in rad, unwrapped within each piece, as the last columns."""
    states = []
    for name, column in form.state_columns.items():
        values = columns["states", name]
        if problem := hidden_angle(values, begins, rows, column.unit):
            raise SettingError(("states", name), problem)
        states.append(values)
    for name, angle in form.angle_columns.items():
        values = columns["angles", name]
        if problem := angle_problem(values, begins, rows, angle.unit, angle.wraps):
            raise SettingError(("angles", name), problem)
        states.append(_radians(name, values, begins, angle))
    return np.stack(states, axis=1)


def _radians(name: str, values: FloatArray, begins: BoolArray, angle: AngleColumn) -> FloatArray:
    values = values * (2.0 * np.pi / TURN[angle.unit])
    if angle.wraps:
        values = np.concatenate([np.unwrap(it) for it in np.split(values, np.flatnonzero(begins))])
        if text := uncertain_turn(values, begins):
            logger.warning("angle '%s' %s", name, text)
    return values
