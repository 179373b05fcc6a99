"""Figure of the paired comparison of an experiment's strategies."""

from itertools import cycle, islice

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pamlflow.plotting import DASHES, MARKERS, METRICS, protocol_title, strategy_name
from pamlflow.statistics import CONFIDENCE, DIFFERENCE, MIN_TRIALS


def comparison(table: pd.DataFrame) -> Figure:
    """Draw subject minus baseline in each metric (rows) under each protocol (columns) against the tasks added.

    Lines are means over paired trials, bands their intervals. `table` has the columns of
    comparison.csv, of one experiment.
    """
    table = table[table["quantity"] == DIFFERENCE]
    protocols = list(table["protocol"].unique())
    subject = strategy_name(table["subject"].iloc[0])
    with seaborn.axes_style("whitegrid"), seaborn.plotting_context("notebook", font_scale=0.9):
        figure = Figure(figsize=(1.5 + 3.6 * len(protocols), 6.8), layout="constrained")
        axes = figure.subplots(len(METRICS), len(protocols), sharex=True, squeeze=False)
        for row, (metric, label) in enumerate(METRICS.items()):
            for column, protocol in enumerate(protocols):
                panel = table[(table["metric"] == metric) & (table["protocol"] == protocol)]
                _draw_panel(axes[row, column], panel, subject)
                difference = label.replace("\n", " difference\n")
                axes[row, column].set_ylabel(difference if column == 0 else "")
        for axis, protocol in zip(axes[0], protocols, strict=True):
            axis.set_title(protocol_title(protocol))
        for axis in axes[-1]:
            axis.set_xlabel("tasks added")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        columns = min(len(labels), 2 * len(protocols))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
        figure.suptitle(_title(table, subject))
    return figure


def _draw_panel(axis: Axes, panel: pd.DataFrame, subject: str) -> None:
    """Draw the differences in one metric under one protocol, and say what their sign means."""
    baselines = list(panel["baseline"].unique())
    count = len(baselines)
    # The subject comes first in the learning curves: its colour, marker and dashes stay its own.
    styles = zip(
        baselines,
        seaborn.color_palette("colorblind", count + 1)[1:],
        islice(cycle(MARKERS), 1, count + 1),
        islice(cycle(DASHES), 1, count + 1),
        strict=True,
    )
    axis.axhline(0.0, color="0.2", linewidth=1.2)
    for baseline, color, marker, dashes in styles:
        rows = panel[panel["baseline"] == baseline]
        axis.plot(
            rows["round"],
            rows["estimate"],
            color=color,
            marker=marker,
            markersize=7,
            markeredgecolor="white",
            linestyle=(0, dashes) if dashes else "-",
            label=f"minus {strategy_name(baseline)}",
        )
        axis.fill_between(
            rows["round"], rows["low"], rows["high"], color=color, alpha=0.2, linewidth=0
        )
    axis.margins(y=0.18)  # room for the two texts
    for height, better in ((0.03, subject), (0.97, "the other strategy")):
        axis.text(
            0.03,
            height,
            f"{better} is better",
            transform=axis.transAxes,
            verticalalignment="bottom" if height < 0.5 else "top",
            color="0.35",
            fontsize="small",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # hides the grid
        )
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _title(table: pd.DataFrame, subject: str) -> str:
    experiment = table["experiment"].iloc[0].replace("_", " ")
    trials = int(table["trials"].iloc[0])
    count = f"mean of {trials} paired trials" if trials > 1 else "one paired trial"
    interval = (
        f"and its {CONFIDENCE:.0%} interval" if trials >= MIN_TRIALS else "(too few for intervals)"
    )
    return f"{experiment}: {subject} minus each baseline\n{count} {interval}"
