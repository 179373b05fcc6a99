"""Views of tasks: what is seen of the parameters, what is hidden, what is superfluous."""

import numpy as np
import pytest

from pamlflow.descriptors import (
    Descriptors,
    PictureDescriptors,
    VectorDescriptors,
    make_descriptors,
)
from pamlflow.domains import make_domain
from pamlflow.domains.fixed import fix_parameters
from pamlflow.spaces import Box
from pamlflow.tasks import Variable

VARIABLES = (Variable("pole_mass", "kg"), Variable("pole_length", "m"))
SPACE = Box(VARIABLES, np.array([0.5, 0.5]), np.array([5.0, 2.0]))


def descriptors_of(**settings):
    return VectorDescriptors.from_config(settings, SPACE)


def test_by_default_descriptors_are_the_parameters():
    descriptors, rng = descriptors_of(), np.random.default_rng(0)
    points = SPACE.sample(5, rng)
    assert isinstance(descriptors, Descriptors)
    assert descriptors.space.variables == VARIABLES
    np.testing.assert_array_equal(
        [descriptors.space.low, descriptors.space.high], [SPACE.low, SPACE.high]
    )
    np.testing.assert_array_equal(descriptors.parameters(points, rng), points)
    np.testing.assert_array_equal(descriptors.describe(points, rng), points)


def test_hidden_parameters_are_drawn_anew_at_every_selection():
    descriptors, rng = descriptors_of(hidden=["pole_mass"]), np.random.default_rng(0)
    assert descriptors.space.variables == VARIABLES[1:]
    np.testing.assert_array_equal([descriptors.space.low, descriptors.space.high], [[0.5], [2.0]])
    lengths = np.full((2000, 1), 1.25)
    parameters = descriptors.parameters(lengths, rng)
    np.testing.assert_array_equal(parameters[:, 1:], lengths)
    masses = parameters[:, 0]
    assert masses.min() >= 0.5 and masses.max() <= 5.0
    counts, _ = np.histogram(masses, bins=9, range=(0.5, 5.0))
    np.testing.assert_allclose(counts, 2000 / 9, rtol=0.25)
    np.testing.assert_array_equal(descriptors.describe(parameters, rng), lengths)


def test_superfluous_dimensions_come_last_and_leave_the_parameters_alone():
    descriptors, rng = descriptors_of(superfluous={"epsilon": [0.5, 5.0]}), np.random.default_rng(0)
    assert descriptors.space.variables == (*VARIABLES, Variable("epsilon", "1"))
    np.testing.assert_array_equal(descriptors.space.high, [5.0, 2.0, 5.0])
    chosen = descriptors.space.sample(6, rng)
    np.testing.assert_array_equal(descriptors.parameters(chosen, rng), chosen[:, :2])
    seen = descriptors.describe(chosen[:, :2], rng)
    np.testing.assert_array_equal(seen[:, :2], chosen[:, :2])
    assert descriptors.space.contains(seen).all() and len(np.unique(seen[:, 2])) == 6


def test_hidden_and_superfluous_go_together():
    descriptors = descriptors_of(hidden=["pole_length"], superfluous={"epsilon": [0.0, 1.0]})
    assert [variable.name for variable in descriptors.space.variables] == ["pole_mass", "epsilon"]
    rng = np.random.default_rng(0)
    chosen = descriptors.space.sample(3, rng)
    parameters = descriptors.parameters(chosen, rng)
    np.testing.assert_array_equal(parameters[:, 0], chosen[:, 0])
    assert SPACE.contains(parameters).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": ["mass"]}, "hidden: 'mass' is no parameter; expected some of"),
        ({"hidden": ["pole_mass", "pole_length"]}, "at least one of .* must be seen"),
        ({"superfluous": {"pole_mass": [0.0, 1.0]}}, "superfluous: 'pole_mass' is a parameter"),
        ({"superfluous": {"epsilon": [1.0, 0.0]}}, "'epsilon': expected finite bounds"),
    ],
)
def test_impossible_views_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        descriptors_of(**settings)


LENGTHS = Box(VARIABLES[1:], np.array([0.5]), np.array([4.5]))
CART_POLE = fix_parameters(make_domain("cart_pole"), {"pole_mass": 1.0})


