import numpy as np
import pytest

from pamlflow.acquisition.offer import BoxOffer, PoolOffer
from pamlflow.spaces import Box
from pamlflow.tasks import Variable

BOX = Box((Variable("mass", "kg"), Variable("length", "m")), [0.5, 1.0], [2.0, 3.0])


def rng():
    return np.random.default_rng(0)


def test_a_box_is_spread_and_drawn_from_as_it_does_by_itself():
    offer = BoxOffer(BOX)
    np.testing.assert_array_equal(offer.spread(50, rng()), BOX.sobol(50, rng()))
    np.testing.assert_array_equal(offer.draw(rng()), BOX.sample(1, rng())[0])
    assert offer.is_open
    assert offer.contains(np.array([[0.5, 3.0], [0.4, 2.0]])).tolist() == [True, False]


def test_a_pool_is_all_that_is_left():
    left = BOX.sample(7, rng())
    offer = PoolOffer(left, BOX)
    assert offer.spread(3, rng()) is left
    assert any(np.array_equal(offer.draw(rng()), row) for row in left)
    assert not offer.is_open
    assert offer.contains(np.array([left[2], left[2] + 1e-12])).tolist() == [True, False]


def test_each_task_of_a_pool_is_drawn_as_often_as_any_other():
    generator, left = rng(), np.arange(4.0)[:, None]
    drawn = np.array([PoolOffer(left).draw(generator)[0] for _ in range(4000)])
    counts = np.bincount(drawn.astype(int), minlength=4)
    assert np.all(np.abs(counts - 1000) < 5 * np.sqrt(750))


def test_pictures_are_compared_as_wholes():
    pictures = np.random.default_rng(1).random((3, 4, 4, 1))
    other = pictures[0].copy()
    other[0, 0, 0] = 0.5
    assert PoolOffer(pictures).contains(np.array([pictures[1], other])).tolist() == [True, False]


def test_nothing_can_be_chosen_from_a_pool_that_is_used_up():
    with pytest.raises(ValueError, match="enlarge `pool` or add fewer tasks"):
        PoolOffer(np.empty((0, 2)))
