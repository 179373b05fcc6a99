import numpy as np
import pandas as pd
import pytest
from figure_layout import crowded
from matplotlib.colors import to_hex

from pamlflow import plotting
from pamlflow.plotting import style

PROTOCOLS = ["paper", "few_shot_0", "few_shot_20"]


def tidy(strategies=("paml", "uniform", "oracle"), protocols=PROTOCOLS, trials=3, rounds=3):
    """A table in which strategy s of trial t scores 10 s + t in every round."""
    rows = [
        ("cart_pole", strategy, trial, round_, protocol, metric, 10.0 * index + trial)
        for index, strategy in enumerate(strategies)
        for trial in range(trials)
        for round_ in range(1 if strategy == "oracle" else rounds)
        for protocol in protocols
        for metric in ("nll", "rmse", "coverage_50")
    ]
    columns = ["experiment", "strategy", "trial", "round", "protocol", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_rows_are_metrics_and_columns_protocols_in_their_order():
    figure = plotting.learning_curves(tidy())
    titles = [axis.get_title() for axis in figure.axes[:3]]
    assert titles == [style.protocol_title(protocol) for protocol in PROTOCOLS]
    assert len(figure.axes) == 2 * 3
    assert figure.axes[0].get_ylabel() == "NLL\n(nats per transition)"
    assert figure.axes[3].get_ylabel() == "RMSE\n(test-grid standard deviations)"
    assert {axis.get_xlabel() for axis in figure.axes[3:]} == {"tasks added"}


def test_lines_are_means_and_the_band_is_one_standard_error():
    axis = plotting.learning_curves(tidy()).axes[0]
    uniform = axis.lines[1]
    np.testing.assert_allclose(uniform.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(uniform.get_ydata(), [11, 11, 11])
    band = axis.collections[1].get_paths()[0].vertices[:, 1]
    error = np.std([10, 11, 12], ddof=1) / np.sqrt(3)
    np.testing.assert_allclose([band.min(), band.max()], [11 - error, 11 + error])


def test_the_oracle_is_a_horizontal_band():
    axis = plotting.learning_curves(tidy()).axes[0]
    (line,) = (line for line in axis.lines if line.get_label().startswith("Oracle"))
    np.testing.assert_allclose(line.get_ydata(), 21)
    (band,) = axis.patches
    np.testing.assert_allclose(band.get_height(), 2 * np.std([20, 21, 22], ddof=1) / np.sqrt(3))


@pytest.mark.parametrize(
    ("strategies", "expected"),
    [
        (["paml", "uniform"], ["PAML", "Uniform"]),
        (["latin_hypercube", "my_own"], ["Latin hypercube", "my own"]),
        (["oracle"], ["Oracle (trained on the test tasks)"]),
        (["oracle", "paml"], ["PAML", "Oracle (trained on the test tasks)"]),
    ],
)
def test_one_legend_names_every_strategy(strategies, expected):
    figure = plotting.learning_curves(tidy(strategies, trials=1))
    assert legend(figure) == expected
    assert not any(axis.get_legend() for axis in figure.axes)


@pytest.mark.parametrize(
    "strategies",
    [["latin_hypercube"], ["uniform", "latin_hypercube"], ["latin_hypercube", "my_own", "paml"]],
)
def test_a_strategy_keeps_its_look_whatever_is_drawn_beside_it(strategies):
    lines = plotting.learning_curves(tidy(strategies, ["paper"], trials=1)).axes[0].lines
    curves = [line for line in lines if len(line.get_xdata())]
    line = curves[strategies.index("latin_hypercube")]
    look = style.strategy_styles(["latin_hypercube"])["latin_hypercube"]
    assert (to_hex(line.get_color()), line.get_marker()) == (look.color, look.marker)
    assert len({str(line._dash_pattern) for line in curves}) == len(curves)


@pytest.mark.parametrize(("protocols", "strategies"), [(["paper"], 4), (PROTOCOLS, 9)])
def test_nothing_is_cut_off_or_overlaps(protocols, strategies):
    names = [f"strategy_{index}" for index in range(strategies)]
    assert not crowded(plotting.learning_curves(tidy(names, protocols)))


def test_a_few_huge_means_are_cut_off_and_named():
    table = tidy(["paml", "uniform"], ["paper"], trials=2, rounds=8)
    plain = plotting.learning_curves(table).axes[0]
    assert plain.get_ylim()[1] > 11 and not plain.texts
    huge = (table["strategy"] == "paml") & (table["round"] == 0) & (table["metric"] == "nll")
    table.loc[huge, "value"] = 5432.0
    nll, rmse = plotting.learning_curves(table).axes
    assert nll.get_ylim()[1] < 50 and nll.get_ylim()[0] < 0.5
    assert [text.get_text() for text in nll.texts] == ["cut off: means up to 5.43e+03"]
    assert not rmse.texts
    table["value"] = np.where(huge, 5432.0, 1.0)  # without a spread there is nothing to see
    assert not plotting.learning_curves(table).axes[0].texts


def with_trivial(table, nll, rmse):
    """The table with what predicting the mean scores."""
    scores = {"nll": ("trivial_nll", nll), "rmse": ("trivial_rmse", rmse)}
    rows = [
        table[table["metric"] == metric].assign(metric=name, value=value)
        for metric, (name, value) in scores.items()
    ]
    return pd.concat([table, *rows])


def test_predicting_the_mean_is_a_line_where_the_axis_reaches_it():
    """Curves lie at 1 and 11, the oracle at 21."""
    table = tidy(protocols=["paper"])
    plain = [axis.get_ylim() for axis in plotting.learning_curves(table).axes]
    figure = plotting.learning_curves(with_trivial(table, 15.0, 1000.0))
    nll, rmse = figure.axes
    assert [axis.get_ylim() for axis in figure.axes] == plain
    assert [
        line.get_ydata()[0] for line in nll.lines if line.get_label() == style.TRIVIAL_NAME
    ] == [15.0]
    assert style.TRIVIAL_NAME not in [line.get_label() for line in rmse.lines]
    assert legend(figure) == [
        "PAML",
        "Uniform",
        style.TRIVIAL_NAME,
        "Oracle (trained on the test tasks)",
    ]
    note = "worse than predicting the mean (15): Oracle (trained on the test tasks)"
    assert [text.get_text().replace("\n", " ") for text in nll.texts] == [note]
    assert not rmse.texts


def test_what_ends_worse_than_the_mean_is_named_though_the_line_is_out_of_sight():
    table = tidy(["paml", "uniform"], ["paper"])
    table.loc[(table["strategy"] == "uniform") & (table["round"] < 2), "value"] = -5.0
    nll, rmse = plotting.learning_curves(with_trivial(table, -100.0, 10.0)).axes
    assert not [
        line for axis in (nll,) for line in axis.lines if line.get_label() == style.TRIVIAL_NAME
    ]
    (text,) = nll.texts
    assert text.get_text().replace("\n", " ").endswith("(-100): PAML, Uniform")
    (text,) = rmse.texts
    assert text.get_text().replace("\n", " ").endswith("(10): Uniform")


@pytest.mark.parametrize("protocols", [["paper"], PROTOCOLS])
def test_nothing_is_cut_off_where_all_are_worse_than_the_mean(protocols):
    names = [f"a_strategy_{index}" for index in range(4)]
    assert not crowded(plotting.learning_curves(with_trivial(tidy(names, protocols), 0.5, 0.5)))
    assert not crowded(plotting.overview(with_trivial(several(names, names), 0.5, 0.5), "paper"))


def several(*strategies):
    """A table of an experiment for each list of strategies; the first one's scores are 0 and more."""
    tables = [tidy(names).assign(experiment=f"x_{index}") for index, names in enumerate(strategies)]
    return pd.concat(tables)


PAIRS = (["paml", "oracle"], ["paml", "uniform", "oracle"], ["uniform", "oracle"], ["oracle"])


def test_an_overview_has_nll_above_rmse_for_each_experiment():
    figure = plotting.overview(several(*PAIRS), "few_shot_0")
    titled = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titled == [f"x {index}\n3 trials" for index in range(4)]
    labels = [axis.get_ylabel().partition(" ")[0] for axis in figure.axes]
    assert labels == ["NLL", "", "", "RMSE", "", "", "NLL", "RMSE"]
    below = [axis.get_xlabel() for axis in figure.axes]
    assert all(axis.xaxis.label.get_visible() for axis in figure.axes if axis.get_xlabel())
    assert below == ["", "", "", *["tasks added"] * 3, "", "tasks added"]


def test_an_overview_draws_the_scores_of_its_protocol_and_metric():
    table = several(*PAIRS[:2])
    chosen = (table["protocol"] == "paper") & (table["metric"] == "rmse")
    table.loc[chosen & (table["experiment"] == "x_1"), "value"] = 7.0
    axes = plotting.overview(table, "paper").axes
    assert set(axes[3].lines[0].get_ydata()) == {7.0}
    for axis in axes[:3]:
        assert set(axis.lines[0].get_ydata()) == {1.0}


def test_the_legend_of_an_overview_names_each_strategy_once_and_the_oracle_last():
    figure = plotting.overview(several(*PAIRS), "paper")
    assert legend(figure) == ["PAML", "Uniform", "Oracle (trained on the test tasks)"]


@pytest.mark.parametrize("experiments", [1, 2, 3, 4, 6, 7])
def test_nothing_in_an_overview_is_cut_off_or_overlaps(experiments):
    assert not crowded(
        plotting.overview(several(*[["paml", "mine", "oracle"]] * experiments), "paper")
    )


def test_an_overview_of_what_was_not_scored_says_what_was():
    with pytest.raises(ValueError, match="under the protocol 'full'; there are: paper, few_shot_0"):
        plotting.overview(several(*PAIRS), "full")
