"""Numbers beside points that overlap neither points nor each other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from scipy.spatial.distance import cdist

from pamlflow.types import FloatArray

# In printer's points
SIZE = 8.5
ROOM = np.array([10.5, 7.5])  # between the centres of two numbers, or of a number and a point
DISTANCES = (10.7, 17.0, 24.0)
LEADER = {"arrowstyle": "-", "linewidth": 0.6, "color": "0.3", "shrinkA": 4}

_ANGLES = np.pi / 8 * np.array([2, 6, 14, 10, 0, 8, 4, 12, *range(1, 16, 2)])
_OFFSETS = np.concatenate(
    [distance * np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1) for distance in DISTANCES]
)


def number_points(axis: Axes, points: FloatArray, others: FloatArray) -> None:
    """Write 1, 2, ... beside points [K, 2], without overlap with each other and with `others` [O, 2].

    Each number takes the nearest free place, or else the one with most room. The layout of the figure must be
    final, for example after `draw_without_rendering`.
    """
    figure = axis.get_figure(root=True)
    assert figure is not None  # every axis has a figure
    scale = 72.0 / figure.dpi
    taken = scale * axis.transData.transform(np.concatenate([points, others]))
    low, high = scale * axis.bbox.get_points() + 0.5 * np.array([[SIZE], [-SIZE]])
    for index, point in enumerate(points):
        places = taken[index] + _OFFSETS
        inside = np.all((places > low) & (places < high), axis=1)
        room = cdist(places / ROOM, taken / ROOM, "chebyshev").min(axis=1).clip(max=1.0)
        # The first of equal places is the nearest.
        best = int(np.argmax(np.where(inside, room, -1.0)))
        taken = np.concatenate([taken, places[best : best + 1]])
        number = axis.annotate(
            str(index + 1),
            xy=(point[0], point[1]),
            xytext=(_OFFSETS[best, 0], _OFFSETS[best, 1]),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SIZE,
            arrowprops=LEADER if np.hypot(*_OFFSETS[best]) > 1.1 * DISTANCES[0] else None,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            zorder=5,
        )
        number.set_in_layout(False)  # it must not move the points that it avoids
