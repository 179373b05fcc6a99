"""Learning curves: the error on the test tasks against the tasks added."""

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pamlflow.names import ORACLE
from pamlflow.plotting.panels import by_protocol, panels
from pamlflow.plotting.style import (
    METRICS,
    ORACLE_COLOR,
    TRIVIAL_COLOR,
    TRIVIAL_NAME,
    StrategyStyle,
    add_note,
    experiment_name,
    protocol_title,
    strategy_name,
    strategy_styles,
)
from pamlflow.types import FloatArray

EXPERIMENTS_IN_A_ROW = 3
LETTERS_OF_A_NOTE = 44  # within a panel
LETTERS_OF_A_LABEL = 20  # beside panels of an overview, which are low
EXTREME = 3.0  # end of the axis above the upper quartile of the means, over quartile minus minimum


def learning_curves(table: pd.DataFrame) -> Figure:
    """Draw each metric (rows) under each protocol (columns) against the tasks added.

    Lines are means over trials, and bands one standard error; the oracle, which adds no tasks, is a horizontal
    line. If a few means are far above all others, the axis ends below them. The score of predicting the mean is
    a dotted line, if it is within the axis, and a note names the strategies that end above it. `table` has the
    columns of the schema `summary`, for one experiment.
    """
    experiment = experiment_name(table["experiment"].iloc[0])
    trials = table["trial"].nunique()
    spread = f"mean and standard error of {trials} trials" if trials > 1 else "one trial"
    title = f"{experiment}: error on the test tasks\n{spread}; lower is better"
    styles = strategy_styles(table["strategy"].unique())
    return panels(by_protocol(table), METRICS, partial(_draw_panel, styles=styles), title)


def overview(table: pd.DataFrame, protocol: str) -> Figure:
    """Draw the learning curves of several experiments (columns) under one protocol, NLL above RMSE.

    Lines, bands and notes are those of `learning_curves`. `table` has the columns of the schema `summary`.
    Raises ValueError when the protocol was not scored.
    """
    scores = table[table["protocol"] == protocol]
    if scores.empty:
        known = ", ".join(table["protocol"].unique())
        raise ValueError(f"no scores under the protocol '{protocol}'; there are: {known}")
    styles = strategy_styles(scores["strategy"].unique())
    columns = {}
    for experiment in scores["experiment"].unique():
        rows = scores[scores["experiment"] == experiment]
        trials = rows["trial"].nunique()
        columns[f"{experiment_name(experiment)}\n{trials} trial{'s' * (trials > 1)}"] = rows
    labels = {metric: textwrap.fill(label, LETTERS_OF_A_LABEL) for metric, label in METRICS.items()}
    knowledge = protocol_title(protocol).replace("\n", " ")
    title = f"Error on the test tasks, {knowledge}\nmean and standard error; lower is better"
    return panels(columns, labels, partial(_draw_panel, styles=styles), title, EXPERIMENTS_IN_A_ROW)


def _draw_panel(
    axis: Axes, table: pd.DataFrame, metric: str, styles: Mapping[str, StrategyStyle]
) -> None:
    """Draw the curves of one metric under one protocol, with labels for the common legend."""
    panel = table[table["metric"] == metric]
    curves = panel[panel["strategy"] != ORACLE]
    if len(curves):
        seaborn.lineplot(
            curves.assign(strategy=curves["strategy"].map(strategy_name)),
            x="round",
            y="value",
            hue="strategy",
            style="strategy",
            palette={strategy_name(name): style.color for name, style in styles.items()},
            markers={strategy_name(name): style.marker for name, style in styles.items()},
            dashes={strategy_name(name): style.dashes for name, style in styles.items()},
            markersize=7,
            errorbar="se",
            ax=axis,
        )
        axis.legend().remove()  # one legend serves all panels
    oracle = panel.loc[panel["strategy"] == ORACLE, "value"].to_numpy(dtype=float)
    if oracle.size:
        axis.axhline(oracle.mean(), color=ORACLE_COLOR, label=strategy_name(ORACLE))
    if oracle.size > 1:
        error = oracle.std(ddof=1) / np.sqrt(oracle.size)
        band = (oracle.mean() - error, oracle.mean() + error)
        axis.axhspan(*band, color=ORACLE_COLOR, alpha=0.2, linewidth=0)
    means = panel.groupby(["strategy", "round"])["value"].mean()
    _cut_off_extremes(axis, means.to_numpy())
    trivial = table.loc[table["metric"] == f"trivial_{metric}", "value"].to_numpy(dtype=float)
    if trivial.size:
        last = means.groupby("strategy").last()
        _draw_trivial(
            axis,
            trivial.mean(),
            [name for name in styles if last.get(name, -np.inf) > trivial.mean()],
        )


def _draw_trivial(axis: Axes, value: float, worse: Sequence[str]) -> None:
    """Draw the score of predicting the mean if it is within the axis, and name the strategies `worse`."""
    low, high = axis.get_ylim()
    if low <= value <= high:
        axis.set_ylim(low, high)  # the line does not move the limits
        axis.axhline(value, color=TRIVIAL_COLOR, linestyle=":", label=TRIVIAL_NAME)
    if worse:
        names = ", ".join(map(strategy_name, worse))
        text = f"worse than predicting the mean ({value:.3g}): {names}"
        add_note(axis, 0.03, 0.03, textwrap.fill(text, LETTERS_OF_A_NOTE))


def _cut_off_extremes(axis: Axes, means: FloatArray) -> None:
    """End the axis below extreme means that would fill more than half of it, with a note of the largest."""
    low, quartile = np.percentile(means, [0.0, 75.0])
    top = quartile + EXTREME * (quartile - low)
    if not 0.0 < top - low < means.max() - top:
        return
    bottom = max(axis.dataLim.y0, low - 0.5 * (top - low))
    axis.set_ylim(bottom - 0.05 * (top - bottom), top)
    add_note(axis, 0.97, 0.95, f"cut off: means up to {means.max():.3g}")
