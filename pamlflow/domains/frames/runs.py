"""A table of runs: the log of each, and what is known of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd

from pamlflow.domains.frames.columns import named_column, numeric
from pamlflow.domains.frames.files import LogError, LogFile
from pamlflow.domains.frames.form import (
    Column,
    LogFormat,
    Section,
    columns_of_section,
    require_section,
)
from pamlflow.settings import SettingError
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray
from pamlflow.wording import shown

EMPTIED = ("data", "results", "logs")
"""Folders of the study that hold what can be made again."""


@dataclass(frozen=True)
class RecordedOptions(LogFormat):
    """Where the runs are, what is known of each, and what their logs hold.

    `runs` is a table with a row for each run, in a file of any kind that a log may have; its path is seen from
    the folder of the study. The column `file` names the log of each run, seen from the folder of the table,
    and a column `group` the group of an HDF5 file. If the table has the column `episode` of the logs, a run is
    that episode of its log. `descriptors` are columns of the table with their units. Runs whose descriptors
    are equal are of one task.
    """

    runs: Annotated[str | None, "a file"] = None
    file: Annotated[str, "a column of `runs`"] = "file"
    group: Annotated[str | None, "a column of `runs`"] = None
    descriptors: Section = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the names and descriptors, too."""
        super().__post_init__()
        require_section("descriptors", self.descriptors, "{load: kg}")
        columns_of_section("descriptors", self.descriptors, Column)
        for name in ("runs", "file", "group"):
            found = getattr(self, name)
            if found is not None and (not isinstance(found, str) or not found):
                raise SettingError((name,), f"expected a name, found {shown(found)}")

    def require_complete(self) -> None:
        """Raise SettingError unless it is said where runs are, what is known of them, and what they hold."""
        if not self.runs:
            text = "missing, expected a table with a row for each run, such as logs/runs.csv"
            raise SettingError(("runs",), text)
        if not self.descriptors:
            text = "missing, expected columns of the table and their units, such as {load: kg}"
            raise SettingError(("descriptors",), text)
        super().require_complete()

    def files(self) -> dict[str, Path]:
        """Return the table and the logs that it names, by path; SettingError if the table cannot be read."""
        table, runs = table_of(self)
        return {str(path): path for path in (table.path, *(run.path for run in runs))}

    @property
    def descriptor_columns(self) -> dict[str, Column]:
        """The columns of descriptors in the table, by variable."""
        return columns_of_section("descriptors", self.descriptors, Column)

    @property
    def descriptor_variables(self) -> tuple[Variable, ...]:
        """What is known of each run."""
        return tuple(Variable(name, it.unit) for name, it in self.descriptor_columns.items())


class Run(NamedTuple):
    """A row of the table: the log of a run, and which part of it."""

    path: Path
    group: str = ""
    episode: Any = None

    def __str__(self) -> str:
        """Return the name of the run in messages."""
        group = f":{self.group}" if self.group else ""
        return f"{self.path}{group}" + ("" if self.episode is None else f", episode {self.episode}")


def table_of(options: RecordedOptions) -> tuple[LogFile, list[Run]]:
    """Return the table of runs and its runs; SettingError, naming the table, when it cannot be used."""
    options.require_complete()
    path = Path(str(options.runs)).expanduser()
    _require_kept(path)
    try:
        table = LogFile(path)
        return table, runs_of(table.frame(), path.parent, options)
    except LogError as error:
        raise SettingError(("runs",), str(error)) from error
    except SettingError as error:
        raise SettingError(error.key, f"{path}: {error.text}") from error


def runs_of(table: pd.DataFrame, folder: Path, options: RecordedOptions) -> list[Run]:
    """Return the runs of a table whose files are seen from `folder`.

    Raises SettingError when there are none, a column or a name is missing, or two rows are the same run.
    """
    if not len(table):
        raise SettingError(("runs",), "expected a row for each run, found an empty table")
    files = _texts(table, "file", options.file)
    groups = _texts(table, "group", options.group) if options.group else [""] * len(table)
    episodes: list[Any] = [None] * len(table)
    if options.episode and options.episode in table.columns:
        episodes = table[options.episode].tolist()
    rows = zip(files, groups, episodes, strict=True)
    runs = [Run(folder / name, group, episode) for name, group, episode in rows]
    twice, count = Counter(runs).most_common(1)[0]
    if count > 1:
        lines = [row for row, run in enumerate(runs) if run == twice]
        text = f"rows {lines} are the same run, {twice}"
        remedy = "keep one; tell runs in one file apart by the column of `episode` or of `group`"
        raise SettingError(("runs",), f"{text}; {remedy}")
    return runs


def _require_kept(path: Path) -> None:
    """Raise SettingError for a table in a folder that belongs to the study, which `make clean` empties."""
    absolute = path.absolute()
    for name in EMPTIED:
        if absolute.is_relative_to(Path.cwd() / name):
            text = f"{path}: the folder `{name}` belongs to the study, and `make clean` empties it"
            raise SettingError(
                ("runs",), f"{text}; keep recordings elsewhere, such as in `recordings`"
            )


def descriptors_of(table: pd.DataFrame, options: RecordedOptions) -> FloatArray:
    """Return what is known of each run [N, D].

    Raises SettingError when a column is missing, is not numeric, has no value in a row, or never differs.
    """
    columns = []
    for name, column in options.descriptor_columns.items():
        key, label = ("descriptors", name), column.column or name
        values = numeric(key, named_column(table, key, label, column.unit), label)
        if np.isnan(values).any():
            row = int(np.argmax(np.isnan(values)))
            text = f"row {row} of the table has no value of '{label}'"
            raise SettingError(key, f"{text}; fill it, or leave the run out")
        if len(values) > 1 and np.ptp(values) == 0.0:
            text = f"is {values[0]:g} in all rows of the table, and tells no two tasks apart"
            raise SettingError(key, f"{text}; leave it out")
        columns.append(values)
    return np.stack(columns, axis=1)


def _texts(table: pd.DataFrame, key: str, name: str) -> list[str]:
    """A column of names, none of them empty."""
    series = named_column(table, (key,), name)
    if series.isna().any():
        row = int(np.argmax(series.isna()))
        raise SettingError((key,), f"row {row} of the table has nothing in '{name}'; fill it")
    return [str(each).strip() for each in series]
