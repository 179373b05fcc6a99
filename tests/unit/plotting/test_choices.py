import numpy as np
import pandas as pd
import pytest
from figure_layout import crowded
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from pamlflow import plotting
from pamlflow.plotting import style
from pamlflow.tasks import Variable

VARIABLES = (
    Variable("pole_mass", "kg"),
    Variable("pole_length", "m"),
    Variable("superfluous", "1"),
    Variable("gain", "N"),
)
NAMES = [variable.name for variable in VARIABLES]
LIMITS = {
    "pole_mass": (0.5, 5.0),
    "pole_length": (0.5, 2.0),
    "superfluous": (-1, 1),
    "gain": (0, 9),
}
INITIAL, ROUNDS = 2, 4


def tasks(strategies=("paml", "uniform"), trials=3):
    """Two initial and four chosen tasks for each strategy and trial, anywhere in the box."""
    rng = np.random.default_rng(0)
    low, high = np.array([LIMITS[name] for name in NAMES]).T
    tables = []
    for strategy in strategies:
        for trial in range(trials):
            values = rng.uniform(low, high, size=(INITIAL + ROUNDS, len(NAMES)))
            table = pd.DataFrame(values, columns=NAMES)
            rounds = [0] * INITIAL + list(range(1, ROUNDS + 1))
            tables.append(table.assign(strategy=strategy, trial=trial, round=rounds))
    return pd.concat(tables, ignore_index=True)


def panels(figure, rows, columns):
    return np.array(figure.axes).reshape(rows, columns)


def points(axis):
    """The points of the other trials, the initial and the chosen ones of the first."""
    return [np.stack(line.get_data(), axis=1) for line in axis.lines]


def test_columns_are_strategies_in_their_colour_and_marker():
    figure = plotting.choices(tasks(["uniform", "my_own"]), VARIABLES[:2], LIMITS, "")
    axes = panels(figure, 1, 2)[0]
    assert [axis.get_title() for axis in axes] == ["Uniform", "my own"]
    for axis, strategy in zip(axes, ["uniform", "my_own"], strict=True):
        look = style.strategy_styles([strategy])[strategy]
        others, initial, chosen = axis.lines
        for line in (others, chosen):
            assert (to_hex(line.get_color()), line.get_marker()) == (look.color, look.marker)
        assert initial.get_color() == "black"
        assert others.get_alpha() < 0.5 and chosen.get_alpha() is None


def test_two_descriptors_give_a_scatter_with_the_first_trial_numbered():
    table = tasks()
    axis = plotting.choices(table, VARIABLES[:2], LIMITS, "").axes[1]
    uniform = table[table["strategy"] == "uniform"]
    first = uniform[uniform["trial"] == 0][NAMES[:2]].to_numpy()
    others, initial, chosen = points(axis)
    np.testing.assert_array_equal(initial, first[:INITIAL])
    np.testing.assert_array_equal(chosen, first[INITIAL:])
    assert len(others) == 2 * ROUNDS
    assert [text.get_text() for text in axis.texts] == ["1", "2", "3", "4"]
    np.testing.assert_array_equal([text.xy for text in axis.texts], chosen)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("pole mass (kg)", "")


def test_the_box_is_framed_and_lies_inside_the_panel():
    axis = plotting.choices(tasks(), VARIABLES[:2], LIMITS, "").axes[0]
    (frame,) = (patch for patch in axis.patches if isinstance(patch, Rectangle))
    assert frame.get_bbox().extents.tolist() == [0.5, 0.5, 5.0, 2.0]
    assert axis.get_xlim()[0] < 0.5 and axis.get_xlim()[1] > 5.0
    assert axis.get_ylim()[0] < 0.5 and axis.get_ylim()[1] > 2.0


def test_one_descriptor_is_drawn_against_the_round():
    table = tasks(["paml"], trials=1)
    figure = plotting.choices(table, VARIABLES[1:2], LIMITS, "")
    (axis,) = figure.axes
    _, initial, chosen = points(axis)
    assert initial[:, 0].tolist() == [0, 0] and chosen[:, 0].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(chosen[:, 1], table["pole_length"][INITIAL:])
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("round", "pole length (m)")
    assert not axis.texts


@pytest.mark.parametrize(
    ("count", "labels"),
    [
        (3, [("mass", "length"), ("mass", "superfluous"), ("length", "superfluous")]),
        (4, [("mass", "length"), ("mass", "superfluous"), ("mass", "gain")]),
    ],
)
def test_more_descriptors_give_a_row_per_pair_and_three_at_most(count, labels):
    figure = plotting.choices(tasks(), VARIABLES[:count], LIMITS, "chosen")
    for (axis, _), (x, y) in zip(panels(figure, 3, 2), labels, strict=True):
        assert x in axis.get_xlabel() and y in axis.get_ylabel()
    left_out = "\nthe first 3 of 6 pairs of descriptors" if count > 3 else ""
    assert figure.get_suptitle() == "chosen" + left_out


def test_the_legend_tells_of_other_trials_only_if_there_are_any():
    for trials, count in ((1, 2), (3, 3)):
        figure = plotting.choices(tasks(trials=trials), VARIABLES[:2], LIMITS, "")
        assert len(figure.legends[0].get_texts()) == count


def test_chosen_values_are_shares_of_the_selected_tasks_in_common_bins():
    table = tasks()
    figure = plotting.chosen_values(table, VARIABLES[:2], LIMITS, "")
    for row, name in zip(panels(figure, 2, 2), NAMES, strict=False):
        edges = np.linspace(*LIMITS[name], 11)
        for axis, strategy in zip(row, ["paml", "uniform"], strict=True):
            values = table.query("strategy == @strategy and round > 0")[name]
            heights = [bar.get_height() for bar in axis.patches]
            expected, _ = np.histogram(values, edges)
            np.testing.assert_allclose(heights, expected / len(values))
            np.testing.assert_allclose([bar.get_x() for bar in axis.patches], edges[:-1])
            assert (
                to_hex(axis.patches[0].get_facecolor())
                == style.strategy_styles([strategy])[strategy].color
            )


def test_the_mean_and_the_uniform_share_are_marked():
    table = tasks(["paml"])
    (axis,) = plotting.chosen_values(table, VARIABLES[:1], LIMITS, "").axes
    uniform, mean = axis.lines
    assert uniform.get_ydata() == pytest.approx([0.1, 0.1]) and uniform.get_linestyle() == "--"
    assert mean.get_xdata()[0] == pytest.approx(table.query("round > 0")["pole_mass"].mean())


def test_hidden_parameters_are_labelled_as_hidden():
    figure = plotting.chosen_values(tasks(), VARIABLES[:2], LIMITS, "", hidden=["pole_mass"])
    labels = [axis.get_xlabel() for axis in panels(figure, 2, 2)[:, 0]]
    assert labels == ["pole mass (kg), hidden", "pole length (m)"]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("draw", [plotting.choices, plotting.chosen_values])
def test_nothing_is_cut_off_or_overlaps(draw, count):
    table = tasks(["paml", "uniform", "latin_hypercube"][:count])
    assert not crowded(draw(table, VARIABLES[:count], LIMITS, "cart pole: tasks chosen"))
