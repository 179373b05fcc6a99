"""The common style of all figures: names, colours, markers and fonts; and saving of figures."""

import textwrap
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import seaborn
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pamlflow.acquisition import STRATEGIES
from pamlflow.names import ORACLE
from pamlflow.numerics import default_error_state
from pamlflow.protocols import parse_protocol
from pamlflow.tasks import Variable

Dashes = tuple[float, ...] | str

METRICS = {
    "nll": "NLL\n(nats per transition)",
    "rmse": "RMSE\n(test-grid standard deviations)",
}
ORACLE_COLOR = "0.35"
TRIVIAL_NAME = "Predicting the mean"
TRIVIAL_COLOR = "0.2"
INITIAL_COLOR = "black"

LETTERS_PER_INCH = 11.0  # of a title
LEGENDS_PER_INCH = 0.4  # entries of a legend

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: tuple[Dashes, ...] = (
    "",
    (4, 1.5),
    (1, 1),
    (3, 1, 1, 1),
    (5, 1, 1, 1, 1, 1),
    (2, 2),
    (6, 2),
    (1, 2),
)


class StrategyStyle(NamedTuple):
    """The look of a strategy in all figures, with `dashes` in the format of seaborn."""

    color: str
    marker: str
    dashes: Dashes

    @property
    def linestyle(self) -> Any:
        """The dashes in the format of matplotlib."""
        return (0, self.dashes) if self.dashes else "-"


_PALETTE = tuple(str(color) for color in seaborn.color_palette("colorblind").as_hex())
_STYLES = {
    strategy.name: StrategyStyle(look.color, look.marker, look.dashes or "")
    for strategy in STRATEGIES.values()
    if (look := strategy.look)
} | {ORACLE: StrategyStyle(ORACLE_COLOR, "h", "")}
# Colours for a user's strategies: those left, except grey, pale yellow, and a pink like paml_descriptor's.
_OWN_COLORS = [_PALETTE[index] for index in (3, 5, 9)]
_OWN_STYLES = [
    StrategyStyle(color, marker, dashes)
    for dashes, marker, color in product(DASHES[4:], MARKERS[4:], _OWN_COLORS)
]


def strategy_name(strategy: str) -> str:
    """Return the name of a strategy in a legend."""
    if strategy == ORACLE:
        return "Oracle (trained on the test tasks)"
    label = STRATEGIES[strategy].label if strategy in STRATEGIES else ""
    return label or strategy.replace("_", " ")


def experiment_name(experiment: str) -> str:
    """Return the name of an experiment in a title."""
    return experiment.replace("_", " ")


def strategy_styles(strategies: Iterable[str]) -> dict[str, StrategyStyle]:
    """Return the look of each strategy in a figure.

    The look depends only on the name of the strategy, unless two strategies of a user would get the same look:
    the later one then gets the next that is free.
    """
    styles: dict[str, StrategyStyle] = {}
    for strategy in strategies:
        first = zlib.crc32(strategy.encode()) % len(_OWN_STYLES)
        own = _OWN_STYLES[first:] + _OWN_STYLES[:first]
        free = (style for style in own if style not in styles.values())
        styles[strategy] = _STYLES.get(strategy) or next(free, own[0])
    return styles


def variable_label(variable: Variable) -> str:
    """Return the label of an axis: the name, and the unit if there is one."""
    name = variable.name.replace("_", " ")
    return name if variable.unit == "1" else f"{name} ({variable.unit})"


def protocol_title(protocol: str) -> str:
    """Return in words what h of a test task is inferred from."""
    titles = {
        "paper": "h from all transitions by the ELBO,\nscored on themselves (the paper's)",
        "full": "h from all transitions,\nscored on themselves",
        "prior": "h from its prior alone",
    }
    if protocol in titles:
        return titles[protocol]
    known = parse_protocol(protocol)
    if not known.context:
        return "h from the descriptor alone"
    transitions = "1 transition" if known.context == 1 else f"{known.context} transitions"
    return f"h from {transitions}" + ("\nand the descriptor" if known.descriptor else "")


@contextmanager
def defaults() -> Iterator[None]:
    """Use the default parameters of matplotlib and the default error state of NumPy within a block."""
    with default_error_state(), matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


@contextmanager
def theme() -> Iterator[None]:
    """Use the grid and the font sizes of all figures within a block."""
    with (
        defaults(),
        seaborn.axes_style("whitegrid"),
        seaborn.plotting_context("notebook", font_scale=0.9),
    ):
        yield


def add_note(axis: Axes, x: float, y: float, text: str) -> None:
    """Write a small text in a panel at (x, y), both from 0 to 1; it extends towards the middle."""
    axis.text(
        x,
        y,
        text,
        transform=axis.transAxes,
        horizontalalignment="left" if x < 0.5 else "right",
        verticalalignment="bottom" if y < 0.5 else "top",
        color="0.35",
        fontsize="small",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # hides the grid
    )


def add_title_and_legend(figure: Figure, title: str, handles: Sequence[Artist]) -> None:
    """Put the title above a figure and the legend below it, wrapped to its width."""
    width = figure.get_figwidth()
    lines = (textwrap.fill(line, int(LETTERS_PER_INCH * width)) for line in title.splitlines())
    figure.suptitle("\n".join(lines))
    if not handles:
        return
    columns = max(1, min(len(handles), int(LEGENDS_PER_INCH * width)))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)


def save(figure: Figure, *paths: Path) -> None:
    """Write a figure to each path as SVG or PNG; the same figure gives the same bytes."""
    for path in paths:
        metadata = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
        with defaults(), matplotlib.rc_context({"svg.hashsalt": "pamlflow"}):
            figure.savefig(path, dpi=150, metadata=metadata)
