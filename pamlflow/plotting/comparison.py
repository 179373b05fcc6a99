"""The figure of the paired comparison of strategies."""

from functools import partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pamlflow.plotting.panels import by_protocol, panels
from pamlflow.plotting.style import (
    METRICS,
    add_note,
    experiment_name,
    strategy_name,
    strategy_styles,
)
from pamlflow.statistics import CONFIDENCE, DIFFERENCE, MIN_TRIALS


def comparison(table: pd.DataFrame) -> Figure:
    """Draw subject minus baseline in each metric (rows) under each protocol (columns) against the tasks added.

    Lines are means over paired trials, and bands their intervals. `table` is the comparison.csv of one
    experiment.
    """
    table = table[table["quantity"] == DIFFERENCE]
    subject = strategy_name(table["subject"].iloc[0])
    labels = {metric: label.replace("\n", " difference\n") for metric, label in METRICS.items()}
    draw = partial(_draw_panel, subject=subject)
    return panels(by_protocol(table), labels, draw, _title(table, subject))


def _draw_panel(axis: Axes, table: pd.DataFrame, metric: str, subject: str) -> None:
    """Draw the differences in one metric under one protocol, with a note on the meaning of their sign."""
    panel = table[table["metric"] == metric]
    axis.axhline(0.0, color="0.2", linewidth=1.2)
    for baseline, style in strategy_styles(panel["baseline"].unique()).items():
        rows = panel[panel["baseline"] == baseline]
        axis.plot(
            rows["round"],
            rows["estimate"],
            color=style.color,
            marker=style.marker,
            markersize=7,
            markeredgecolor="white",
            linestyle=style.linestyle,
            label=f"minus {strategy_name(baseline)}",
        )
        axis.fill_between(
            rows["round"], rows["low"], rows["high"], color=style.color, alpha=0.2, linewidth=0
        )
    axis.margins(y=0.18)  # room for the two texts
    for height, better in ((0.03, subject), (0.97, "the other strategy")):
        add_note(axis, 0.03, height, f"{better} is better")


def _title(table: pd.DataFrame, subject: str) -> str:
    experiment = experiment_name(table["experiment"].iloc[0])
    trials = int(table["trials"].iloc[0])
    count = f"mean of {trials} paired trials" if trials > 1 else "one paired trial"
    interval = (
        f"and its {CONFIDENCE:.0%} interval" if trials >= MIN_TRIALS else "(too few for intervals)"
    )
    return f"{experiment}: {subject} minus each baseline\n{count} {interval}"
