"""Runs that are told as data frames or as files: transitions are made of them as of recorded tasks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pamlflow.domains.frames.files import LogError, LogFile
from pamlflow.domains.frames.form import LogFormat
from pamlflow.domains.frames.transitions import frame_transitions
from pamlflow.settings import SettingError
from pamlflow.storage.recordings import RecordingError
from pamlflow.types import FloatArray


def runs_in(told: Any) -> list[Any]:
    """Return the runs of a task that were told: one, or a list of them."""
    return list(told) if isinstance(told, list | tuple) else [told]


def lost_with_the_program(runs: list[Any]) -> dict[str, Any]:
    """Return by name the runs that are in no file."""
    return {f"run_{n}": it for n, it in enumerate(runs) if not isinstance(it, str | os.PathLike)}


def transitions_of(
    runs: list[Any], form: LogFormat | None, where: str
) -> tuple[FloatArray, FloatArray]:
    """Return the inputs [T, Dx] and outputs [T, P] of the runs of a task, one below the other.

    Raises RecordingError when a run cannot be used, or it is not known what columns there are.
    """
    if form is None:
        problem = "no outputs, and it is not known which columns of a log are which"
        remedy = "give outputs, or make the learner with log=pamlflow.LogFormat(...)"
        raise RecordingError(where, problem, remedy)
    if not runs:
        raise RecordingError(where, "expected at least one run, found none", "give one")
    parts = []
    for number, run in enumerate(runs):
        name = f"{where}, run {number}" if len(runs) > 1 else where
        if isinstance(run, str | os.PathLike):
            name += f" ({os.fspath(run)!s})"
        try:
            parts.append(frame_transitions(_frame(run, form), form))
        except (SettingError, LogError) as error:
            raise RecordingError(name, str(error), "correct it") from error
    inputs, outputs = (np.concatenate(part) for part in zip(*parts, strict=True))
    return inputs, outputs


def _frame(run: Any, form: LogFormat) -> pd.DataFrame:
    if isinstance(run, str | os.PathLike):
        return LogFile(Path(os.fsdecode(run)).expanduser()).frame(form.columns)
    if isinstance(run, pd.DataFrame):
        return run
    try:
        if isinstance(run, Mapping):
            return pd.DataFrame(dict(run))
        return pd.DataFrame(run.to_pandas())
    except Exception as error:  # tables of other libraries may raise anything
        text = "expected a data frame, columns by name, or the path of a log, found"
        raise LogError(f"{text} {type(run).__name__} ({error})") from error
