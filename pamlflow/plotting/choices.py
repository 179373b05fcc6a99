"""Figures of the tasks that strategies chose: their descriptors, and the shares of values."""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from pamlflow.plotting.numbering import number_points
from pamlflow.plotting.style import (
    INITIAL_COLOR,
    StrategyStyle,
    add_title_and_legend,
    strategy_name,
    strategy_styles,
    theme,
    variable_label,
)
from pamlflow.tasks import Variable

Limits = Mapping[str, tuple[float, float]]

ROUND = Variable("round", "1")
MAX_PAIRS = 3
BINS = 10
MARGIN = 0.07  # of the box, on each side
NEUTRAL = "0.45"
FAINT = 0.4  # opacity of points in the background


def choices(
    table: pd.DataFrame, descriptors: Sequence[Variable], limits: Limits, title: str
) -> Figure:
    """Draw the tasks that each strategy (columns) chose in the box of descriptors, the first trial numbered.

    A single descriptor is drawn against the round; of more than two, each of the first three pairs has a row.

    Args:
        table: a row for each task, with the columns `strategy`, `trial`, `round` (0 for initial tasks) and one
            for each descriptor.
        descriptors: the variables to draw.
        limits: the box.
        title: the title of the figure.
    """
    strategies = list(table["strategy"].unique())
    styles = strategy_styles(strategies)
    all_pairs = list(combinations(descriptors, 2)) or [(ROUND, descriptors[0])]
    pairs = all_pairs[:MAX_PAIRS]
    if len(pairs) < len(all_pairs):
        title += f"\nthe first {len(pairs)} of {len(all_pairs)} pairs of descriptors"
    limits = {ROUND.name: (0.0, float(table["round"].max())), **limits}
    with theme():
        figure, axes = _grid(len(pairs), len(strategies), height=1.7 + 3.0 * len(pairs))
        for row, (x, y) in zip(axes, pairs, strict=True):
            for axis, strategy in zip(row, strategies, strict=True):
                _draw_choices(
                    axis, table[table["strategy"] == strategy], x.name, y.name, styles[strategy]
                )
                _draw_box(axis, limits[x.name], limits[y.name])
                axis.set_xlabel(variable_label(x))
                if x is ROUND:
                    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            row[0].set_ylabel(variable_label(y))
        for axis, strategy in zip(axes[0], strategies, strict=True):
            axis.set_title(strategy_name(strategy))
        add_title_and_legend(figure, title, _choice_handles(table, numbered=len(descriptors) > 1))
        if len(descriptors) > 1:
            figure.draw_without_rendering()
            for row, (x, y) in zip(axes, pairs, strict=True):
                for axis, strategy in zip(row, strategies, strict=True):
                    initial, chosen, _ = _split(table[table["strategy"] == strategy])
                    names = [x.name, y.name]
                    number_points(axis, chosen[names].to_numpy(), initial[names].to_numpy())
    return figure


def chosen_values(
    table: pd.DataFrame,
    variables: Sequence[Variable],
    limits: Limits,
    title: str,
    hidden: Collection[str] = (),
) -> Figure:
    """Draw histograms of the chosen tasks, a row per variable and a column per strategy.

    `table` is as for `choices`, with a column for each of the `variables`. All trials and rounds are counted
    together, without the initial tasks. Variables named in `hidden` are labelled as hidden.
    """
    strategies = list(table["strategy"].unique())
    styles = strategy_styles(strategies)
    chosen = table[table["round"] > 0]
    with theme():
        figure, axes = _grid(len(variables), len(strategies), height=1.5 + 2.2 * len(variables))
        for row, variable in zip(axes, variables, strict=True):
            edges = np.linspace(*limits[variable.name], BINS + 1)
            for axis, strategy in zip(row, strategies, strict=True):
                values = chosen.loc[chosen["strategy"] == strategy, variable.name].to_numpy()
                share = np.full(len(values), 1.0 / len(values))
                color = styles[strategy].color
                axis.hist(values, edges, weights=share, color=color, edgecolor="white")
                axis.axhline(1.0 / BINS, color="black", linestyle="--")
                axis.axvline(values.mean(), color="black", linewidth=2)
                axis.grid(visible=False, axis="x")
                axis.xaxis.set_major_locator(MaxNLocator(5))
                axis.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
                suffix = ", hidden" if variable.name in hidden else ""
                axis.set_xlabel(variable_label(variable) + suffix)
            row[0].set_ylabel("share of\nchosen tasks")
        for axis, strategy in zip(axes[0], strategies, strict=True):
            axis.set_title(strategy_name(strategy))
        handles = [
            Line2D([], [], color="black", linewidth=2, label="mean over rounds and trials"),
            Line2D([], [], color="black", linestyle="--", label="uniform over the box"),
        ]
        add_title_and_legend(figure, title, handles)
    return figure


def _split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the initial and the chosen tasks of the first trial, and the chosen tasks of the other trials."""
    first = table["trial"] == table["trial"].iloc[0]
    chosen = table["round"] > 0
    return table[first & ~chosen], table[first & chosen], table[~first & chosen]


def _grid(rows: int, columns: int, height: float) -> tuple[Figure, Any]:
    """A figure of a `height` in inches, and its panels [rows, columns], which share the axes of a row."""
    figure = Figure(figsize=(1.0 + 3.2 * columns, height), layout="constrained")
    return figure, figure.subplots(rows, columns, sharex="row", sharey="row", squeeze=False)


def _draw_choices(axis: Axes, table: pd.DataFrame, x: str, y: str, style: StrategyStyle) -> None:
    initial, chosen, others = _split(table)
    look: dict[str, Any] = {"color": style.color, "marker": style.marker, "linestyle": ""}
    axis.plot(others[x], others[y], **look, markersize=5, alpha=FAINT, markeredgewidth=0)
    axis.plot(initial[x], initial[y], "o", color=INITIAL_COLOR, markersize=5)
    axis.plot(chosen[x], chosen[y], **look, markersize=7, markeredgecolor="white")


def _draw_box(axis: Axes, x: tuple[float, float], y: tuple[float, float]) -> None:
    width, height = x[1] - x[0], y[1] - y[0]
    axis.add_patch(Rectangle((x[0], y[0]), width, height, fill=False, edgecolor=NEUTRAL, zorder=1))
    axis.set_xlim(x[0] - MARGIN * width, x[1] + MARGIN * width)
    axis.set_ylim(y[0] - MARGIN * height, y[1] + MARGIN * height)


def _choice_handles(table: pd.DataFrame, *, numbered: bool) -> list[Line2D]:
    look: dict[str, Any] = {"marker": "o", "linestyle": ""}
    initial = "initial tasks of trial 00"
    chosen = "chosen in trial 00" + ", numbered in order" * numbered
    handles = [
        Line2D([], [], **look, color=INITIAL_COLOR, markersize=5, label=initial),
        Line2D([], [], **look, color=NEUTRAL, markersize=7, label=chosen),
    ]
    if table["trial"].nunique() > 1:
        look |= {"color": NEUTRAL, "alpha": FAINT, "markersize": 5, "markeredgewidth": 0}
        handles.append(Line2D([], [], **look, label="chosen in other trials"))
    return handles
