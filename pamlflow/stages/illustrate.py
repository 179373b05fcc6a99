"""Figures from the last rounds of an experiment: chosen tasks, latent space, and errors of the models."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from pamlflow import plotting
from pamlflow.plotting import style
from pamlflow.rounds import read_round
from pamlflow.storage import store
from pamlflow.tasks import TaskSet, Variable
from pamlflow.types import FloatArray, IntArray

PROTOCOL = "few_shot_20"


def plot_latent_space(
    *, last_round: Path, experiment: str, strategy: str, svg: Path, png: Path
) -> None:
    """Draw the latent space after the last round of the first trial."""
    number, tasks, model, _ = read_round(last_round)
    if model.latent is None:
        raise ValueError(f"{last_round}: the model has no latent variable to draw")
    name = style.strategy_name(strategy)
    figure = plotting.latent_space(
        model.latent.mean,
        model.latent.variance,
        tasks.parameters,
        tasks.parameter_variables,
        num_chosen=number,
        title=f"{style.experiment_name(experiment)}: latent space of {name}, trial 00",
    )
    plotting.save(figure, svg, png)


def plot_choices(
    *,
    last_rounds: Sequence[Path],
    experiment: str,
    strategies: Sequence[str],
    trials: Sequence[int],
    svg: Path,
    png: Path,
) -> None:
    """Draw the descriptors that each strategy chose; for pictures, the true parameters of the chosen tasks.

    `last_rounds` has a file for each strategy and trial, trials of the first strategy first.
    """
    choices = _read_choices(last_rounds, strategies, trials)
    title = f"{style.experiment_name(experiment)}: tasks chosen"
    if not choices.descriptors:
        title += " by their pictures, at their true parameters"
    variables = choices.descriptors or choices.hidden
    plotting.save(plotting.choices(choices.table, variables, choices.limits, title), svg, png)


def plot_chosen_values(
    *,
    last_rounds: Sequence[Path],
    experiment: str,
    strategies: Sequence[str],
    trials: Sequence[int],
    svg: Path,
    png: Path,
) -> None:
    """Draw histograms of the descriptors and the hidden parameters of the chosen tasks.

    `last_rounds` has a file for each strategy and trial, trials of the first strategy first.
    """
    choices = _read_choices(last_rounds, strategies, trials)
    figure = plotting.chosen_values(
        choices.table,
        (*choices.descriptors, *choices.hidden),
        choices.limits,
        title=f"{style.experiment_name(experiment)}: values of the chosen tasks",
        hidden=_names(choices.hidden),
    )
    plotting.save(figure, svg, png)


def plot_error_maps(
    *,
    metrics: Sequence[Path],
    last_rounds: Sequence[Path],
    test_tasks: Path,
    experiment: str,
    strategies: Sequence[str],
    choosing: Sequence[str],
    trials: Sequence[int],
    svg: Path,
    png: Path,
) -> None:
    """Draw the error on each test task after the last round, averaged over trials.

    `metrics` has a file for each strategy and trial, trials of the first strategy first. `last_rounds` has the
    file of the first trial for each strategy in `choosing`. The scores are those of the protocol few_shot_20,
    or of the first protocol if few_shot_20 was not scored.
    """
    test = TaskSet.from_datasets(store.read(test_tasks, "test_tasks").datasets)
    scores = []
    for (strategy, _), path in zip(product(strategies, trials), metrics, strict=True):
        data = store.read(path, "metrics").datasets
        protocols = data["protocols"].tolist()
        protocol = PROTOCOL if PROTOCOL in protocols else protocols[0]
        last = (-1, protocols.index(protocol))
        errors = {"nll": data["nll"][last], "squared_error": data["squared_error"][last]}
        scores.append(_parameters(test).assign(strategy=strategy, **errors))
    trained = {}
    for strategy, path in zip(choosing, last_rounds, strict=True):
        tasks, rounds = _read_tasks(store.read(path, "round"))
        trained[strategy] = _parameters(tasks).assign(round=rounds)
    spread = f"mean of {len(trials)} trials" if len(trials) > 1 else "one trial"
    knowledge = style.protocol_title(protocol).replace("\n", " ")
    title = f"{style.experiment_name(experiment)}: error on each test task after the last round"
    figure = plotting.error_maps(
        pd.concat(scores),
        trained,
        test.parameter_variables,
        f"{title}\n{knowledge}; {spread}; lower is better",
    )
    plotting.save(figure, svg, png)


class _Choices(NamedTuple):
    """The tasks of all trials as `plotting.choices` takes them.

    `descriptors` is empty for pictures; `hidden` are the parameters that are not descriptors.
    """

    table: pd.DataFrame
    descriptors: tuple[Variable, ...]
    hidden: tuple[Variable, ...]
    limits: dict[str, tuple[float, float]]


def _read_choices(
    last_rounds: Sequence[Path], strategies: Sequence[str], trials: Sequence[int]
) -> _Choices:
    tables = []
    for (strategy, trial), path in zip(product(strategies, trials), last_rounds, strict=True):
        record = store.read(path, "round")
        tasks, rounds = _read_tasks(record)
        seen = () if tasks.has_pictures else tasks.descriptor_variables
        descriptors = dict(zip(_names(seen), tasks.descriptors.T if seen else (), strict=True))
        known = _parameters(tasks).assign(**descriptors)
        tables.append(known.assign(strategy=strategy, trial=trial, round=rounds))
    table = pd.concat(tables, ignore_index=True)
    hidden = tuple(v for v in tasks.parameter_variables if v.name not in descriptors)
    superfluous = record.config.get("descriptors", {}).get("superfluous", {})
    space = {**record.config.get("space", {}), **superfluous}
    limits = {
        name: tuple(space.get(name) or _range(table[name].to_numpy()))
        for name in (*descriptors, *_names(hidden))
    }
    return _Choices(table, seen, hidden, limits)


def _read_tasks(record: store.Record) -> tuple[TaskSet, IntArray]:
    """Return the tasks of a round and the round [N] in which each was chosen, 0 for initial ones."""
    tasks = TaskSet.from_datasets(record.datasets)
    num_initial = tasks.num_tasks - int(record.datasets["round"])
    return tasks, np.maximum(np.arange(tasks.num_tasks) - num_initial + 1, 0)


def _parameters(tasks: TaskSet) -> pd.DataFrame:
    """Return the true parameters as a table with a column per variable."""
    return pd.DataFrame(tasks.parameters, columns=_names(tasks.parameter_variables))


def _names(variables: Sequence[Variable]) -> list[str]:
    return [variable.name for variable in variables]


def _range(values: FloatArray) -> tuple[float, float]:
    """Return the range of `values`, which has a width even if they are all the same."""
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)
