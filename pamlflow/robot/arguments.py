"""Checks of the arguments of a learner, before the robot runs: nothing should fail after the first tasks."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.acquisition import STRATEGIES, Selection, Situation, Strategy, strategy_of
from pamlflow.domains.frames.form import LogFormat
from pamlflow.models import DEFAULT_KIND, Trainer, kind_of
from pamlflow.pool import Pool
from pamlflow.robot.recorded import TaskFormat
from pamlflow.settings import Settings
from pamlflow.spaces import Box
from pamlflow.tasks import Variable, columns_of, with_units
from pamlflow.types import FloatArray

MOST_INITIAL_TASKS = 1000
"""Each initial task is a run of the robot, and the design computes the distances of all pairs."""

MOST_SEED = 2**63 - 1
"""The largest integer in a file."""


def checked_folder(folder: str | Path) -> Path:
    """Return the absolute path of a folder, with `~` for the home.

    Raises TypeError or ValueError if it is not the path of a folder.
    """
    if not isinstance(folder, str | os.PathLike) or isinstance(path := os.fspath(folder), bytes):
        raise TypeError(f"folder: expected the path of a folder, found {folder!r}")
    if not path or "\0" in path:
        raise ValueError(f"folder: expected the path of a folder, found {path!r}")
    try:
        found = Path(path).expanduser().absolute()
    except RuntimeError as error:  # the home of an unknown user
        raise ValueError(f"folder: {path!r}: {error}; write the whole path") from error
    if found.exists() and not found.is_dir():
        raise ValueError(f"folder: expected a folder, found a file at {found}; name another")
    return found


def checked_variables(name: str, variables: Sequence[Variable]) -> tuple[Variable, ...]:
    """Return variables as a tuple. Raises TypeError or ValueError unless names are different texts."""
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


def checked_format(
    space: Box,
    inputs: Sequence[Variable] | None,
    outputs: Sequence[Variable] | None,
    log: LogFormat | None,
) -> TaskFormat:
    """Return the format of recordings: the variables that are given, or those of a log.

    Raises TypeError or ValueError unless one of the two is given, and makes sense.
    """
    box = checked_box(space)
    named = {"input_variables": inputs, "output_variables": outputs}
    given = " and ".join(f"`{name}`" for name, it in named.items() if it is not None)
    if log is None:
        if inputs is None or outputs is None:
            text = "expected `input_variables` and `output_variables`, or `log`"
            raise TypeError(f"{text}, found {given or 'none of them'}")
        return TaskFormat(
            box,
            checked_variables("input_variables", inputs),
            checked_variables("output_variables", outputs),
        )
    if not isinstance(log, LogFormat):
        raise TypeError(f"log: expected a pamlflow.LogFormat, found {log!r}")
    if given:
        raise TypeError(f"log: variables are those of its columns; leave out {given}")
    try:
        log.require_complete()
    except ValueError as error:
        raise ValueError(f"log.{error}") from error
    if log.time_step is None:
        text = (
            "missing, expected the length of a transition in s, which all tasks of a learner share"
        )
        raise ValueError(f"log.time_step: {text}")
    return TaskFormat(box, log.input_variables, log.output_variables, log.time_step)


def checked_box(space: Box) -> Box:
    """Return the box. Raises TypeError or ValueError unless it has variables and finite widths."""
    if not isinstance(space, Box):
        raise TypeError(f"space: expected a pamlflow.Box, found {space!r}")
    checked_variables("space", space.variables)
    with np.errstate(over="ignore"):
        wide = ~np.isfinite(space.high - space.low)
    if wide.any():
        name = space.variables[int(np.argmax(wide))].name
        raise ValueError(f"space: expected a finite width of '{name}', found more than 1e308")
    return space


def checked_trainer(
    kind: str,
    model: Settings | None,
    training: Settings | None,
    dimensions: int,
    strategy: Strategy,
) -> Trainer:
    """What trains models of the kind of this name, for a box of so many dimensions and this strategy."""
    found = kind_of({"kind": kind})
    if "latent" in strategy.needs and not found.latent:
        text = f"strategy: {strategy.name} needs a latent variable, and a model of the kind {kind}"
        raise ValueError(f"{text} has none; choose another strategy or another kind")
    settings = _checked_settings("model", model, found.settings).for_tasks(dimensions)
    schedule = _checked_settings("training", training, found.training)
    return Trainer(found, settings, schedule, None if kind == DEFAULT_KIND else kind)


def _checked_settings(name: str, given: Settings | None, kind: type[Settings]) -> Settings:
    """Return the settings, or the defaults of their class. Raises TypeError for another class."""
    if given is None:
        return kind()
    if not isinstance(given, kind):
        raise TypeError(f"{name}: expected {kind.__module__}.{kind.__name__}(...), found {given!r}")
    return given


def checked_strategy(strategy: str | Strategy | Callable[[Situation], Selection]) -> Strategy:
    """Return the strategy, given by itself, by name, or as a function of a situation.

    Raises TypeError or ValueError if it is none of these, or needs a design.
    """
    if isinstance(strategy, str):
        strategy = strategy_of(strategy)
    elif not isinstance(strategy, Strategy):
        strategy = Strategy(getattr(strategy, "__name__", "own"), _checked_function(strategy))
    if "design" in strategy.needs:
        text = f"{strategy.name}: a learner has no design besides its initial tasks"
        raise ValueError(f"{text}; raise `initial_tasks` instead")
    return strategy


def checked_options(strategy: Strategy, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return all settings of the strategy. Raises ValueError for an unknown or invalid one."""
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"options: expected a mapping of settings, found {options!r}")
    try:
        return strategy.settings.from_config(options or {}).to_config()
    except ValueError as error:
        raise ValueError(f"options.{error}") from error


def _checked_function(function: Any) -> Callable[[Situation, Any], Selection]:
    """Return a function of a situation as a function of a situation and settings."""
    expected = "strategy: expected a function of the situation"
    if not callable(function) or inspect.isclass(function):
        text = f"{expected}, or one of {', '.join(STRATEGIES)}"
        raise TypeError(f"{text}, found {function!r}")
    if any(of(function) for of in (inspect.iscoroutinefunction, inspect.isgeneratorfunction)):
        raise TypeError(
            f"{expected} that returns a Selection, found {function!r}, a coroutine or generator"
        )
    with contextlib.suppress(ValueError):  # compiled code need not have a signature
        signature = inspect.signature(function)
        try:
            signature.bind(None)
        except TypeError as error:
            text = f"{expected} alone, found {function!r} with the arguments {signature}"
            raise TypeError(f"{text}: {error}") from error
    return lambda situation, _: function(situation)


def checked_pool(pool: FloatArray, space: Box, initial_tasks: int | None) -> Pool:
    """Return the pool, with the descriptors as parameters. Raises ValueError unless all tasks are in the box.

    `initial_tasks` is the number of tasks that a new folder draws from it.
    """
    rows = columns_of("pool", pool, space.variables)
    width = len(space.variables)
    if rows.ndim != 2 or rows.shape[1] != width:
        names = ", ".join(variable.name for variable in space.variables)
        raise ValueError(f"pool: expected [C, {width}] ({names}), found {list(rows.shape)}")
    fits = space.contains(rows)  # NaN is not inside
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
