"""The grid of panels for learning curves and comparisons: metrics as rows, over the tasks added."""

from collections.abc import Callable, Mapping
from math import ceil

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pamlflow.names import ORACLE
from pamlflow.plotting.style import add_title_and_legend, protocol_title, strategy_name, theme


def by_protocol(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return columns for `panels`: the rows of a tidy table for each protocol, by heading."""
    return {
        protocol_title(name): table[table["protocol"] == name]
        for name in table["protocol"].unique()
    }


def panels(
    columns: Mapping[str, pd.DataFrame],
    labels: Mapping[str, str],
    draw: Callable[[Axes, pd.DataFrame, str], None],
    title: str,
    in_a_row: int | None = None,
) -> Figure:
    """Draw a panel for each metric (rows) and each table (columns), with a common legend, the oracle last.

    Args:
        columns: tidy tables by heading.
        labels: labels of the vertical axes by metric.
        draw: `draw(axis, table, metric)` draws one panel.
        title: the title of the figure.
        in_a_row: the largest number of columns; further ones stand below.
    """
    width = min(len(columns), in_a_row or len(columns))
    rows = len(labels) * ceil(len(columns) / width)
    with theme():
        figure = Figure(figsize=(1.5 + 3.6 * width, 2.2 + 2.3 * rows), layout="constrained")
        axes = figure.subplots(rows, width, sharex=True, squeeze=False)
        for index, (heading, table) in enumerate(columns.items()):
            block, place = divmod(index, width)
            column = axes[len(labels) * block :, place][: len(labels)]
            for axis, (metric, label) in zip(column, labels.items(), strict=True):
                draw(axis, table, metric)
                axis.set_ylabel(label if place == 0 else "")
                axis.set_xlabel("")
                axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            column[0].set_title(heading)
            column[-1].set_xlabel("tasks added", visible=True)  # also where others stand below
            column[-1].tick_params(labelbottom=True)
        for axis in axes[-len(labels) :, 1 + (len(columns) - 1) % width :].flat:
            axis.remove()
        handles = {
            label: handle
            for axis in figure.axes
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
        }
        oracle_last = sorted(handles, key=lambda label: label == strategy_name(ORACLE))
        add_title_and_legend(figure, title, [handles[label] for label in oracle_last])
    return figure
