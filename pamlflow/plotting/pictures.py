"""Figures of pictures as descriptors: the pictures, their reconstructions, and the latent space."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.optimize import linear_sum_assignment
from scipy.stats import binned_statistic_2d

from pamlflow.plotting.style import add_title_and_legend, theme, variable_label
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray, IntArray

COLORMAP = "viridis"
BRIGHTNESS: dict[str, Any] = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0}
DIFFERENCE_COLORMAP = "RdBu_r"
FRAME = "0.6"

MAX_MONTAGE = 12
MONTAGE_COLUMNS = 6
MAX_RECONSTRUCTIONS = 8
MIN_WIDTH = 5.0  # of a figure in inches, for its title
INSET = 0.04  # of the side of a decoded picture, from its border to its frame


def montage(pictures: FloatArray, values: FloatArray, variable: Variable, title: str) -> Figure:
    """Draw up to twelve pictures, evenly spread over the range of the hidden parameter and in its order.

    Raises ValueError when shapes disagree.

    Args:
        pictures: [C, H, W, 1], brightness from 0 to 1.
        values: the hidden parameter [C].
        variable: its name and unit.
        title: the title of the figure.
    """
    _check_pictures(pictures, values)
    shown = _spread(values, MAX_MONTAGE)
    rows = -(-len(shown) // MONTAGE_COLUMNS)
    columns = -(-len(shown) // rows)
    with theme():
        width, height = _sides(pictures)
        size = (max(MIN_WIDTH, 0.2 + 1.5 * width * columns), 0.5 + (0.3 + 1.5 * height) * rows)
        figure = Figure(figsize=size, layout="compressed")
        for place, index in enumerate(shown):
            axis = figure.add_subplot(rows, columns, place + 1)
            _draw_picture(axis, pictures[index], **BRIGHTNESS)
            axis.set_title(_value_label(values[index], variable))
        add_title_and_legend(figure, f"{title}\n{_order(variable)}", [])
    return figure


def reconstructions(
    pictures: FloatArray, decoded: FloatArray, values: FloatArray, variable: Variable, title: str
) -> Figure:
    """Draw up to eight pictures (columns), their reconstructions, and the differences (rows).

    The pictures are evenly spread over the range of the hidden parameter. Raises ValueError when shapes
    disagree.

    Args:
        pictures: [C, H, W, 1], brightness from 0 to 1.
        decoded: reconstructions from the latent means, of the same shape.
        values: the hidden parameter [C].
        variable: its name and unit.
        title: the title of the figure.
    """
    _check_pictures(pictures, values)
    _check_shape("decoded", decoded, pictures.shape, "one for each picture")
    shown = _spread(values, MAX_RECONSTRUCTIONS)
    difference = decoded[shown] - pictures[shown]
    limit = np.abs(difference).max() or 1.0  # a scale needs a width even if nothing differs
    signed: dict[str, Any] = {"cmap": DIFFERENCE_COLORMAP, "vmin": -limit, "vmax": limit}
    rows = {
        "picture": (pictures[shown], BRIGHTNESS),
        "reconstruction": (decoded[shown], BRIGHTNESS),
        "difference": (difference, signed),
    }
    with theme():
        width, height = _sides(pictures)
        size = (max(MIN_WIDTH, 1.5 + 1.15 * width * len(shown)), 1.0 + 1.2 * height * len(rows))
        figure = Figure(figsize=size, layout="compressed")
        axes = figure.subplots(len(rows), len(shown), squeeze=False)
        for row, (name, (images, look)) in zip(axes, rows.items(), strict=True):
            for axis, image in zip(row, images, strict=True):
                _draw_picture(axis, image, **look)
            row[0].set_ylabel(name)
        for axis, index in zip(axes[0], shown, strict=True):
            axis.set_title(_value_label(values[index], variable))
        bars = {"brightness": axes[:2], "reconstruction\nminus picture": axes[2:]}
        for label, part in bars.items():
            colors = part[0, 0].images[0]
            figure.colorbar(colors, ax=part, label=label, pad=0.01, aspect=9 * len(part))
        add_title_and_legend(figure, f"{title}\n{_order(variable)}", [])
    return figure


def traversal(
    decoded: FloatArray,
    latents: FloatArray,
    means: FloatArray,
    values: FloatArray,
    variable: Variable,
    title: str,
) -> Figure:
    """Draw the mean of the decoder over a grid of the latent space, and beside it q(h | picture) of candidates.

    Raises ValueError when shapes disagree or the grid is not regular.

    Args:
        decoded: pictures [n, n, H, W, 1]; decoded[i, j] is at (latents[i, 0], latents[j, 1]).
        latents: evenly spaced coordinates [n, 2] of the grid along h1 and h2.
        means: means of q(h | picture) of the candidates [C, 2].
        values: the hidden parameter of the candidates [C].
        variable: its name and unit.
        title: the title of the figure.
    """
    step = _check_grid(decoded, latents)
    _check_shape("means", means, (len(values), 2), "two latent dimensions for each of `values`")
    low, high = latents[0] - 0.5 * step, latents[-1] + 0.5 * step
    height, width = decoded.shape[2:4]
    h1, h2 = means.T
    # Rows of the mosaic run from the top, where h2 is largest.
    mosaic = decoded[:, ::-1, :, :, 0].transpose(1, 2, 0, 3)
    mosaic = mosaic.reshape(len(latents) * height, len(latents) * width)
    with theme():
        figure = Figure(figsize=(10.0, 5.0), layout="compressed")
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
        left.imshow(mosaic, extent=(low[0], high[0], low[1], high[1]), **BRIGHTNESS)
        left.set_title("decoder's mean, framed where candidates lie")
        look = {"edgecolors": "0.2", "linewidths": 0.5}
        colors = right.scatter(h1, h2, c=values, cmap=COLORMAP, s=32, **look)
        right.set_title("mean of q(h | picture) of each candidate")
        figure.colorbar(colors, ax=right, label=variable_label(variable), aspect=30)
        edges = np.concatenate([[low], latents + 0.5 * step])
        averages = binned_statistic_2d(h1, h2, values, bins=list(edges.T)).statistic
        for (i, j), average in np.ndenumerate(averages):
            if np.isfinite(average):  # NaN where there are no candidates
                corner = (edges[i, 0] + INSET * step[0], edges[j, 1] + INSET * step[1])
                frame = Rectangle(corner, *((1.0 - 2.0 * INSET) * step), fill=False, linewidth=1.5)
                frame.set_edgecolor(colors.to_rgba(average))
                left.add_patch(frame)
        for axis in (left, right):  # the grid on the right shows which picture belongs to a point
            axis.grid(visible=False)
            axis.vlines(edges[:, 0], low[1], high[1], color=FRAME, linewidth=0.5, zorder=0.5)
            axis.hlines(edges[:, 1], low[0], high[0], color=FRAME, linewidth=0.5, zorder=0.5)
            axis.set_xlabel("$h_1$")
            # Decoded pictures keep their aspect.
            axis.set_aspect(height / width * step[0] / step[1])
        left.set_ylabel("$h_2$")
        bounds = np.stack([np.minimum(low, means.min(axis=0)), np.maximum(high, means.max(axis=0))])
        left.set_xlim(*bounds[:, 0])
        left.set_ylim(*bounds[:, 1])
        add_title_and_legend(figure, title, [])
    return figure


def _draw_picture(axis: Axes, picture: FloatArray, **look: Any) -> None:
    """Draw a picture [H, W, 1] within a frame."""
    axis.imshow(picture[..., 0], **look)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set_edgecolor(FRAME)


def _sides(pictures: FloatArray) -> tuple[float, float]:
    """Return width and height of pictures [C, H, W, 1] in units of the shorter side."""
    height, width = pictures.shape[1:3]
    return width / min(width, height), height / min(width, height)


def _spread(values: FloatArray, count: int) -> IntArray:
    """Return up to `count` indices of `values`, in order of value and evenly spread over their range."""
    places = np.linspace(values.min(), values.max(), min(count, len(values)))
    _, nearest = linear_sum_assignment(np.abs(places[:, None] - values))
    indices: IntArray = nearest[np.argsort(values[nearest], kind="stable")]
    return indices


def _value_label(value: float, variable: Variable) -> str:
    number = f"{value:#.3g}".rstrip(".")
    return number if variable.unit == "1" else f"{number} {variable.unit}"


def _order(variable: Variable) -> str:
    return f"in order of {variable.name.replace('_', ' ')}, which the model does not see"


def _check_pictures(pictures: FloatArray, values: FloatArray) -> None:
    """Raise ValueError unless pictures are [C, H, W, 1] and values [C], with C > 0."""
    if pictures.ndim != 4 or pictures.shape[-1] != 1 or not len(pictures):
        raise ValueError(
            f"pictures must be of shape [C, H, W, 1] with C > 0, but are of {pictures.shape}"
        )
    _check_shape("values", values, pictures.shape[:1], "one for each picture")


def _check_grid(decoded: FloatArray, latents: FloatArray) -> FloatArray:
    """Return the distance [2] between points of the grid; raise ValueError unless it is regular."""
    if latents.ndim != 2 or len(latents) < 2 or latents.shape[1] != 2:
        raise ValueError(
            f"latents must be of shape [n, 2] with n > 1, but are of {latents.shape}; "
            "only a two-dimensional latent space can be drawn"
        )
    _check_shape(
        "decoded",
        decoded,
        (len(latents), len(latents), *decoded.shape[2:4], 1),
        "[n, n, H, W, 1] for the n coordinates in `latents`",
    )
    steps = np.diff(latents, axis=0)
    if not (np.all(steps > 0.0) and np.allclose(steps, steps.mean(axis=0))):
        raise ValueError(f"latents must rise evenly along h1 and h2, but their steps are\n{steps}")
    step: FloatArray = steps.mean(axis=0)
    return step


def _check_shape(name: str, array: FloatArray, shape: tuple[int, ...], meaning: str) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} must be of shape {shape}, {meaning}, but is of {array.shape}")
