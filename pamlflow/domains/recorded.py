"""The domain of tasks in a user's logs: a table of runs, a log of each, and the columns that matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from pamlflow.domains.base import Transitions
from pamlflow.domains.content import digest
from pamlflow.domains.frames.columns import named_column
from pamlflow.domains.frames.files import LogError, LogFile
from pamlflow.domains.frames.record import record_of
from pamlflow.domains.frames.runs import RecordedOptions, Run, descriptors_of, table_of
from pamlflow.domains.frames.together import Summary, require_alike
from pamlflow.domains.frames.transitions import record_transitions
from pamlflow.settings import SettingError
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

NAMED = 5
"""Largest number of runs named in a message."""

DEFAULTS = RecordedOptions()


class _Reading(NamedTuple):
    """What was read of each run, in the order of the table."""

    transitions: list[Transitions]
    descriptors: FloatArray


@dataclass(frozen=True)
class Recorded:
    """The tasks in a user's logs.

    What is wrong with them is told when they are read, as SettingError with the option in question.
    """

    options: RecordedOptions = DEFAULTS

    @cached_property
    def tasks(self) -> TaskSet:
        """All tasks in the order of the table, the runs of each one after another."""
        transitions, descriptors = self._reading
        different, first, task_of = np.unique(
            descriptors, axis=0, return_index=True, return_inverse=True
        )
        in_order = np.argsort(first)
        runs = [np.flatnonzero(task_of.ravel() == task) for task in in_order]
        every_run = [transitions[run] for rows in runs for run in rows]
        lengths = [sum(len(transitions[run].inputs) for run in rows) for rows in runs]
        return TaskSet(
            inputs=np.concatenate([it.inputs for it in every_run]),
            outputs=np.concatenate([it.outputs for it in every_run]),
            lengths=np.array(lengths),
            descriptors=different[in_order],
            parameters=np.empty((len(lengths), 0)),
            input_variables=self.options.input_variables,
            output_variables=self.options.output_variables,
            descriptor_variables=self.options.descriptor_variables,
            parameter_variables=(),
        )

    @cached_property
    def _reading(self) -> _Reading:
        """Read all runs. Raises SettingError with all those that cannot be used."""
        table, runs = table_of(self.options)
        try:
            descriptors = descriptors_of(table.frame(), self.options)
        except SettingError as error:
            raise SettingError(error.key, f"{table.path}: {error.text}") from error
        found: dict[Run, Transitions] = {}
        summaries: dict[str, Summary] = {}
        problems: list[tuple[Run, SettingError]] = []
        for path in dict.fromkeys(run.path for run in runs):
            own = [run for run in runs if run.path == path]
            try:
                log = LogFile(path)
            except LogError as error:
                problems.append((own[0], SettingError(("file",), str(error))))
                continue
            for run in own:
                try:
                    record = record_of(self._frame(log, run), self.options)
                    found[run] = record_transitions(record, self.options)
                    summaries[str(run)] = Summary.of(record)
                except (LogError, SettingError) as error:
                    key = error.key if isinstance(error, SettingError) else ("file",)
                    text = error.text if isinstance(error, SettingError) else str(error)
                    problems.append((run, SettingError(key, text)))
        _raise(problems, len(runs))
        _require_different(runs)
        require_alike(summaries, self.options)
        return _Reading([found[run] for run in runs], descriptors)

    def _frame(self, log: LogFile, run: Run) -> pd.DataFrame:
        """The rows of a run."""
        frame = log.frame(self.options.columns, run.group)
        if run.episode is None:
            return frame
        assert self.options.episode is not None  # or else runs have no episode
        episodes = named_column(frame, ("episode",), self.options.episode)
        rows: pd.DataFrame = frame.loc[(episodes == run.episode).to_numpy()]
        if not len(rows):
            found = ", ".join(map(str, pd.unique(episodes)[:NAMED]))
            text = (
                f"no row whose '{self.options.episode}' is {run.episode} (there are: {found}, ...)"
            )
            raise SettingError(("episode",), text)
        return rows


def _raise(problems: Sequence[tuple[Run, SettingError]], count: int) -> None:
    """Raise one SettingError that names several runs, if there is a problem."""
    if not problems:
        return
    told = list(_told(problems[:NAMED]))
    more = [f"and {len(problems) - NAMED} more"] * (len(problems) > NAMED)
    head = [] if count == 1 else [f"{len(problems)} of {count} runs cannot be used"]
    keys = {error.key for _, error in problems}
    key = keys.pop() if len(keys) == 1 else ()
    raise SettingError(key, "\n    ".join([*head, *told, *more]))


def _told(problems: Sequence[tuple[Run, SettingError]]) -> Iterator[str]:
    several = len({error.key for _, error in problems}) > 1
    for run, error in problems:
        text = str(error) if several else error.text
        yield text if text.startswith(str(run.path)) else f"{run}: {text}"


def _require_different(runs: Sequence[Run]) -> None:
    """Raise SettingError when two files are copies of one: a test task might be one that is learned from."""
    first: dict[tuple[str, str, str], Run] = {}
    for run in runs:
        other = first.setdefault((digest(run.path), run.group, str(run.episode)), run)
        if other != run:
            text = f"{run} is a copy of {other}, byte by byte: the same run under two names"
            raise SettingError(("runs",), f"{text}; keep one of them")
