"""The grid that learning curves and their comparison share: metrics by protocols, over the tasks added."""

from collections.abc import Callable, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pamlflow.plotting.style import add_title_and_legend, protocol_title, theme


def panels(
    table: pd.DataFrame,
    labels: Mapping[str, str],
    draw: Callable[[Axes, pd.DataFrame], None],
    title: str,
) -> Figure:
    """Draw a panel for each metric of `labels` (rows) and each protocol (columns) of a tidy table.

    `draw` gets the panel's axes and its rows of the table. The legend is that of the first panel.
    """
    protocols = list(table["protocol"].unique())
    with theme():
        figure = Figure(figsize=(1.5 + 3.6 * len(protocols), 6.8), layout="constrained")
        axes = figure.subplots(len(labels), len(protocols), sharex=True, squeeze=False)
        for row, (metric, label) in enumerate(labels.items()):
            for column, protocol in enumerate(protocols):
                axis = axes[row, column]
                draw(axis, table[(table["metric"] == metric) & (table["protocol"] == protocol)])
                axis.set_ylabel(label if column == 0 else "")
                axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        for axis, protocol in zip(axes[0], protocols, strict=True):
            axis.set_title(protocol_title(protocol))
        for axis in axes[-1]:
            axis.set_xlabel("tasks added")
        handles, _ = axes[0, 0].get_legend_handles_labels()
        add_title_and_legend(figure, title, handles)
    return figure
