"""The folder of a learner: its description in `learner.json`, the initial design, and the recordings."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.pool import Pool
from pamlflow.robot.recorded import TaskFormat
from pamlflow.storage import files, recordings
from pamlflow.storage.recordings import RecordingError
from pamlflow.storage.remedies import LEARNER
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)


def begin(
    folder: Path,
    form: TaskFormat,
    pool: Pool | None,
    initial_tasks: int,
    seed: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Return the descriptors [I, R] of the initial tasks, which are drawn if the folder is new.

    Raises ValueError if the folder was begun with other arguments, and RecordingError when `learner.json`
    cannot be read or written.
    """
    space = form.space
    about: dict[str, Any] = {
        "initial_tasks": initial_tasks,
        "seed": seed,
        "space": {
            variable.name: [low, high, variable.unit]
            for variable, low, high in zip(
                space.variables, space.low.tolist(), space.high.tolist(), strict=True
            )
        },
        "inputs": [[variable.name, variable.unit] for variable in form.inputs],
        "outputs": [[variable.name, variable.unit] for variable in form.outputs],
        **({} if form.time_step is None else {"time_step": form.time_step}),
    }
    if not is_begun(folder):
        if models := sorted(folder.glob("round_*.h5")):
            text = f"{folder}: holds {models[0].name}, but no {LEARNER}: another study's, or a lost file"
            raise ValueError(f"{text}; name another folder, or restore that file from a copy")
        drawn = (
            space.latin_hypercube(initial_tasks, rng)
            if pool is None
            else pool.descriptors[pool.draw(initial_tasks, rng)]
        )
        recordings.write_about(folder, {**about, "design": drawn.tolist()})
    found = recordings.about(folder)
    _compare(folder / LEARNER, found, about)
    return np.array(found["design"], dtype=np.float64)


def is_begun(folder: Path) -> bool:
    """Return whether the folder has a `learner.json`."""
    return (folder / LEARNER).exists()


def load(folder: Path, form: TaskFormat) -> list[TaskSet]:
    """Return the recorded tasks in order, and recover recordings from interrupted writes.

    A whole recording without its final name becomes the task it was written for, if that is the next one.
    Other recordings of interrupted writes, and a last recording that was cut short, are kept aside. No
    recording is lost, and each step is logged. Raises RecordingError if another recording is damaged, missing
    or not a task of the robot.
    """
    tasks: list[TaskSet] = []
    while (path := _next(folder, form, tasks)).exists():
        tasks.append(form.task(recordings.read(path), path, tasks))
    recordings.paths(folder)  # raises an error that names a gap
    for left in recordings.interrupted(folder):
        _put_away(left)
    return tasks


def _compare(path: Path, found: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Raise ValueError if the folder was begun with other arguments."""
    for name, value in about.items():
        # The order of the variables matters, and mappings do not compare it.
        was, now = json.dumps(found.get(name)), json.dumps(value)
        if was != now:
            raise ValueError(
                f"{path}: `{name}` was {was} when the folder was begun, and is {now} now; give "
                "what it was, or another folder"
            )


def _next(folder: Path, form: TaskFormat, tasks: Sequence[TaskSet]) -> Path:
    """Return the file of the task after `tasks`, and recover it first from an interrupted write."""
    path = recordings.path_of(folder, len(tasks))
    cut = recordings.is_cut_short(path)
    if path.exists() and not cut:
        return path
    whole = None
    for left in recordings.interrupted(folder):
        if files.meant_for(left) == path and _fits(left, form, tasks):
            whole = left
    if cut and (whole is not None or recordings.paths(folder)[-1] == path):
        aside = recordings.move_aside(path)
        logger.warning("%s: cut short when it was written; it is kept in %s", path, aside)
    if whole is not None:
        files.claim_name(whole, path)
        logger.warning("%s: recovered whole from an interrupted write", path)
    return path


def _fits(left: Path, form: TaskFormat, tasks: Sequence[TaskSet]) -> bool:
    """Return whether `left` is a whole recording that can follow `tasks`."""
    try:
        form.task(recordings.read(left), left, tasks)
    except RecordingError:
        return False
    return True


def _put_away(left: Path) -> None:
    """Keep a whole recording aside; leave a file that somebody may still be writing."""
    target = files.meant_for(left)
    try:
        recordings.read(left)
        if target.exists() and target.read_bytes() == left.read_bytes():
            left.unlink()  # a second copy of the named recording
            return
        aside = recordings.move_aside(left)
    except RecordingError as error:
        text = "the rest of an interrupted write, which was not acknowledged; it is left as it is"
        logger.warning("%s: %s (%s)", left, text, error.problem)
    else:
        text = (
            "a whole recording from an interrupted write; `tell` it if it counts: it is kept in %s"
        )
        logger.warning("%s: " + text, left, aside)
