"""Pools of candidate tasks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.pool import Pool
from pamlflow.tasks import Variable

LENGTH, BRIGHTNESS = Variable("pole_length", "m"), Variable("brightness", "1")


def pool_of(count, size=(4, 4)):
    pictures = np.random.default_rng(0).uniform(size=(count, *size, 1))
    return Pool(pictures, np.arange(float(count))[:, None], (BRIGHTNESS,), (LENGTH,))


@given(st.integers(1, 8), st.data())
def test_the_chosen_and_the_unchosen_are_the_pool(count, data):
    pool = pool_of(count)
    rows = data.draw(st.lists(st.integers(0, count - 1), unique=True))
    left = pool.unchosen(np.array(rows, dtype=np.int64))
    assert left.shape == (count - len(rows), 4, 4, 1)
    others = [row for row in range(count) if row not in rows]
    np.testing.assert_array_equal(left, pool.descriptors[others])


def test_rows_are_drawn_without_replacement_and_at_random():
    pool, rng = pool_of(5), np.random.default_rng(0)
    draws = np.array([pool.draw(3, rng) for _ in range(1000)])
    assert all(len(set(rows)) == 3 for rows in draws.tolist())
    np.testing.assert_allclose(np.bincount(draws[:, 0]), 200, atol=45)
    assert sorted(pool.draw(5, rng)) == list(range(5))
    with pytest.raises(ValueError, match=r"at least 6 candidates .* found 5; enlarge `pool`"):
        pool.draw(6, rng)


def test_the_row_of_a_descriptor_is_one_that_is_left():
    pool = pool_of(4)
    assert pool.row(pool.descriptors[2], np.array([0, 3])) == 2
    for descriptor, rows in ((pool.descriptors[2], [2]), (np.zeros((4, 4, 1)), [0])):
        with pytest.raises(ValueError, match="chose a descriptor that is not among the candidates"):
            pool.row(descriptor, np.array(rows))


def test_datasets_round_trip_and_arrays_are_read_only():
    pool = pool_of(3)
    again = Pool.from_datasets(pool.to_datasets())
    np.testing.assert_array_equal(again.descriptors, pool.descriptors)
    np.testing.assert_array_equal(again.parameters, pool.parameters)
    assert again.descriptor_variables == (BRIGHTNESS,)
    assert again.parameter_variables == (LENGTH,)
    with pytest.raises(ValueError, match="read-only"):
        pool.descriptors[0] = 0.0


@pytest.mark.parametrize(
    ("pictures", "parameters", "message"),
    [
        (np.zeros((0, 4, 4, 1)), np.zeros((0, 1)), "at least one candidate, found none"),
        (np.zeros((3, 4, 4, 1)), np.zeros((2, 1)), r"shape \[3, 1\], .* found \[2, 1\]"),
        (np.full((3, 4, 4, 1), 2.0), np.zeros((3, 1)), r"task 0, pixel \[0, 0\]: .* is 2.0"),
        ([np.zeros((4, 4, 1)), np.zeros((5, 5, 1))], np.zeros((2, 1)), r"task 1: .* \(5, 5, 1\)"),
    ],
)
def test_what_is_no_pool_is_refused(pictures, parameters, message):
    with pytest.raises(ValueError, match=message):
        Pool(pictures, parameters, (BRIGHTNESS,), (LENGTH,))


def test_columns_of_a_pool_are_brought_into_order():
    variables = (Variable("mass", "kg"), LENGTH)
    frame = pd.DataFrame({"pole_length": [1.0, 2.0, 3.0], "mass": [4.0, 5.0, 6.0]})
    pool = Pool(frame, frame.to_dict("list"), variables, variables)
    np.testing.assert_array_equal(pool.descriptors, [[4.0, 1.0], [5.0, 2.0], [6.0, 3.0]])
    np.testing.assert_array_equal(pool.parameters, pool.descriptors)
    with pytest.raises(ValueError, match="parameters: expected columns 'mass', 'pole_length'"):
        Pool(frame, frame[["mass"]], variables, variables)


@pytest.mark.parametrize("rows", [[-5], [4], [0.5], [1, 1], [True, False, False, False]])
def test_rows_that_are_none_of_the_pool_are_refused(rows):
    with pytest.raises(ValueError, match="rows of the pool: expected different whole numbers"):
        pool_of(4).unchosen(np.array(rows))


def test_the_last_row_may_be_counted_from_the_end():
    pool = pool_of(4)
    np.testing.assert_array_equal(pool.unchosen(np.array([-1])), pool.descriptors[:3])
