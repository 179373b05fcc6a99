"""Transitions from a data frame: the change of the state in each step of time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

from pamlflow.domains.base import Transitions, state_transitions
from pamlflow.domains.frames.form import LogFormat
from pamlflow.domains.frames.record import Record, record_of
from pamlflow.settings import SettingError
from pamlflow.types import FloatArray

EXACT = 0.01
"""How far a step may be from a multiple of the time between rows, as a share of the step."""
UNEVEN = 0.1
"""How much longer or shorter than the step a single transition may last, as a share of the step."""


def frame_transitions(frame: pd.DataFrame, form: LogFormat) -> Transitions:
    """Return the transitions of a run that a data frame holds, one row for each time at which it was recorded.

    Inputs [K, Dx] are those of `form.input_variables`, outputs [K, P] those of `form.output_variables`.
    Angles are in rad, and their change is the shorter way round. Whatever the pieces of a record are, no
    transition leads from one to another.

    Args:
        frame: columns of numbers. A column may have its unit in its name, as "angle [deg]", or hold lists,
            whose elements are called "state[0]", "state[1]", ...
        form: the columns, and how transitions are made of them.

    Raises:
        SettingError: a ValueError with the setting in question, when a column is missing, holds something else
            than numbers or is in another unit, when rows have no value, time goes backwards or stands, an angle
            is not in its unit, rows are not recorded at one rate, or the run is too short for one transition.
    """
    return record_transitions(record_of(frame, form), form)


def record_transitions(record: Record, form: LogFormat) -> Transitions:
    """Return the transitions of a record; raises as `frame_transitions`."""
    step = form.time_step or record.step
    if step < (1.0 - EXACT) * record.step:
        remedy = f"give at least {record.step:.4g}"
        if form.time and record.step >= 500.0 * step:
            remedy += f", or another `time_unit` if '{form.time}' is not in {form.time_unit}"
        text = f"rows are {record.step:.4g} s apart, which is longer than a step of {step:.4g} s"
        raise SettingError(("time_step",), f"{text}; {remedy}")
    cut = _thinned if form.resampling == "thin" else _interpolated
    angles = range(len(form.states), len(form.states) + len(form.angles))
    pieces = [state_transitions(*piece, angles) for piece in cut(record, step)]
    if not pieces:
        rows, longest = len(record.seconds), _longest(record)
        text = f"too short: {rows} rows, of which at most {longest:.4g} s follow each other"
        raise SettingError((), f"{text}, shorter than a step of {step:.4g} s; leave the run out")
    parts = (np.concatenate(part) for part in zip(*pieces, strict=True))
    return _spread(Transitions(*parts), form.most_transitions)


def _pieces(record: Record) -> Iterator[slice]:
    bounds = [*np.flatnonzero(record.begins), len(record.seconds)]
    yield from (slice(*pair) for pair in pairwise(bounds))


def _longest(record: Record) -> float:
    return max(float(np.ptp(record.seconds[piece])) for piece in _pieces(record))


def _thinned(record: Record, step: float) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Each n-th row of each piece, and the mean control over the rows of each step."""
    every = round(step / record.step)
    if abs(every * record.step - step) > EXACT * step:
        below = int(step / record.step) * record.step
        text = f"{step:.4g} s is no multiple of the {record.step:.4g} s from row to row"
        remedy = f"give {below:.4g} or {below + record.step:.4g}, or `resampling: linear`"
        raise SettingError(("time_step",), f"{text}; {remedy}")
    for piece in _pieces(record):
        seconds = record.seconds[piece][::every]
        steps = len(seconds) - 1
        if steps < 1:
            continue
        uneven = np.abs(np.diff(seconds) - step) > UNEVEN * step
        if uneven.any():
            at = int(np.argmax(uneven))
            first, last = record.rows[piece][::every][at : at + 2]
            lasts = seconds[at + 1] - seconds[at]
            text = f"from row {first} to row {last} it takes {lasts:.4g} s, and not {step:.4g} s"
            raise SettingError(("time",), f"{text}: rows are uneven; give `resampling: linear`")
        controls = record.controls[piece][: steps * every]
        yield record.states[piece][::every], controls.reshape(steps, every, -1).mean(axis=1)


def _interpolated(record: Record, step: float) -> Iterator[tuple[FloatArray, FloatArray]]:
    """States on straight lines between rows, and the mean of controls that are held from row to row."""
    for piece in _pieces(record):
        seconds = record.seconds[piece] - record.seconds[piece.start]
        steps = int(seconds[-1] / step + EXACT * record.step / step)
        if steps < 1:
            continue
        at = np.minimum(step * np.arange(steps + 1), seconds[-1])
        states = _on_lines(at, seconds, record.states[piece])
        held = record.controls[piece][:-1] * np.diff(seconds)[:, None]
        impulse = np.concatenate([np.zeros((1, held.shape[1])), np.cumsum(held, axis=0)])
        yield states, np.diff(_on_lines(at, seconds, impulse), axis=0) / np.diff(at)[:, None]


def _on_lines(at: FloatArray, seconds: FloatArray, values: FloatArray) -> FloatArray:
    lines = [np.interp(at, seconds, column) for column in values.T]
    return np.stack(lines, axis=1) if lines else np.empty((len(at), 0))


def _spread(transitions: Transitions, most: int | None) -> Transitions:
    """At most so many transitions, evenly spread."""
    if most is None or len(transitions.inputs) <= most:
        return transitions
    rows = np.linspace(0, len(transitions.inputs) - 1, most).round().astype(int)
    return Transitions(transitions.inputs[rows], transitions.outputs[rows])
