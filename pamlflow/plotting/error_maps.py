"""Figures of the error on each test task over the true parameters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from pamlflow.plotting.style import (
    INITIAL_COLOR,
    METRICS,
    StrategyStyle,
    add_title_and_legend,
    strategy_name,
    strategy_styles,
    theme,
    variable_label,
)
from pamlflow.tasks import Variable

COLORMAP = "viridis"
PERCENTILES = (2.0, 98.0)
LOG_RATIO = 10.0  # of the largest to the smallest RMSE, above which the scale is logarithmic
STRIP = 0.03  # height of the marks of one strategy below the lines, relative to the panel


def error_maps(
    scores: pd.DataFrame,
    trained: Mapping[str, pd.DataFrame],
    variables: Sequence[Variable],
    title: str,
) -> Figure:
    """Draw NLL and RMSE (rows) over the true parameters of the test tasks, and mark training tasks.

    Two parameters on a grid give maps, a column per strategy. Otherwise the figure has lines, a column per
    parameter, averaged over the other parameters.

    Args:
        scores: a row for each strategy, trial and test task, with the columns `strategy`, `nll`,
            `squared_error` and one for each variable.
        trained: for each strategy the training tasks, with a column for each variable and `round` (0 for
            initial tasks).
        variables: the true parameters.
        title: the title of the figure.
    """
    places = scores[[variable.name for variable in variables]].drop_duplicates()
    is_grid = len(places) == places.nunique().prod()
    draw = _draw_maps if len(variables) == 2 and is_grid else _draw_lines
    with theme():
        figure, handles = draw(scores, trained, variables)
        add_title_and_legend(figure, title, handles)
    return figure


def _draw_maps(
    scores: pd.DataFrame, trained: Mapping[str, pd.DataFrame], variables: Sequence[Variable]
) -> tuple[Figure, list[Line2D]]:
    """Draw maps; return the figure and the handles of its legend."""
    x, y = variables
    strategies = list(scores["strategy"].unique())
    figure = Figure(figsize=(1.8 + 2.9 * len(strategies), 6.9), layout="constrained")
    axes = figure.subplots(len(METRICS), len(strategies), sharex=True, sharey=True, squeeze=False)
    for row, (metric, label) in zip(axes, METRICS.items(), strict=True):
        errors = _errors(scores, metric, ["strategy", y.name, x.name])
        norm, extend = _norm(errors, metric)
        for axis, strategy in zip(row, strategies, strict=True):
            grid = errors[strategy].unstack()
            look = {"cmap": COLORMAP, "norm": norm, "edgecolors": "face", "linewidths": 0.3}
            axis.pcolormesh(grid.columns, grid.index, grid, shading="nearest", **look)
            axis.grid(visible=False)
            if strategy in trained:
                tasks = trained[strategy]
                for is_chosen, points in tasks.groupby(tasks["round"] > 0):
                    axis.plot(points[x.name], points[y.name], **_mark(chosen=bool(is_chosen)))
        row[0].set_ylabel(variable_label(y))
        ticks, form = (LogLocator(subs=(1, 3)), "%g") if isinstance(norm, LogNorm) else (None, None)
        place = {"ax": row, "pad": 0.01, "aspect": 14, "extend": extend}
        colors = ScalarMappable(norm, COLORMAP)
        bar = figure.colorbar(colors, label=label, ticks=ticks, format=form, **place)
        # Minor ticks would have labels in another notation.
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
    for axis, strategy in zip(axes[0], strategies, strict=True):
        axis.set_title(strategy_name(strategy).replace(" (", "\n("))
    for axis in axes[-1]:
        axis.set_xlabel(variable_label(x))
    initial = Line2D([], [], **_mark(chosen=False), label="initial tasks of trial 00")
    chosen = Line2D([], [], **_mark(chosen=True), label="chosen in trial 00")
    return figure, [initial, chosen] if trained else []


def _draw_lines(
    scores: pd.DataFrame, trained: Mapping[str, pd.DataFrame], variables: Sequence[Variable]
) -> tuple[Figure, list[Line2D]]:
    """Draw lines; return the figure and the handles of its legend."""
    styles = strategy_styles(scores["strategy"].unique())
    figure = Figure(figsize=(2.9 + 3.6 * len(variables), 6.8), layout="constrained")
    axes = figure.subplots(len(METRICS), len(variables), sharex="col", sharey="row", squeeze=False)
    for row, (metric, label) in zip(axes, METRICS.items(), strict=True):
        for axis, variable in zip(row, variables, strict=True):
            errors = _errors(scores, metric, ["strategy", variable.name])
            for index, (strategy, style) in enumerate(styles.items()):
                line = errors[strategy]
                axis.plot(line.index, line, **_line(strategy, style))
                if strategy in trained:
                    chosen = trained[strategy].query("round > 0")[variable.name]
                    height = np.full(len(chosen), STRIP * (index + 1))
                    strip = axis.get_xaxis_transform()
                    axis.plot(chosen, height, "|", color=style.color, transform=strip)
            if metric == "rmse" and errors.max() > LOG_RATIO * errors.min():
                axis.set_yscale("log")
            axis.margins(y=0.05 + STRIP * len(styles))
        row[0].set_ylabel(label)
    for axis, variable in zip(axes[-1], variables, strict=True):
        axis.set_xlabel(variable_label(variable))
    handles = [Line2D([], [], **_line(strategy, style)) for strategy, style in styles.items()]
    if trained:
        label = "chosen in trial 00"
        handles.append(Line2D([], [], color="black", linestyle="", marker="|", label=label))
    return figure, handles


def _line(strategy: str, style: StrategyStyle) -> dict[str, Any]:
    """Return the look of the line of a strategy."""
    look = {"color": style.color, "marker": style.marker, "linestyle": style.linestyle}
    return {**look, "markersize": 6, "label": strategy_name(strategy)}


def _errors(scores: pd.DataFrame, metric: str, by: list[str]) -> pd.Series:
    """Average over all columns that are not in `by`; squared errors are averaged before the root."""
    groups = scores.groupby(by, sort=True)
    return np.sqrt(groups["squared_error"].mean()) if metric == "rmse" else groups["nll"].mean()


def _norm(errors: pd.Series, metric: str) -> tuple[Normalize, str]:
    """Return a colour scale without the extreme percentiles, and the ends at which it is cut off."""
    low, high = np.percentile(errors, PERCENTILES)
    below, above = errors.min() < low, errors.max() > high
    extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above]
    logarithmic = metric == "rmse" and high > LOG_RATIO * low
    return (LogNorm if logarithmic else Normalize)(low, high), extend


def _mark(*, chosen: bool) -> dict[str, Any]:
    """Return the look of a training task on a map: white if chosen, black if initial."""
    face, edge = ("white", INITIAL_COLOR) if chosen else (INITIAL_COLOR, "white")
    look = {"marker": "o", "linestyle": "", "markersize": 5, "markeredgewidth": 0.8}
    return {**look, "color": face, "markeredgecolor": edge}
