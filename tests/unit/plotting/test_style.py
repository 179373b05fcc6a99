import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle

from pamlflow import plotting
from pamlflow.acquisition import STRATEGIES
from pamlflow.names import ORACLE
from pamlflow.plotting import style
from pamlflow.tasks import Variable


def test_the_strategies_of_the_study_differ_in_colour_and_marker():
    styles = style.strategy_styles([*STRATEGIES, ORACLE]).values()
    assert len({look.color for look in styles}) == len({look.marker for look in styles}) == 5


def test_strategies_of_ones_own_differ_from_the_studys_and_are_drawable():
    taken = style.strategy_styles([*STRATEGIES, ORACLE]).values()
    own = style.strategy_styles(f"strategy_{index}" for index in range(20)).values()
    for look in own:
        assert is_color_like(look.color) and MarkerStyle(look.marker).is_filled()
        assert look.color not in [other.color for other in taken]
        assert look.marker not in [other.marker for other in taken]


def test_a_look_is_of_its_name_unless_another_one_has_it():
    alone = {name: style.strategy_styles([name])[name] for name in ("entropy", "information_gain")}
    assert len(set(alone.values())) == 1  # the names ask for the same look
    first, second = style.strategy_styles(alone).values()
    assert first == alone["entropy"] and second != first
    many = style.strategy_styles(f"strategy_{index}" for index in range(48))
    assert len(set(many.values())) == 48


@pytest.mark.parametrize(
    ("variable", "label"),
    [
        (Variable("pole_mass", "kg"), "pole mass (kg)"),
        (Variable("superfluous", "1"), "superfluous"),
    ],
)
def test_axes_are_labelled_with_units(variable, label):
    assert style.variable_label(variable) == label


@pytest.mark.parametrize(
    ("protocol", "title"),
    [
        ("few_shot_0", "h from the descriptor alone"),
        ("few_shot_1", "h from 1 transition"),
        ("few_shot_20", "h from 20 transitions"),
        ("few_shot_20_descriptor", "h from 20 transitions\nand the descriptor"),
        ("prior", "h from its prior alone"),
        ("full", "h from all transitions,\nscored on themselves"),
    ],
)
def test_protocols_are_titled_in_words(protocol, title):
    assert style.protocol_title(protocol) == title


def test_the_theme_ends_with_its_block():
    before = dict(matplotlib.rcParams)
    with style.theme():
        assert matplotlib.rcParams["axes.grid"] and not before["axes.grid"]
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_same_figure_gives_the_same_bytes_without_date_or_path(tmp_path, suffix):
    contents = set()
    for name in ("first", "second"):
        figure = Figure()
        axis = figure.subplots()
        axis.plot([0.0, 1.0], [0.0, 1.0], "o-", label="a line")
        axis.axvspan(0.2, 0.4, clip_on=True)
        path = (tmp_path / name).with_suffix(suffix)
        plotting.save(figure, path)
        contents.add(path.read_bytes())
    (content,) = contents
    assert b"date" not in content.lower() and str(tmp_path).encode() not in content


HOSTILE = {
    "figure.dpi": 37.0,
    "figure.facecolor": "black",
    "figure.constrained_layout.w_pad": 0.5,
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "savefig.facecolor": "red",
    "font.family": "monospace",
    "font.size": 31.0,
    "mathtext.fontset": "cm",
    "text.usetex": True,
    "axes.formatter.use_locale": True,
    "axes.prop_cycle": matplotlib.cycler(color=["red"]),
    "axes.titlelocation": "left",
    "axes.unicode_minus": False,
    "axes.xmargin": 0.4,
    "axes.linewidth": 9.0,
    "grid.linestyle": ":",
    "lines.linewidth": 12.0,
    "lines.markersize": 20.0,
    "legend.frameon": True,
    "xtick.direction": "in",
    "xtick.minor.visible": True,
    "ytick.right": True,
    "image.cmap": "gray",
    "path.simplify": False,
    "svg.fonttype": "none",
    "svg.image_inline": False,
    "svg.id": "mine",
}


def learning_curves():
    """A figure with all that seaborn draws."""
    rows = [
        ("x", strategy, trial, number, "paper", metric, trial + 1.0 / (1 + number))
        for strategy in ("paml", "uniform")
        for trial in range(3)
        for number in range(4)
        for metric in ("nll", "rmse", "trivial_nll", "trivial_rmse")
    ]
    columns = ["experiment", "strategy", "trial", "round", "protocol", "metric", "value"]
    return plotting.learning_curves(pd.DataFrame(rows, columns=columns))


def maps():
    """A figure with numbers, colour bars and mathematical text."""
    mean, variance = np.random.default_rng(0).uniform(1.0, 2.0, size=(2, 6, 2))
    variables = [Variable("mass", "kg"), Variable("length", "m")]
    return plotting.latent_space(mean, variance, mean, variables, num_chosen=3, title="x")


@pytest.mark.parametrize("draw", [learning_curves, maps])
def test_a_matplotlibrc_and_a_strict_numpy_change_no_byte(draw, tmp_path):
    plain, hostile = ([tmp_path / name / f"x.{kind}" for kind in ("svg", "png")] for name in "ab")
    for paths in (plain, hostile):
        paths[0].parent.mkdir()
    plotting.save(draw(), *plain)
    with matplotlib.rc_context(HOSTILE), np.errstate(all="raise"):
        before = dict(matplotlib.rcParams)
        plotting.save(draw(), *hostile)
        assert dict(matplotlib.rcParams) == before
    for first, second in zip(plain, hostile, strict=True):
        assert first.read_bytes() == second.read_bytes()
