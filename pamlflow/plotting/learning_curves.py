"""Learning curves: the error on the test tasks against the tasks added."""

from functools import partial

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pamlflow.configuration.names import ORACLE
from pamlflow.plotting.panels import panels
from pamlflow.plotting.style import (
    METRICS,
    ORACLE_COLOR,
    experiment_name,
    strategy_name,
    strategy_style,
)


def learning_curves(table: pd.DataFrame) -> Figure:
    """Draw each metric (rows) under each protocol (columns) against the tasks added.

    Lines are means over trials, bands one standard error; the oracle, which adds no tasks, is a
    horizontal line. `table` has the columns of the schema `summary`, of one experiment.
    """
    strategies = [name for name in table["strategy"].unique() if name != ORACLE]
    return panels(table, METRICS, partial(_draw_panel, strategies=strategies), _title(table))


def _draw_panel(axis: Axes, panel: pd.DataFrame, strategies: list[str]) -> None:
    """Draw the curves of one metric under one protocol, with labels for a legend but without it."""
    curves = panel[panel["strategy"] != ORACLE]
    if strategies:
        styles = {strategy_name(strategy): strategy_style(strategy) for strategy in strategies}
        seaborn.lineplot(
            curves.assign(strategy=curves["strategy"].map(strategy_name)),
            x="round",
            y="value",
            hue="strategy",
            style="strategy",
            palette={name: style.color for name, style in styles.items()},
            markers={name: style.marker for name, style in styles.items()},
            dashes={name: style.dashes for name, style in styles.items()},
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


def _title(table: pd.DataFrame) -> str:
    experiment = experiment_name(table["experiment"].iloc[0])
    trials = table["trial"].nunique()
    spread = f"mean and standard error of {trials} trials" if trials > 1 else "one trial"
    return f"{experiment}: error on the test tasks\n{spread}; lower is better"
