"""The figure of how well the latent space orders a parameter that the model does not see."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pamlflow.plotting.style import add_title_and_legend, strategy_name, strategy_styles, theme
from pamlflow.tasks import Variable

WIDTH = 0.5  # of all strategies together, relative to the distance between two rounds
SHIFT = 0.07  # of trials to the left and means to the right, relative to that distance
MARGIN = 0.03  # beyond the scale from 0 to 1, for points on its ends


def rank_correlation(table: pd.DataFrame, variable: Variable, title: str) -> Figure:
    """Draw the rank correlation of h with the hidden parameter `variable` after some of the rounds.

    `table` has a row for each strategy, trial and round, with the columns `strategy`, `trial`, `round` and
    `correlation`. The correlation is the absolute value of Spearman's, between the hidden parameter of the
    candidates and the first principal component of their h. Rounds are equally spaced; small symbols are
    trials, large ones their mean with its standard error.

    Raises ValueError when a correlation is not from 0 to 1.
    """
    wrong = table[~table["correlation"].between(0.0, 1.0)]
    if len(wrong):
        raise ValueError(
            f"absolute rank correlations must be in 0..1, but {len(wrong)} of {len(table)} are not; "
            f"the first of them:\n{wrong.iloc[0].to_string()}"
        )
    rounds = np.sort(table["round"].unique())
    strategies = list(table["strategy"].unique())
    trials = table["trial"].nunique()
    centers = WIDTH * ((np.arange(len(strategies)) + 0.5) / len(strategies) - 0.5)
    with theme():
        figure = Figure(figsize=(6.4, 4.8), layout="constrained")
        axis = figure.subplots()
        for (strategy, style), center in zip(
            strategy_styles(strategies).items(), centers, strict=True
        ):
            rows = table[table["strategy"] == strategy]
            look: dict[str, Any] = {"color": style.color, "marker": style.marker, "linestyle": ""}
            if trials > 1:
                places = np.searchsorted(rounds, rows["round"]) + center - SHIFT
                small: dict[str, Any] = {"markersize": 4, "markeredgewidth": 0, "alpha": 0.45}
                axis.plot(places, rows["correlation"], **look, **small)
            groups = rows.groupby("round")["correlation"]
            means = groups.mean()
            places = np.searchsorted(rounds, means.index) + center + SHIFT
            large: dict[str, Any] = {
                "markersize": 7,
                "capsize": 4,
                "label": strategy_name(strategy),
            }
            axis.errorbar(places, means, yerr=groups.sem(), **look, **large)
        axis.set_xticks(range(len(rounds)), [str(round_) for round_ in rounds])
        axis.set_xlim(-0.5, len(rounds) - 0.5)
        axis.set_ylim(-MARGIN, 1.0 + MARGIN)
        axis.grid(visible=False, axis="x")
        axis.set_xlabel("tasks added")
        name = variable.name.replace("_", " ")
        axis.set_ylabel(
            f"absolute rank correlation of {name}\nand the first principal component of h"
        )
        handles, _ = axis.get_legend_handles_labels()
        several = f"small: each of {trials} trials; large: their mean and its standard error"
        add_title_and_legend(figure, f"{title}\n{several if trials > 1 else 'one trial'}", handles)
    return figure
