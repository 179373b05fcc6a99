"""The box of task descriptors."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pamlflow.spaces import Box
from pamlflow.tasks import Variable

VARIABLES = (Variable("pole_mass", "kg"), Variable("pole_length", "m"))
BOX = Box(VARIABLES, np.array([0.5, 0.4]), np.array([5.0, 2.0]))

seeds = st.integers(0, 2**63 - 1)
counts = st.integers(1, 20)


@st.composite
def boxes(draw):
    dimensions = draw(st.integers(1, 4))
    low = draw(arrays(np.float64, dimensions, elements=st.floats(-100, 100)))
    width = draw(arrays(np.float64, dimensions, elements=st.floats(0.01, 100)))
    return Box(tuple(Variable(f"x{i}", "m") for i in range(dimensions)), low, low + width)


@given(boxes(), counts, seeds, st.sampled_from(["sample", "latin_hypercube", "sobol"]))
def test_drawn_points_lie_in_the_box_and_follow_the_seed(box, count, seed, method):
    points, again = (getattr(box, method)(count, np.random.default_rng(seed)) for _ in range(2))
    assert points.shape == (count, len(box.variables))
    assert box.contains(points).all()
    np.testing.assert_array_equal(points, again)


@given(boxes(), counts, seeds)
def test_latin_hypercube_has_one_point_per_stratum(box, count, seed):
    points = box.latin_hypercube(count, np.random.default_rng(seed))
    strata = np.floor(count * (points - box.low) / (box.high - box.low))
    np.testing.assert_array_equal(
        np.sort(strata, axis=0), np.tile(np.arange(count)[:, None], len(box.variables))
    )


def test_latin_hypercube_is_maximin():
    def closest(points):
        distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
        return distances[~np.eye(len(points), dtype=bool)].min()

    rng = np.random.default_rng(0)
    unit = Box(VARIABLES, np.zeros(2), np.ones(2))
    ours = np.mean([closest(unit.latin_hypercube(10, rng)) for _ in range(20)])
    uniform = np.mean([closest(unit.sample(10, rng)) for _ in range(20)])
    assert ours > 2 * uniform


def test_sobol_is_quiet_about_any_count():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BOX.sobol(7, np.random.default_rng(0))


@given(boxes(), st.data())
def test_grid_is_regular_and_includes_the_bounds(box, data):
    numbers = [data.draw(st.integers(2, 5)) for _ in box.variables]
    grid = box.grid(numbers)
    assert grid.shape == (np.prod(numbers), len(box.variables))
    assert box.contains(grid).all()
    for column, low, high, number in zip(grid.T, box.low, box.high, numbers, strict=True):
        values = np.unique(column)
        assert values[0] == low
        assert values[-1] == high
        np.testing.assert_allclose(np.diff(values), (high - low) / (number - 1))
    assert len(np.unique(grid, axis=0)) == len(grid)


def test_grid_runs_through_the_last_dimension_first():
    np.testing.assert_allclose(
        BOX.grid([2, 3]), [[m, length] for m in (0.5, 5.0) for length in (0.4, 1.2, 2.0)]
    )


@pytest.mark.parametrize("numbers", [[10], [10, 1]])
def test_grid_needs_both_ends_of_each_dimension(numbers):
    with pytest.raises(ValueError, match="at least 2 points along each of 2 dimensions"):
        BOX.grid(numbers)


@given(boxes(), st.data())
def test_contains_includes_the_bounds_and_nothing_beyond(box, data):
    dimension = data.draw(st.integers(0, len(box.variables) - 1))
    below, above = box.low.copy(), box.high.copy()
    below[dimension] = np.nextafter(box.low[dimension], -np.inf)
    above[dimension] = np.nextafter(box.high[dimension], np.inf)
    inside = box.contains(np.stack([box.low, box.high, below, above]))
    np.testing.assert_array_equal(inside, [True, True, False, False])


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (np.nan, 1.0), (0.0, np.inf)])
def test_bounds_are_checked(low, high):
    with pytest.raises(ValueError, match="'pole_length': expected finite bounds with low < high"):
        Box(VARIABLES, np.array([0.0, low]), np.array([1.0, high]))


def test_one_bound_per_variable():
    with pytest.raises(ValueError, match=r"low: .* each of 2 variables, found shape \(3,\)"):
        Box(VARIABLES, np.zeros(3), np.ones(3))


def test_from_config_orders_dimensions_as_the_variables():
    box = Box.from_config({"pole_length": [0.4, 2.0], "pole_mass": [0.5, 5]}, VARIABLES)
    assert box.variables == VARIABLES
    np.testing.assert_array_equal([box.low, box.high], [BOX.low, BOX.high])


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"pole_mass": [0.5, 5.0]}, "expected bounds of .*'pole_length'.*found those of"),
        ({"pole_mass": [0.5, 5.0], "pole_lenght": [0.5, 2.0]}, "'pole_lenght'"),
        ({"pole_mass": [0.5, 5.0], "pole_length": [2.0]}, r"'pole_length' needs \[low, high\]"),
        ({"pole_mass": [0.5, 5.0], "pole_length": 2.0}, r"'pole_length' needs \[low, high\]"),
        ({"pole_mass": [0.5, 5.0], "pole_length": ["1", "2"]}, "space: .* found text"),
    ],
)
def test_from_config_names_what_is_wrong(bounds, message):
    with pytest.raises(ValueError, match=message):
        Box.from_config(bounds, VARIABLES)


def test_named_bounds_and_points_are_brought_into_order():
    low, high = (
        {"pole_length": 0.4, "pole_mass": 0.5},
        pd.Series([2.0, 5.0], ["pole_length", "pole_mass"]),
    )
    box = Box(VARIABLES, low, high)
    np.testing.assert_array_equal([box.low, box.high], [BOX.low, BOX.high])
    points = pd.DataFrame({"pole_length": [1.0, 4.0], "pole_mass": [4.0, 1.0]})
    np.testing.assert_array_equal(box.contains(points), [True, False])
    with pytest.raises(ValueError, match="points: expected columns 'pole_mass', 'pole_length'"):
        box.contains(points.rename(columns={"pole_mass": "load"}))


@pytest.mark.parametrize("kind", ["u1", "i1", "f2"])
def test_points_of_any_type_are_in_the_box_or_not(kind):
    np.testing.assert_array_equal(BOX.contains(np.array([[5, 1], [1, 3]], kind)), [True, False])


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([1.0, 1.0], r"points: expected shape \[C, 2\], found \[2\]"),
        ([[1.0, 1.0, 1.0]], r"found \[1, 3\]"),
        (np.ones((2, 5)), r"found \[2, 5\]; .* \(transposed\)"),
        ([["1.0", "1.0"]], "points: expected an array of real numbers, found text"),
    ],
)
def test_what_are_no_points_is_refused(points, message):
    with pytest.raises(ValueError, match=message):
        BOX.contains(points)


def test_dimensions_are_chosen_by_a_mask():
    assert BOX.subset([False, True]).variables == VARIABLES[1:]
    for chosen in ([1, 0], [True], ["pole_mass", "pole_length"]):
        with pytest.raises(ValueError, match="chosen: expected a mask of 2 booleans, found"):
            BOX.subset(chosen)


@pytest.mark.parametrize("counts", [[2.5, 2], [True, True], ["2", "3"], 2, [[2, 2]]])
def test_counts_of_a_grid_are_whole_numbers(counts):
    with pytest.raises(ValueError, match="grid: expected"):
        BOX.grid(counts)


def test_what_is_no_variable_is_named():
    with pytest.raises(TypeError, match=r"low: expected variables such as .*, found 'mass'"):
        Box(("mass",), [0.0], [1.0])
