from itertools import product

import numpy as np
import pandas as pd
import pytest
from figure_layout import crowded
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, to_hex

from pamlflow import plotting
from pamlflow.plotting import style
from pamlflow.tasks import Variable

VARIABLES = (Variable("pole_mass", "kg"), Variable("pole_length", "m"), Variable("gain", "1"))
COUNTS = (4, 3, 2)
TITLE = "cart pole: error on each test task"


def scored(strategies=("paml", "oracle"), dimensions=2, trials=2, spread=1.0):
    """NLL = first parameter + trial, squared error = exp(spread * second parameter) (1 + trial)."""
    grid = list(product(*(np.linspace(0.5, 2.0, count) for count in COUNTS[:dimensions])))
    names = [variable.name for variable in VARIABLES[:dimensions]]
    tables = []
    for strategy, trial in product(strategies, range(trials)):
        table = pd.DataFrame(grid, columns=names).assign(strategy=strategy)
        table["nll"] = table[names[0]] + trial
        table["squared_error"] = np.exp(spread * table[names[-1]]) * (1 + trial)
        tables.append(table.sample(frac=1.0, random_state=trial))
    return pd.concat(tables)


def trained(dimensions=2):
    names = [variable.name for variable in VARIABLES[:dimensions]]
    points = np.linspace(0.6, 1.9, 5)[:, None].repeat(dimensions, axis=1)
    return {"paml": pd.DataFrame(points, columns=names).assign(round=[0, 0, 1, 2, 3])}


def meshes(figure, columns):
    panels = np.array(figure.axes[: 2 * columns]).reshape(2, columns)
    return [[axis.findobj(QuadMesh)[0] for axis in row] for row in panels]


def test_maps_show_means_over_trials_with_the_root_taken_last():
    figure = plotting.error_maps(scored(), trained(), VARIABLES[:2], TITLE)
    mass, length = np.meshgrid(np.linspace(0.5, 2.0, 4), np.linspace(0.5, 2.0, 3))
    (nll, _), (rmse, _) = meshes(figure, 2)
    np.testing.assert_allclose(nll.get_array(), mass + 0.5)
    np.testing.assert_allclose(rmse.get_array(), np.sqrt(np.exp(length) * 1.5))


def test_cells_are_centred_on_the_test_tasks():
    figure = plotting.error_maps(scored(), trained(), VARIABLES[:2], TITLE)
    corners = meshes(figure, 2)[0][0].get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], np.linspace(0.25, 2.25, 5))
    np.testing.assert_allclose(corners[:, 0, 1], np.linspace(0.125, 2.375, 4))


def test_a_row_has_one_scale_between_its_percentiles():
    scores = scored()
    scores.loc[scores["strategy"] == "oracle", "nll"] -= 3.0
    (paml, oracle), _ = meshes(plotting.error_maps(scores, {}, VARIABLES[:2], TITLE), 2)
    assert paml.get_clim() == oracle.get_clim()
    values = np.concatenate([paml.get_array().data.ravel(), oracle.get_array().data.ravel()])
    np.testing.assert_allclose(paml.get_clim(), np.percentile(values, [2, 98]))


@pytest.mark.parametrize(("spread", "logarithmic"), [(1.0, False), (8.0, True)])
def test_the_rmse_has_a_logarithmic_scale_where_it_spans_decades(spread, logarithmic):
    figure = plotting.error_maps(scored(spread=spread), {}, VARIABLES[:2], TITLE)
    (nll, _), (rmse, _) = meshes(figure, 2)
    assert isinstance(rmse.norm, LogNorm) == logarithmic and not isinstance(nll.norm, LogNorm)


def test_training_tasks_are_marked_initial_ones_black_and_chosen_ones_white():
    figure = plotting.error_maps(scored(), trained(), VARIABLES[:2], TITLE)
    for axis in (figure.axes[0], figure.axes[2]):
        initial, chosen = axis.lines
        assert (initial.get_color(), len(initial.get_xdata())) == ("black", 2)
        assert (chosen.get_color(), len(chosen.get_xdata())) == ("white", 3)
    assert not figure.axes[1].lines


def test_a_third_descriptor_without_effect_is_averaged_over():
    scores = pd.concat([scored(), scored(trials=1).assign(nll=100.0)])
    (nll, _), _ = meshes(plotting.error_maps(scores, {}, VARIABLES[:2], TITLE), 2)
    mass = np.linspace(0.5, 2.0, 4)
    np.testing.assert_allclose(nll.get_array()[0], (2 * mass + 1 + 100) / 3)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_other_numbers_of_parameters_give_lines_in_the_strategies_colours(dimensions):
    scores = scored(dimensions=dimensions)
    figure = plotting.error_maps(scores, trained(dimensions), VARIABLES[:dimensions], TITLE)
    assert len(figure.axes) == 2 * dimensions
    last = figure.axes[-1]
    values = np.linspace(0.5, 2.0, COUNTS[dimensions - 1])
    lines = {line.get_label(): line for line in last.lines}
    for strategy in ("paml", "oracle"):
        line = lines[style.strategy_name(strategy)]
        assert to_hex(line.get_color()) == to_hex(style.strategy_styles([strategy])[strategy].color)
        np.testing.assert_allclose(line.get_xdata(), values)
        np.testing.assert_allclose(line.get_ydata(), np.sqrt(np.exp(values) * 1.5))
    (rug,) = (line for line in last.lines if line.get_marker() == "|")
    assert len(rug.get_xdata()) == 3


def test_two_parameters_off_a_grid_give_lines():
    scores = scored().query("pole_mass > 0.5 or pole_length > 0.5")
    figure = plotting.error_maps(scores, trained(), VARIABLES[:2], TITLE)
    assert not figure.findobj(QuadMesh)
    assert [axis.get_xlabel() for axis in figure.axes[2:]] == ["pole mass (kg)", "pole length (m)"]


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_nothing_is_cut_off_or_overlaps(dimensions):
    strategies = ["paml", "uniform", "latin_hypercube", "oracle"]
    figure = plotting.error_maps(
        scored(strategies, dimensions), trained(dimensions), VARIABLES[:dimensions], TITLE
    )
    assert not crowded(figure)


def test_the_oracle_alone_has_a_narrow_map_without_a_legend():
    figure = plotting.error_maps(scored(["oracle"]), {}, VARIABLES[:2], 3 * TITLE)
    assert not crowded(figure) and not figure.legends
