from functools import cache

import numpy as np
import pytest
from figure_layout import crowded
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from pamlflow import plotting
from pamlflow.tasks import Variable

LENGTH = Variable("pole_length", "m")
TITLE = "cart pole pixels: a title"
HEIGHT, WIDTH = 6, 8


def candidates(count=40, seed=0):
    """Pictures of uniform brightness, and hidden values that rise with it, in no order."""
    values = np.random.default_rng(seed).permutation(np.linspace(0.5, 4.5, count))
    return np.ones((count, HEIGHT, WIDTH, 1)) * values[:, None, None, None] / 5.0, values


@cache
def montage_of_forty():
    return plotting.montage(*candidates(), LENGTH, TITLE)


def drawn(figure):
    """The pictures of a figure's panels, panel by panel."""
    return [axis.images[0].get_array() for axis in figure.axes if axis.images]


def titles(figure):
    return [title for title in (axis.get_title() for axis in figure.axes) if title]


def test_a_montage_has_twelve_pictures_evenly_spread_in_order_of_the_hidden_value():
    figure = montage_of_forty()
    brightness = [np.unique(picture) for picture in drawn(figure)]
    assert len(brightness) == 12 and {picture.shape for picture in drawn(figure)} == {(6, 8)}
    spacing = 4.0 / 39
    np.testing.assert_allclose(
        np.ravel(brightness) * 5.0, np.linspace(0.5, 4.5, 12), atol=0.5 * spacing + 1e-9
    )


def test_each_picture_of_a_montage_is_labelled_with_its_value_and_unit():
    figure = montage_of_forty()
    values = [5.0 * picture.mean() for picture in drawn(figure)]
    assert titles(figure) == [
        f"{value:.3f} m" if value < 1 else f"{value:.2f} m" for value in values
    ]
    assert "in order of pole length" in figure._suptitle.get_text()


def test_a_value_without_unit_is_labelled_alone():
    pictures, values = candidates(3)
    figure = plotting.montage(pictures, 100.0 * values, Variable("gain", "1"), TITLE)
    assert titles(figure) == ["50.0", "250", "450"]


@pytest.mark.parametrize("count", [1, 5, 7, 12])
def test_a_montage_of_few_pictures_has_them_all(count):
    pictures, values = candidates(count)
    found = [
        picture.mean() * 5.0 for picture in drawn(plotting.montage(pictures, values, LENGTH, ""))
    ]
    np.testing.assert_allclose(found, np.sort(values))


def test_pictures_that_lie_close_together_are_drawn_once_each():
    pictures, _ = candidates(20)
    values = np.append(np.linspace(0.5, 0.51, 19), 4.5)
    shown = [picture.mean() for picture in drawn(plotting.montage(pictures, values, LENGTH, ""))]
    assert len(set(shown)) == 12 and shown[-1] == pictures[-1].mean()


def test_the_grey_of_a_picture_is_its_brightness_whatever_else_is_drawn():
    for axis in plotting.montage(*candidates(3), LENGTH, TITLE).axes:
        assert axis.images[0].get_clim() == (0.0, 1.0)


@cache  # nothing changes the figure
def reconstructed(offset=-0.05):
    pictures, values = candidates()
    decoded = pictures + offset * values[:, None, None, None]
    figure = plotting.reconstructions(pictures, decoded, values, LENGTH, TITLE)
    return figure, np.reshape(drawn(figure), (3, 8, HEIGHT, WIDTH))


def test_rows_are_pictures_their_reconstructions_and_the_difference():
    figure, (pictures, decoded, difference) = reconstructed()
    values = 5.0 * pictures[:, 0, 0]
    assert np.all(np.diff(values) > 0) and (values[0], values[-1]) == (0.5, 4.5)
    np.testing.assert_allclose(decoded, pictures * (1.0 - 0.25))
    np.testing.assert_allclose(difference, -0.25 * pictures)
    labels = [axis.get_ylabel() for axis in figure.axes[::8][:3]]
    assert labels == ["picture", "reconstruction", "difference"]
    assert len(titles(figure)) == 8
    assert titles(figure)[0] == "0.500 m" and titles(figure)[-1] == "4.50 m"


