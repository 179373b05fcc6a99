"""Figures of the tidy table of an experiment."""

import re
from itertools import cycle, islice
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pamlflow.configuration import ORACLE

METRICS = {
    "nll": "NLL\n(nats per transition)",
    "rmse": "RMSE\n(test-grid standard deviations)",
}
STRATEGY_NAMES = {
    "paml": "PAML",
    "uniform": "Uniform",
    "latin_hypercube": "Latin hypercube",
    ORACLE: "Oracle (trained on the test tasks)",
}
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("", (4, 1.5), (1, 1), (3, 1, 1, 1), (5, 1, 1, 1, 1, 1), (2, 2), (6, 2), (1, 2))
ORACLE_COLOR = "0.35"


def learning_curves(table: pd.DataFrame) -> Figure:
    """Draw each metric (rows) under each protocol (columns) against the tasks added.

    Lines are means over trials, bands one standard error; the oracle, which adds no tasks, is a
    horizontal line. `table` has the columns of the schema `summary`, of one experiment.
    """
    protocols = list(table["protocol"].unique())
    strategies = [name for name in table["strategy"].unique() if name != ORACLE]
    with seaborn.axes_style("whitegrid"), seaborn.plotting_context("notebook", font_scale=0.9):
        figure = Figure(figsize=(1.5 + 3.6 * len(protocols), 6.8), layout="constrained")
        axes = figure.subplots(len(METRICS), len(protocols), sharex=True, squeeze=False)
        for row, (metric, label) in enumerate(METRICS.items()):
            for column, protocol in enumerate(protocols):
                panel = table[(table["metric"] == metric) & (table["protocol"] == protocol)]
                _draw_panel(axes[row, column], panel, strategies)
                axes[row, column].set_ylabel(label if column == 0 else "")
        for axis, protocol in zip(axes[0], protocols, strict=True):
            axis.set_title(protocol_title(protocol))
        for axis in axes[-1]:
            axis.set_xlabel("tasks added")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        columns = min(len(labels), 2 * len(protocols))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
        figure.suptitle(_title(table))
    return figure


def strategy_name(strategy: str) -> str:
    """Return a strategy's name as it stands in a legend."""
    return STRATEGY_NAMES.get(strategy, strategy.replace("_", " "))


def protocol_title(protocol: str) -> str:
    """Say in words what the latent task variable h of a test task is inferred from."""
    few_shot = re.fullmatch(r"few_shot_(\d+)(_descriptor)?", protocol)
    if few_shot is None:
        return {
            "paper": "h from all transitions by the ELBO,\nscored on themselves (the paper's)",
            "full": "h from all transitions,\nscored on themselves",
            "prior": "h from its prior alone",
        }.get(protocol, protocol)
    count = int(few_shot[1])
    if count == 0:
        return "h from the descriptor alone"
    transitions = "1 transition" if count == 1 else f"{count} transitions"
    return f"h from {transitions}" + ("\nand the descriptor" if few_shot[2] else "")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG or PNG, the same bytes for the same figure."""
    metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    with matplotlib.rc_context({"svg.hashsalt": "pamlflow"}):
        figure.savefig(path, dpi=150, metadata=metadata)


def _draw_panel(axis: Axes, panel: pd.DataFrame, strategies: list[str]) -> None:
    """Draw the curves of one metric under one protocol, with labels for a legend but without it."""
    curves = panel[panel["strategy"] != ORACLE]
    if strategies:
        seaborn.lineplot(
            curves.assign(strategy=curves["strategy"].map(strategy_name)),
            x="round",
            y="value",
            hue="strategy",
            style="strategy",
            palette=seaborn.color_palette("colorblind", len(strategies)),
            markers=list(islice(cycle(MARKERS), len(strategies))),
            dashes=list(islice(cycle(DASHES), len(strategies))),
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
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _title(table: pd.DataFrame) -> str:
    experiment = table["experiment"].iloc[0].replace("_", " ")
    trials = table["trial"].nunique()
    spread = f"mean and standard error of {trials} trials" if trials > 1 else "one trial"
    return f"{experiment}: error on the test tasks\n{spread}; lower is better"
