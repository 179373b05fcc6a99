"""What only several logs together show: other rates or scales, a channel that is constant in all of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np

from pamlflow.domains.frames.form import LogFormat
from pamlflow.domains.frames.record import Record
from pamlflow.settings import SettingError
from pamlflow.types import FloatArray
from pamlflow.wording import Key

logger = logging.getLogger(__name__)

SAME_STEP = 0.01
"""Largest difference of steps from row to row that is taken for the same, as a share."""
OTHER_SCALE = 20.0
"""How much wider or narrower a channel of one log spreads than in most, if its unit may be another: rad and deg
differ by 57, m and mm by 1000."""


class Summary(NamedTuple):
    """The step of a log, and the lowest value, the highest value and the spread of each channel [C]."""

    step: float
    low: FloatArray
    high: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, record: Record) -> Self:
        """Return the summary of a record: states first, then controls."""
        values = np.hstack([record.states, record.controls])
        low, high = values.min(axis=0), values.max(axis=0)
        # The standard deviation of a constant may be a rounding error.
        return cls(record.step, low, high, np.where(low == high, 0.0, values.std(axis=0)))


def require_alike(logs: Mapping[str, Summary], form: LogFormat) -> None:
    """Raise SettingError when a channel never changes within a log, or steps differ and none is given.

    A state that is constant in one log alone, or spreads much wider or narrower than in most, is logged.
    """
    steps = {name: it.step for name, it in logs.items()}
    short, long = min(steps, key=steps.__getitem__), max(steps, key=steps.__getitem__)
    if form.time_step is None and steps[long] > (1.0 + SAME_STEP) * steps[short]:
        text = f"rows are {steps[short]:.4g} s apart in {short} and {steps[long]:.4g} s in {long}"
        remedy = "give a step in s that suits all; with `resampling: linear` it need be no multiple"
        raise SettingError(("time_step",), f"{text}; {remedy}")
    low = np.min([it.low for it in logs.values()], axis=0)
    high = np.max([it.high for it in logs.values()], axis=0)
    spreads = np.array([it.spread for it in logs.values()])
    for channel, key in enumerate(_keys(form)):
        if low[channel] == high[channel]:
            text = f"is {low[channel]:g} in all rows of all logs: a sensor that hangs, or another column"
            raise SettingError(key, f"{text}; leave it out")
        if key[0] != "controls" and not spreads[:, channel].any():
            text = "differs from log to log, but never changes within one: it is no state"
            raise SettingError(
                key, f"{text}; leave it out, or write it into the table as a descriptor"
            )
        _warn(list(logs), spreads[:, channel], key)


def _keys(form: LogFormat) -> list[Key]:
    sections = {"states": form.states, "angles": form.angles, "controls": form.controls}
    return [(section, name) for section, names in sections.items() for name in names]


def _warn(names: list[str], spreads: FloatArray, key: Key) -> None:
    moving = spreads > 0.0
    if not moving.any():  # a control may be held throughout each run
        return
    usual = float(np.median(spreads[moving]))
    for name, spread in zip(names, spreads, strict=True):
        if spread == 0.0 and key[0] != "controls":
            logger.warning("%s: '%s' never changes: a sensor that hangs?", name, key[1])
        ratio = spread / usual
        if spread > 0.0 and not 1.0 / OTHER_SCALE < ratio < OTHER_SCALE:
            text = "%s: '%s' spreads %.3g times as much as in most logs: in another unit?"
            logger.warning(text, name, key[1], ratio)
