"""What a learner is given, checked before the robot runs: nothing is to fail after the first tasks."""

from __future__ import annotations

import inspect
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pamlflow import plugins
from pamlflow.acquisition import STRATEGIES, Strategy
from pamlflow.pool import Pool
from pamlflow.robot.arrays import as_numbers, in_order
from pamlflow.spaces import Box
from pamlflow.tasks import Variable, with_units
from pamlflow.types import FloatArray

MOST_INITIAL_TASKS = 1000
"""Each is a run of the robot, and the design looks at the distances of all pairs."""

MOST_SEED = 2**63 - 1
"""The largest integer that a file keeps."""

Settings = TypeVar("Settings")


def checked_folder(folder: str | Path) -> Path:
    """The folder, wherever the process goes, `~` being the home."""
    if not isinstance(folder, str | os.PathLike) or isinstance(path := os.fspath(folder), bytes):
        raise TypeError(f"folder: expected the path of a folder, found {folder!r}")
    if not path or "\0" in path:
        raise ValueError(f"folder: expected the path of a folder, found {path!r}")
    try:
        found = Path(path).expanduser().absolute()
    except RuntimeError as error:  # the home of somebody who is not known
        raise ValueError(f"folder: {path!r}: {error}; write the whole path") from error
    if found.exists() and not found.is_dir():
        raise ValueError(f"folder: expected a folder, found a file at {found}; name another")
    return found


def checked_variables(name: str, variables: Sequence[Variable]) -> tuple[Variable, ...]:
    """One variable at least, each with a name of its own that files can keep."""
    text = 'expected a list of pamlflow.Variable("rate", "rad/s") and the like'
    if isinstance(variables, str) or not isinstance(variables, Sequence):
        raise TypeError(f"{name}: {text}, found {variables!r}")
    for each in variables:
        if not isinstance(each, Variable):
            raise TypeError(f"{name}: {text}, found {each!r} in it")
        for part, given in (("name", each.name), ("unit", each.unit)):
            if not isinstance(given, str):
                raise TypeError(f"{name}: expected text as the {part} of {each}")
            if not given.isprintable() or (part == "name" and not given.strip()):
                raise ValueError(f"{name}: expected text that can be read as the {part} of {each}")
    if not variables:
        raise ValueError(f"{name}: {text}, found an empty one")
    twice = [it for it, count in Counter(each.name for each in variables).items() if count > 1]
    if twice:
        raise ValueError(f"{name}: expected different names, found {', '.join(twice)} again")
    return tuple(variables)


def checked_box(space: Box) -> Box:
    """The box, whose variables are some, and whose widths are numbers."""
    if not isinstance(space, Box):
        raise TypeError(f"space: expected a pamlflow.Box, found {space!r}")
    checked_variables("space", space.variables)
    with np.errstate(over="ignore"):
        wide = ~np.isfinite(space.high - space.low)
    if wide.any():
        name = space.variables[int(np.argmax(wide))].name
        raise ValueError(f"space: expected a finite width of '{name}', found more than 1e308")
    return space


def checked_settings(name: str, given: Settings | None, kind: type[Settings]) -> Settings:
    """The settings of this kind, or its defaults."""
    if given is None:
        return kind()
    if not isinstance(given, kind):
        text = f"expected pamlflow.settings.{kind.__name__}(...)"
        raise TypeError(f"{name}: {text}, found {given!r}")
    return given


def checked_strategy(strategy: str | Strategy) -> Strategy:
    """The strategy, or the one of this name: a function of one argument."""
    found: Any = strategy
    if isinstance(strategy, str):
        found = plugins.load(strategy, STRATEGIES, "strategy")
    if found is STRATEGIES["latin_hypercube"]:
        text = "latin_hypercube: a learner has no design but that of its initial tasks"
        raise ValueError(f"{text}; raise `initial_tasks` instead")
    expected = "strategy: expected a function of the situation"
    if not callable(found) or inspect.isclass(found):
        text = f"{expected}, or one of {', '.join(STRATEGIES)}"
        raise TypeError(f"{text}, found {strategy!r}")
    if any(of(found) for of in (inspect.iscoroutinefunction, inspect.isgeneratorfunction)):
        raise TypeError(f"{expected} that returns a Selection, found {strategy!r}, which waits")
    try:
        signature = inspect.signature(found)
    except ValueError:  # compiled code need not have one
        return found  # type: ignore[no-any-return]
    try:
        signature.bind(None)
    except TypeError as error:
        text = f"{expected} alone, found {strategy!r} with the arguments {signature}"
        raise TypeError(f"{text}: {error}") from error
    return found  # type: ignore[no-any-return]


def checked_pool(pool: FloatArray, space: Box, initial_tasks: int | None) -> Pool:
    """The tasks that exist, of which a new folder draws some; their truth is the descriptor again."""
    rows = as_numbers("pool", in_order("pool", pool, space.variables))
    width = len(space.variables)
    if rows.ndim != 2 or rows.shape[1] != width:
        names = ", ".join(variable.name for variable in space.variables)
        raise ValueError(f"pool: expected [C, {width}] ({names}), found {list(rows.shape)}")
    fits = space.contains(rows)  # nor is what is no number
    if not fits.all():
        row = int(np.argmin(fits))
        text = f"expected tasks inside the box, found {with_units(space.variables, rows[row])}"
        raise ValueError(
            f"pool, row {row}: {text}; leave it out, or begin a folder with a wider box"
        )
    if initial_tasks is not None and len(rows) < initial_tasks:
        text = (
            f"expected at least {initial_tasks} candidates for the initial tasks, found {len(rows)}"
        )
        raise ValueError(f"pool: {text}; enlarge `pool` or lower `initial_tasks`")
    return Pool(rows, rows, space.variables, space.variables)
