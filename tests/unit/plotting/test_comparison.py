import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from pamlflow import plotting
from pamlflow.plotting import style
from pamlflow.plotting.comparison import comparison

PROTOCOLS = ["paper", "few_shot_0", "few_shot_20"]


def compared(baselines=("uniform", "latin_hypercube"), protocols=PROTOCOLS, trials=10, rounds=4):
    """Differences from baseline b that fall by b + 1 each round, with intervals of half width 0.5."""
    half = 0.5 if trials >= 5 else np.nan
    rows = [
        (
            "cart_pole",
            protocol,
            metric,
            "paml",
            baseline,
            quantity,
            round_,
            trials,
            value,
            value - half,
            value + half,
        )
        for protocol in protocols
        for metric in ("nll", "rmse")
        for index, baseline in enumerate(baselines)
        for quantity, round_ in [
            *[("difference", r + 1) for r in range(rounds)],
            ("area_difference", np.nan),
        ]
        for value in [-(index + 1.0) * round_]
    ]
    columns = "experiment protocol metric subject baseline quantity round trials estimate low high"
    return pd.DataFrame(rows, columns=columns.split())


def curves(axis):
    """The lines of an axis other than the one at zero."""
    return [line for line in axis.lines if line.get_label().startswith("minus ")]


def test_rows_are_metrics_and_columns_protocols_in_their_order():
    figure = comparison(compared())
    titles = [axis.get_title() for axis in figure.axes[:3]]
    assert titles == [style.protocol_title(protocol) for protocol in PROTOCOLS]
    assert figure.axes[0].get_ylabel() == "NLL difference\n(nats per transition)"
    assert figure.axes[3].get_ylabel() == "RMSE difference\n(test-grid standard deviations)"
    assert {axis.get_xlabel() for axis in figure.axes[3:]} == {"tasks added"}


def test_lines_are_the_estimates_and_bands_their_intervals():
    axis = comparison(compared()).axes[4]
    second = curves(axis)[1]
    np.testing.assert_allclose(second.get_xdata(), [1, 2, 3, 4])
    np.testing.assert_allclose(second.get_ydata(), [-2, -4, -6, -8])
    band = axis.collections[1].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (-8.5, -1.5)


def test_each_panel_has_a_line_at_zero_and_says_what_the_sides_mean():
    for axis in comparison(compared()).axes:
        (zero,) = (line for line in axis.lines if line not in curves(axis))
        assert set(zero.get_ydata()) == {0.0}
        texts = {text.get_text(): text.get_position()[1] for text in axis.texts}
        assert texts["PAML is better"] < 0.5 < texts["the other strategy is better"]


def test_a_baseline_looks_as_in_the_learning_curves():
    rows = [
        ("cart_pole", strategy, 0, round_, "paper", metric, 1.0)
        for strategy in ("paml", "uniform", "latin_hypercube")
        for round_ in (0, 1)
        for metric in ("nll", "rmse")
    ]
    columns = ["experiment", "strategy", "trial", "round", "protocol", "metric", "value"]
    learning = plotting.learning_curves(pd.DataFrame(rows, columns=columns)).axes[0].lines[1:3]
    differences = curves(comparison(compared()).axes[0])
    for ours, theirs in zip(differences, learning, strict=True):
        assert to_hex(ours.get_color()) == to_hex(theirs.get_color())
        assert ours.get_marker() == theirs.get_marker()
        assert ours._dash_pattern == theirs._dash_pattern


def test_one_legend_names_every_baseline():
    figure = comparison(compared(baselines=["uniform", "my_own"]))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["minus Uniform", "minus my own"]
    assert not any(axis.get_legend() for axis in figure.axes)


@pytest.mark.parametrize(
    ("trials", "subtitle"),
    [
        (10, "mean of 10 paired trials and its 95% interval"),
        (2, "mean of 2 paired trials (too few for intervals)"),
        (1, "one paired trial (too few for intervals)"),
    ],
)
def test_the_title_says_how_many_trials_there_are(trials, subtitle):
    figure = comparison(compared(trials=trials))
    assert figure._suptitle.get_text() == f"cart pole: PAML minus each baseline\n{subtitle}"


@pytest.mark.parametrize(("protocols", "baselines"), [(["paper"], 4), (PROTOCOLS, 9)])
def test_nothing_is_cut_off_or_overlaps(protocols, baselines):
    names = [f"strategy_{index}" for index in range(baselines)]
    figure = comparison(compared(names, protocols))
    figure.draw_without_rendering()
    page = figure.bbox
    boxes = [part.get_tightbbox() for part in (figure._suptitle, figure.legends[0], *figure.axes)]
    for index, box in enumerate(boxes):
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert not any(box.overlaps(other) for other in boxes[:index])


def test_the_texts_keep_clear_of_lines_and_bands():
    figure = comparison(compared())
    figure.draw_without_rendering()
    for axis in figure.axes:
        low, high = axis.transData.transform([(0, -8.5), (0, 0)])[:, 1]
        bottom, top = (text.get_window_extent() for text in axis.texts)
        assert bottom.y1 < low and high < top.y0
