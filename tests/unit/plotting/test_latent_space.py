import numpy as np
import pytest
from figure_layout import crowded
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_rgb
from matplotlib.patches import Ellipse

from pamlflow import plotting
from pamlflow.plotting.latent_space import COLORMAP
from pamlflow.tasks import Variable

VARIABLES = (Variable("pole_mass", "kg"), Variable("pole_length", "m"), Variable("gain", "1"))
INITIAL, CHOSEN = 3, 5


def draw(num_latent=2, num_parameters=2, num_chosen=CHOSEN):
    rng = np.random.default_rng(0)
    count = INITIAL + num_chosen
    mean = rng.normal(size=(count, num_latent)) * np.arange(1, num_latent + 1)[::-1]
    variance = rng.uniform(0.01, 0.1, size=(count, num_latent))
    parameters = rng.uniform(size=(count, num_parameters))
    figure = plotting.latent_space(
        mean, variance, parameters, VARIABLES[:num_parameters], num_chosen, "a title"
    )
    return figure, mean, variance, parameters


def ellipses(axis):
    return [patch for patch in axis.patches if isinstance(patch, Ellipse)]


def test_every_task_is_an_ellipse_of_two_standard_deviations():
    figure, mean, variance, _ = draw()
    for axis in figure.axes[:2]:
        found = ellipses(axis)
        np.testing.assert_allclose([ellipse.center for ellipse in found], mean)
        widths = [(ellipse.width, ellipse.height) for ellipse in found]
        np.testing.assert_allclose(widths, 4.0 * np.sqrt(variance))


def test_initial_tasks_are_black_and_chosen_ones_have_the_colour_of_their_parameter():
    figure, _, _, parameters = draw()
    for axis, values in zip(figure.axes[:2], parameters.T, strict=True):
        colors = ScalarMappable(cmap=COLORMAP)
        colors.set_clim(values.min(), values.max())
        points = [to_rgb(line.get_color()) for line in axis.lines]
        assert points[:INITIAL] == [(0.0, 0.0, 0.0)] * INITIAL
        np.testing.assert_allclose(points[INITIAL:], colors.to_rgba(values)[INITIAL:, :3])


def test_chosen_tasks_are_numbered_in_order_at_their_place():
    figure, mean, _, _ = draw()
    for axis in figure.axes[:2]:
        assert [text.get_text() for text in axis.texts] == [str(i + 1) for i in range(CHOSEN)]
        np.testing.assert_allclose([text.xy for text in axis.texts], mean[INITIAL:])


def test_each_panel_has_a_colour_bar_with_name_and_unit():
    figure, *_ = draw(num_parameters=3)
    assert len(figure.axes) == 6
    labels = [axis.get_ylabel() for axis in figure.axes[3:]]
    assert labels == ["pole mass (kg)", "pole length (m)", "gain"]


def test_of_many_latent_dimensions_the_two_of_largest_spread_are_drawn_and_named():
    figure, mean, _, _ = draw(num_latent=4)
    dimensions = np.sort(np.argsort(-mean.var(axis=0))[:2])
    axis = figure.axes[0]
    np.testing.assert_allclose([ellipse.center for ellipse in ellipses(axis)], mean[:, dimensions])
    labels = (axis.get_xlabel(), axis.get_ylabel())
    for label, dimension in zip(labels, dimensions, strict=True):
        assert label.startswith(f"latent dimension {dimension + 1} of 4\n") and "spread" in label


def test_a_single_latent_dimension_is_drawn_as_intervals_in_order():
    figure, mean, variance, _ = draw(num_latent=1)
    axis = figure.axes[0]
    middles = [
        (bar.lines[0].get_xdata()[0], bar.lines[0].get_ydata()[0]) for bar in axis.containers
    ]
    heights = np.arange(-INITIAL, CHOSEN) + 1
    np.testing.assert_allclose(middles, np.stack([mean[:, 0], heights], axis=1))
    spans = [np.ptp(bar.lines[2][0].get_segments()[0][:, 0]) for bar in axis.containers]
    np.testing.assert_allclose(spans, 4.0 * np.sqrt(variance[:, 0]))
    assert axis.get_ylabel() == "order of selection"
    assert axis.get_yticks().tolist() == [1, 2, 3, 4, 5]


def test_many_intervals_are_not_all_numbered():
    mean = np.linspace(0.0, 1.0, 99)[:, None]
    variables = [Variable("pole_mass", "kg")]
    figure = plotting.latent_space(mean, 0.01 + mean, mean, variables, num_chosen=97, title="")
    ticks = figure.axes[0].get_yticks()
    assert len(ticks) < 20 and ticks[0] >= 1 and ticks[-1] <= 97


@pytest.mark.parametrize(("num_latent", "num_parameters"), [(1, 1), (2, 2), (3, 3)])
def test_nothing_is_cut_off_or_overlaps(num_latent, num_parameters):
    assert not crowded(draw(num_latent, num_parameters)[0])