@pytest.mark.parametrize("offset", [-0.05, 0.02])
def test_the_scale_of_the_difference_is_symmetric_and_reaches_the_largest_one(offset):
    figure, (_, _, difference) = reconstructed(offset)
    limit = np.abs(difference).max()
    for axis in figure.axes[16:24]:
        np.testing.assert_allclose(axis.images[0].get_clim(), (-limit, limit))
    for axis in figure.axes[:16]:
        assert axis.images[0].get_clim() == (0.0, 1.0)


def test_brightness_and_difference_have_their_own_colour_bars():
    figure, _ = reconstructed()
    labels = [axis.get_ylabel() for axis in figure.axes[24:]]
    assert labels == ["brightness", "reconstruction\nminus picture"]
    difference = figure.axes[-1].get_ylim()
    np.testing.assert_allclose(difference, figure.axes[16].images[0].get_clim())


def test_a_perfect_reconstruction_has_a_difference_in_the_middle_of_the_scale():
    figure, _ = reconstructed(offset=0.0)
    for axis in figure.axes[16:24]:
        image = axis.images[0]
        np.testing.assert_allclose(image.norm(image.get_array()), 0.5)


@cache
def traversed(n=5, shift=0.0):
    """Pictures at (h1, h2) whose brightness is (h1 + 10 h2) / 100, and a candidate in each of three cells."""
    latents = np.linspace([0.0, 1.0], [4.0, 9.0], n)
    h1, h2 = np.meshgrid(*latents.T, indexing="ij")
    decoded = np.ones((HEIGHT, WIDTH, 1)) * ((h1 + 10.0 * h2) / 100.0)[..., None, None, None]
    decoded[:, :, 0] = 0.0  # a black line along the top of each
    means = np.array([[0.1, 1.1], [2.2, 4.9], [2.0, 5.1], [4.0, 9.0]]) + shift
    values = np.array([0.5, 2.0, 3.0, 4.5])
    figure = plotting.traversal(decoded, latents, means, values, LENGTH, TITLE)
    return figure, latents, decoded, means


def test_a_decoded_picture_stands_upright_at_its_place_in_the_latent_space():
    figure, latents, decoded, _ = traversed()
    (image,) = figure.axes[0].images
    pixels = image.get_array()
    left, right, bottom, top = image.get_extent()
    assert image.origin == "upper"
    for i, h1 in enumerate(latents[:, 0]):
        for j, h2 in enumerate(latents[:, 1]):
            column = round((h1 - left) / (right - left) * pixels.shape[1] - WIDTH / 2)
            row = round((top - h2) / (top - bottom) * pixels.shape[0] - HEIGHT / 2)
            found = pixels[row : row + HEIGHT, column : column + WIDTH]
            np.testing.assert_array_equal(found, decoded[i, j, ..., 0])


def test_a_decoded_picture_keeps_its_shape_on_the_page():
    figure, latents, _, _ = traversed()
    figure.draw_without_rendering()
    step = latents[1] - latents[0]
    for axis in figure.axes[:2]:
        origin, corner = axis.transData.transform([(0.0, 0.0), step])
        width, height = corner - origin
        np.testing.assert_allclose(height / width, HEIGHT / WIDTH)


def test_candidates_stand_at_their_means_in_the_colour_of_the_hidden_value():
    figure, _, _, means = traversed()
    points = figure.axes[1].collections[0]
    np.testing.assert_array_equal(points.get_offsets(), means)
    np.testing.assert_array_equal(points.get_array(), [0.5, 2.0, 3.0, 4.5])
    assert figure.axes[2].get_ylabel() == "pole length (m)"


def test_decoded_pictures_where_candidates_lie_are_framed_in_the_colour_of_their_average():
    figure, _, _, _ = traversed()
    frames = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    centers = [
        np.add(frame.get_xy(), (frame.get_width() / 2, frame.get_height() / 2)) for frame in frames
    ]
    np.testing.assert_allclose(centers, [[0.0, 1.0], [2.0, 5.0], [4.0, 9.0]])
    colors = figure.axes[1].collections[0]
    for frame, average in zip(frames, [0.5, 2.5, 4.5], strict=True):
        assert frame.get_edgecolor() == to_rgba(colors.to_rgba(average))


