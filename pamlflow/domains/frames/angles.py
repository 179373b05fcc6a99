"""Angles in a log: whether their values can be in the unit that is given, and wrap as it is said."""

from __future__ import annotations

import numpy as np

from pamlflow.types import BoolArray, FloatArray, IntArray

TURN = {"rad": 2.0 * np.pi, "deg": 360.0}
"""A whole turn in each unit."""

_MOST_TURNS = 4  # of an angle that wraps: within one turn, or a few if it does not wrap after all
_NEARLY = 0.05  # how far a jump may be from a turn, as a share of one
_UNCERTAIN = 0.75 * np.pi


def angle_problem(
    values: FloatArray, begins: BoolArray, rows: IntArray, unit: str, wraps: bool
) -> str | None:
    """Return what is wrong with an angle [T] of this unit, whose pieces begin at `begins` [T]; None if nothing.

    `rows` [T] are the numbers of the rows in messages.
    """
    largest = float(np.abs(values).max())
    other = "deg" if unit == "rad" else "rad"
    if not wraps:
        at = _jump(values, begins, TURN[unit])
        if at is None:
            return None
        where = f"from row {rows[at - 1]} to row {rows[at]}"
        return f"jumps by a turn {where}, although it is said not to wrap; leave out `wraps: false`"
    if unit == "rad" and largest > _MOST_TURNS * TURN["rad"]:
        return (
            f"values reach {largest:.4g} rad, many turns, which looks like degrees: give the unit `deg`; "
            "if the record counts turns, give `unit: rad` and `wraps: false`"
        )
    at = _jump(values, begins, TURN[other])
    if unit == "deg" and at and largest <= TURN["rad"] * (1.0 + _NEARLY):
        return (
            f"jumps by {abs(values[at] - values[at - 1]):.4g} from row {rows[at - 1]} to row {rows[at]} "
            f"and stays below {largest:.4g}, which looks like radians: give the unit `rad`"
        )
    return None


def hidden_angle(values: FloatArray, begins: BoolArray, rows: IntArray, unit: str) -> str | None:
    """Return that a state [T] in rad or deg jumps by a turn, as an angle that wraps does; None otherwise."""
    at = _jump(values, begins, TURN[unit]) if unit in TURN else None
    if not at:
        return None
    return (
        f"jumps by a turn of {TURN[unit]:.4g} {unit} from row {rows[at - 1]} to row {rows[at]}, as an angle "
        "that wraps does; move it to `angles`"
    )


def uncertain_turn(values: FloatArray, begins: BoolArray) -> str | None:
    """Return a warning if an unwrapped angle [T] in rad moves by nearly half a turn from row to row."""
    steps = np.abs(np.diff(values))[~begins[1:]]
    if not steps.size or steps.max() < _UNCERTAIN:
        return None
    return (
        f"turns by up to {steps.max():.3g} rad from one row to the next, so that its direction is uncertain; "
        "record faster, or cut the run"
    )


def _jump(values: FloatArray, begins: BoolArray, turn: float) -> int | None:
    """The first row within a piece whose value is a turn from that of the row before; None if there is none."""
    steps = np.abs(np.diff(values))
    jumps = (np.abs(steps - turn) <= _NEARLY * turn) & ~begins[1:]
    return int(np.argmax(jumps)) + 1 if jumps.any() else None
