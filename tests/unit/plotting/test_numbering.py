from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure

from pamlflow.plotting.numbering import DISTANCES, ROOM, number_points


def numbered(points, others=()):
    """Number `points` in a unit square of 4 x 4 inches and return the square."""
    figure = Figure(figsize=(4.0, 4.0))
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    number_points(axis, np.array(points), np.reshape(others, (-1, 2)))
    return axis


def positions(axis):
    """Where the numbers of `axis` stand, in printer's points."""
    at = [axis.transData.transform(text.xy) * 72 / axis.figure.dpi for text in axis.texts]
    return np.array(at) + [text.xyann for text in axis.texts]


def test_points_are_numbered_in_order_each_beside_its_point():
    points = [[0.2, 0.3], [0.8, 0.7], [0.5, 0.5]]
    axis = numbered(points)
    assert [text.get_text() for text in axis.texts] == ["1", "2", "3"]
    distances = np.linalg.norm(positions(axis) - np.array(points) * 4 * 72, axis=1)
    np.testing.assert_allclose(distances, DISTANCES[0])


@pytest.mark.parametrize("corner", [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
def test_numbers_of_the_same_corner_stay_inside_and_apart(corner):
    places = positions(numbered([corner] * 5))
    assert np.all(places > 0.0) and np.all(places < 4 * 72)
    for one, other in combinations(places, 2):
        assert np.any(np.abs(one - other) >= 0.7 * ROOM)


def test_numbers_keep_clear_of_other_points():
    (free,) = positions(numbered([[0.5, 0.5]]))
    (place,) = positions(numbered([[0.5, 0.5]], [free / (4 * 72)]))
    assert np.any(np.abs(place - free) >= ROOM)


def test_only_a_number_far_from_its_point_has_a_line_to_it():
    texts = numbered([[0.5, 0.5]] * 12).texts
    far = [np.hypot(*text.xyann) > 1.1 * DISTANCES[0] for text in texts]
    assert [text.arrow_patch is not None for text in texts] == far
    assert any(far) and not all(far)


def test_numbers_do_not_take_part_in_the_layout():
    assert not any(text.get_in_layout() for text in numbered([[0.5, 0.5]]).texts)
