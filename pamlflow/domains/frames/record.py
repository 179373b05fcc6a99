"""A data frame as a record: numbers in SI units of time and angle, and where one piece of it ends."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pamlflow.domains.frames.angles import TURN, angle_problem, hidden_angle, uncertain_turn
from pamlflow.domains.frames.columns import named_column, numeric, seconds_in
from pamlflow.domains.frames.form import AngleColumn, LogFormat
from pamlflow.settings import SettingError
from pamlflow.types import BoolArray, FloatArray, IntArray
from pamlflow.wording import Key

logger = logging.getLogger(__name__)

GAP = 1.5
"""A gap is this many times what it takes from row to row, if no other is given."""
MOST_GAPS = 0.1
"""Largest share of intervals that may be gaps; a record with more has no one rate."""


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
    for section, name, column in form.entries():
        key, label = (section, name), column.column or name
        columns[key] = numeric(key, named_column(frame, key, label, column.unit), label)
    for name in form.controls:  # nothing follows the last row, so its control has no effect
        held = columns["controls", name]
        columns["controls", name] = np.append(held[:-1], np.nan_to_num(held[-1]))
    if form.time:
        seconds = seconds_in(frame, form.time, form.time_unit)
    else:
        assert form.record_step is not None  # require_complete() has seen to it
        seconds = form.record_step * np.arange(len(frame))
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
