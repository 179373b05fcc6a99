import numpy as np
import pandas as pd
import pytest
from figure_layout import crowded
from matplotlib.colors import to_hex

from pamlflow import plotting
from pamlflow.plotting import style
from pamlflow.tasks import Variable

LENGTH = Variable("pole_length", "m")
ROUNDS = (0, 1, 5, 15)
TITLE = "cart pole pixels: how h orders the candidates"


def tidy(strategies=("paml", "uniform"), trials=3):
    """A table in which trial t of strategy s has 0.2 + 0.02 r + 0.1 t - 0.05 s after round r."""
    rows = [
        (strategy, trial, round_, 0.2 + 0.02 * round_ + 0.1 * trial - 0.05 * index)
        for index, strategy in enumerate(strategies)
        for trial in range(trials)
        for round_ in ROUNDS
    ]
    return pd.DataFrame(rows, columns=["strategy", "trial", "round", "correlation"])


def draw(table):
    figure = plotting.rank_correlation(table, LENGTH, TITLE)
    return figure, figure.axes[0]


def test_each_trial_is_a_point_at_its_round():
    _, axis = draw(tidy())
    points = axis.lines[0]
    assert len(points.get_xdata()) == 3 * len(ROUNDS)
    for x, y in points.get_xydata():
        trials = 0.2 + 0.02 * ROUNDS[round(x)] + 0.1 * np.arange(3)
        assert np.isclose(y, trials).any()


def test_the_mean_of_each_round_has_its_standard_error():
    _, axis = draw(tidy())
    error = 0.1 / np.sqrt(3)
    for index, container in enumerate(axis.containers):
        mean, caps, (bars,) = container.lines
        expected = 0.3 + 0.02 * np.array(ROUNDS) - 0.05 * index
        np.testing.assert_allclose(np.array(mean.get_ydata(), dtype=float), expected)
        assert [round(x) for x in mean.get_xdata()] == [0, 1, 2, 3]
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, np.stack([expected - error, expected + error], axis=1))
        assert len(caps) == 2


def test_rounds_are_named_and_the_axis_runs_from_none_to_all():
    _, axis = draw(tidy())
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0", "1", "5", "15"]
    assert axis.get_xlabel() == "tasks added"
    low, high = axis.get_ylim()
    assert -0.05 < low < 0.0 and 1.0 < high < 1.05
    assert "rank correlation of pole length" in axis.get_ylabel()


def test_a_strategy_has_the_colour_and_marker_that_it_has_elsewhere():
    _, axis = draw(tidy(["uniform", "my_own"]))
    for container, strategy in zip(axis.containers, ["uniform", "my_own"], strict=True):
        mean = container.lines[0]
        look = style.strategy_styles([strategy])[strategy]
        assert (to_hex(mean.get_color()), mean.get_marker()) == (look.color, look.marker)


def test_one_legend_names_every_strategy():
    figure, _ = draw(tidy(["uniform", "my_own"]))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Uniform", "my own"]


def test_strategies_stand_side_by_side_within_their_round():
    _, axis = draw(tidy(["paml", "uniform", "my_own"]))
    places = np.array([container.lines[0].get_xdata() for container in axis.containers])
    assert np.all(np.diff(places, axis=0) > 0.1)
    assert np.abs(places - np.arange(4)).max() < 0.3


def test_a_single_trial_is_drawn_once_and_called_so():
    figure, axis = draw(tidy(trials=1))
    assert figure._suptitle.get_text() == f"{TITLE}\none trial"
    markers = [line for line in axis.lines if line.get_marker() in ("o", "s")]
    assert len(markers) == 2
    assert "3 trials" in draw(tidy())[0]._suptitle.get_text()


@pytest.mark.parametrize(("value", "shown"), [(-0.1, "-0.1"), (1.1, "1.1"), (np.nan, "NaN")])
def test_what_is_no_absolute_correlation_is_refused_and_shown(value, shown):
    table = tidy()
    table.loc[5, "correlation"] = value
    with pytest.raises(ValueError, match=rf"0..1, but 1 of 24 are not(?s:.)*{shown}"):
        plotting.rank_correlation(table, LENGTH, TITLE)


def test_the_table_is_not_changed():
    table = tidy()
    draw(table)
    pd.testing.assert_frame_equal(table, tidy())


@pytest.mark.parametrize("count", [1, 4])
def test_nothing_is_cut_off_or_overlaps(count):
    assert not crowded(draw(tidy([f"strategy_{index}" for index in range(count)]))[0])