def test_both_panels_have_the_same_axes_with_room_for_candidates_beyond_the_grid():
    figure, _, _, means = traversed(shift=20.0)
    left, right = figure.axes[:2]
    assert (left.get_xlabel(), left.get_ylabel()) == ("$h_1$", "$h_2$")
    assert left.get_xlim() == right.get_xlim() == (-0.5, means[:, 0].max())
    assert left.get_ylim() == right.get_ylim() == (0.0, means[:, 1].max())


PICTURES, VALUES = candidates(4)


@pytest.mark.parametrize(
    ("pictures", "values", "message"),
    [
        (PICTURES[..., 0], VALUES, r"pictures must be of shape \[C, H, W, 1\].*\(4, 6, 8\)"),
        (PICTURES.repeat(3, axis=-1), VALUES, r"pictures must be .*\(4, 6, 8, 3\)"),
        (PICTURES[:0], VALUES[:0], "C > 0"),
        (PICTURES, VALUES[:3], r"values must be of shape \(4,\), one for each picture.*\(3,\)"),
    ],
)
def test_pictures_of_a_wrong_shape_or_number_are_refused(pictures, values, message):
    with pytest.raises(ValueError, match=message):
        plotting.montage(pictures, values, LENGTH, TITLE)
    with pytest.raises(ValueError, match=message):
        plotting.reconstructions(pictures, pictures, values, LENGTH, TITLE)


def test_reconstructions_of_another_shape_are_refused():
    with pytest.raises(
        ValueError, match=r"decoded must be of shape \(4, 6, 8, 1\).*\(4, 8, 6, 1\)"
    ):
        plotting.reconstructions(PICTURES, PICTURES.swapaxes(1, 2), VALUES, LENGTH, TITLE)


GRID = np.linspace([0.0, 0.0], [1.0, 1.0], 2)
DECODED = np.zeros((2, 2, HEIGHT, WIDTH, 1))
MEANS = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("decoded", "latents", "means", "message"),
    [
        (DECODED, np.zeros((2, 3)), MEANS, "latents must be .* two-dimensional"),
        (DECODED[:1, :1], GRID[:1], MEANS, "n > 1"),
        (DECODED[:1], GRID, MEANS, r"decoded must be of shape \(2, 2, 6, 8, 1\)"),
        (DECODED[..., 0], GRID, MEANS, r"decoded must be of shape \(2, 2, 6, 8, 1\)"),
        (DECODED, GRID[::-1], MEANS, "latents must rise evenly"),
        (np.zeros((3, 3, 6, 8, 1)), np.array([[0, 0], [1, 1], [2, 3]]), MEANS, "must rise evenly"),
        (DECODED, GRID, MEANS[:3], r"means must be of shape \(4, 2\).*\(3, 2\)"),
        (DECODED, GRID, np.zeros((4, 3)), r"means must be of shape \(4, 2\).*\(4, 3\)"),
    ],
)
def test_a_traversal_of_shapes_that_disagree_is_refused(decoded, latents, means, message):
    with pytest.raises(ValueError, match=message):
        plotting.traversal(decoded, latents, means, VALUES, LENGTH, TITLE)


def test_what_is_drawn_is_not_changed():
    pictures, values = candidates()
    before = pictures.copy(), values.copy()
    plotting.montage(pictures, values, LENGTH, TITLE)
    plotting.reconstructions(pictures, pictures, values, LENGTH, TITLE)
    np.testing.assert_array_equal(pictures, before[0])
    np.testing.assert_array_equal(values, before[1])


@pytest.mark.parametrize("count", [1, 7, 40])
def test_nothing_of_a_montage_or_of_reconstructions_is_cut_off_or_overlaps(count):
    pictures, values = candidates(count)
    assert not crowded(plotting.montage(pictures, values, LENGTH, TITLE))
    assert not crowded(plotting.reconstructions(pictures, pictures, values, LENGTH, TITLE))


def test_nothing_of_a_traversal_is_cut_off_or_overlaps():
    assert not crowded(traversed()[0])