def test_pictures_are_what_the_domain_shows():
    descriptors = make_descriptors({"pictures": {"size": 16}, "hidden": []}, LENGTHS, CART_POLE)
    assert isinstance(descriptors, PictureDescriptors) and isinstance(descriptors, Descriptors)
    assert descriptors.variables == (Variable("brightness", "1"),)
    assert (descriptors.space, descriptors.renderer) == (None, "rays")
    pictures = descriptors.describe(np.array([[1.0], [4.0]]), np.random.default_rng(0))
    assert pictures.shape == (2, 16, 16, 1)
    for picture, length in zip(pictures, (1.0, 4.0), strict=True):
        expected = CART_POLE.picture(np.array([length]), 16, 6.0, "rays")
        np.testing.assert_array_equal(picture, expected)


def test_pictures_cannot_be_asked_for():
    descriptors = PictureDescriptors(LENGTHS, CART_POLE, size=8)
    with pytest.raises(ValueError, match="only chosen: give the experiment a `pool`"):
        descriptors.parameters(np.zeros((1, 8, 8, 1)), np.random.default_rng(0))


class Drawing:
    """A domain that draws as bright as its parameter, and as high if it has no size of its own."""

    def __init__(self, size):
        self.size = size

    def picture(self, parameters, size, height, renderer):
        return np.full((self.size or int(parameters[0]), 4, 1), 0.25 * parameters[0])


@pytest.mark.parametrize(
    ("size", "length", "message"),
    [
        (4, 5.0, r"task 1, pixel \[0, 0\]: descriptor 'brightness' is 1.25"),
        (4, np.nan, r"task 1, pixel \[0, 0\]: descriptor 'brightness' is nan"),
        (None, 2.0, r"task 1: expected a descriptor of shape \(1, 4, 1\).* found \(2, 4, 1\)"),
    ],
)
def test_what_a_domain_draws_must_be_pictures_of_one_size(size, length, message):
    descriptors = PictureDescriptors(LENGTHS, Drawing(size))
    with pytest.raises(ValueError, match=message):
        descriptors.describe(np.array([[1.0], [length]]), np.random.default_rng(0))


def test_a_domain_may_draw_into_the_same_picture_again():
    class Same(Drawing):
        picture_drawn = np.zeros((4, 4, 1))

        def picture(self, parameters, size, height, renderer):
            self.picture_drawn[:] = super().picture(parameters, size, height, renderer)
            return self.picture_drawn

    descriptors = PictureDescriptors(LENGTHS, Same(4))
    pictures = descriptors.describe(np.array([[1.0], [3.0]]), np.random.default_rng(0))
    np.testing.assert_array_equal(pictures[:, 0, 0, 0], [0.25, 0.75])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda p: 1 / 0, r"pole_length = 2\.0 m: .*test_descriptors\.py, line \d+: ZeroDivision"),
        (
            lambda p: None,
            r"pole_length = 2\.0 m: picture: .* found objects such as None",
        ),
        (lambda p: np.ma.masked_equal([[[p[0]]]], 2.0), r"pole_length = 2\.0 m: .*masked values"),
        (lambda p: p.__imul__(2.0), r"pole_length = 2\.0 m: .*ValueError: .*read-only"),
    ],
)
def test_a_picture_that_cannot_be_drawn_is_named_by_its_task(draw, message):
    domain = Drawing(4)
    domain.picture = lambda parameters, size, height, renderer: draw(parameters)
    with pytest.raises(ValueError, match=message):
        PictureDescriptors(LENGTHS, domain).describe(np.array([[2.0]]), np.random.default_rng(0))


def test_pictures_need_a_domain_that_shows_its_tasks():
    with pytest.raises(
        ValueError, match=r"object cannot show its tasks: object lacks the method `picture\(param"
    ):
        make_descriptors({"pictures": {}}, LENGTHS, object())


def test_without_pictures_a_view_is_one_of_vectors():
    descriptors = make_descriptors({"hidden": ["pole_mass"]}, SPACE, make_domain("cart_pole"))
    assert isinstance(descriptors, VectorDescriptors) and descriptors.variables == VARIABLES[1:]
    assert descriptors.renderer == "none"
