"""The figure of the latent space: q(h) of each task, and the order of selection."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from pamlflow.plotting.numbering import number_points
from pamlflow.plotting.style import INITIAL_COLOR, add_title_and_legend, theme, variable_label
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray

DEVIATIONS = 2
COLORMAP = "viridis"
EDGE = "0.2"
MAX_COLUMNS = 3


def latent_space(
    mean: FloatArray,
    variance: FloatArray,
    parameters: FloatArray,
    variables: Sequence[Variable],
    num_chosen: int,
    title: str,
) -> Figure:
    """Draw q(h) of N tasks within two standard deviations, a panel per true parameter.

    Of more than two latent dimensions, the figure shows the two with the largest spread of means. A single
    dimension is drawn as intervals, one task above the other.

    Args:
        mean: means of q(h) [N, Q].
        variance: variances of q(h) [N, Q].
        parameters: true parameters [N, D], which colour the panels.
        variables: names and units of the D parameters.
        num_chosen: the number of chosen tasks, which come last in order of selection.
        title: the title of the figure.
    """
    num_latent = mean.shape[1]
    dimensions = np.sort(np.argsort(-mean.var(axis=0), kind="stable")[:2])
    mean, deviation = mean[:, dimensions], np.sqrt(variance[:, dimensions])
    num_initial = len(mean) - num_chosen
    columns = min(len(variables), MAX_COLUMNS)
    rows = -(-len(variables) // columns)
    with theme():
        figure = Figure(figsize=(0.8 + 4.7 * columns, 1.6 + 3.9 * rows), layout="constrained")
        panels = [figure.add_subplot(rows, columns, index + 1) for index in range(len(variables))]
        for axis, values, variable in zip(panels, parameters.T, variables, strict=True):
            colors = ScalarMappable(Normalize(values.min(), values.max()), COLORMAP)
            draw = _draw_intervals if num_latent == 1 else _draw_ellipses
            draw(axis, mean, deviation, colors.to_rgba(values), num_initial)
            axis.set_xlabel(_dimension_label(dimensions[0], num_latent))
            figure.colorbar(colors, ax=axis, label=variable_label(variable))
        for axis in panels[::columns]:
            second = _dimension_label(dimensions[-1], num_latent)
            axis.set_ylabel(second if num_latent > 1 else "order of selection")
        title = f"{title}\nq(h) of each task within two standard deviations"
        add_title_and_legend(figure, title, _handles())
        if num_latent > 1:
            figure.draw_without_rendering()
            for axis in panels:
                number_points(axis, mean[num_initial:], mean[:num_initial])
    return figure


def _draw_ellipses(
    axis: Axes, mean: FloatArray, deviation: FloatArray, colors: FloatArray, num_initial: int
) -> None:
    for index, (center, width) in enumerate(zip(mean, 2 * DEVIATIONS * deviation, strict=True)):
        color = INITIAL_COLOR if index < num_initial else colors[index]
        axis.plot(*center, "o", color=color, markersize=9, markeredgewidth=0)
        # The ellipse is often smaller than the point: draw it on top, with an edge visible on any colour.
        ellipse = Ellipse((center[0], center[1]), width[0], width[1], zorder=3)
        ellipse.set(facecolor=to_rgba(color, 0.15), edgecolor=EDGE, linewidth=0.8)
        ellipse.set_path_effects([withStroke(linewidth=1.6, foreground="white")])
        axis.add_patch(ellipse)
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_aspect("equal", adjustable="datalim")


def _draw_intervals(
    axis: Axes, mean: FloatArray, deviation: FloatArray, colors: FloatArray, num_initial: int
) -> None:
    """Draw each chosen task at the height of its round, and the initial tasks below."""
    heights = np.arange(len(mean)) - num_initial + 1
    for index, height in enumerate(heights):
        color = INITIAL_COLOR if index < num_initial else colors[index]
        error = DEVIATIONS * deviation[index]
        axis.errorbar(
            mean[index], [height], xerr=error, fmt="o", color=color, capsize=3, markersize=5
        )
    ticks = MaxNLocator(15, integer=True).tick_values(1, max(heights))
    axis.set_yticks([tick for tick in ticks if 1 <= tick <= max(heights)])


def _dimension_label(dimension: int, num_latent: int) -> str:
    label = f"latent dimension {dimension + 1}"
    return f"{label} of {num_latent}\n(among the two with most spread)" if num_latent > 2 else label


def _handles() -> list[Line2D]:
    look: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 9}
    return [
        Line2D([], [], **look, color=INITIAL_COLOR, label="initial task"),
        Line2D([], [], **look, color="0.6", label="chosen task, numbered in order"),
    ]
