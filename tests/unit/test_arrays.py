"""Arrays as users give them."""

from collections import namedtuple

import numpy as np
import pandas as pd
import pytest

from pamlflow.arrays import check_shape, indices, numbers, read_only, whole_numbers

COLUMNS = ("mass", "length")
EXPECTED = [[3.0, 1.0], [4.0, 2.0]]
FRAME = pd.DataFrame({"length": [1, 2], "mass": [3.0, 4.0]})
Row = namedtuple("Row", ("length", "mass"))


@pytest.mark.parametrize(
    "kind", ["u1", "i1", "u2", "u8", "f2", "f4", "f8", "g", ">f8", ">i4", "bool"]
)
def test_numbers_of_any_kind_are_copied_as_float64(kind):
    values = np.array([[0, 1], [1, 0]], dtype=kind)
    found = numbers("x", values)
    assert found.dtype == np.float64 and found.dtype.isnative
    np.testing.assert_array_equal(found, [[0.0, 1.0], [1.0, 0.0]])
    values[0, 0] = 1
    assert found[0, 0] == 0.0


def test_what_is_read_only_is_a_copy_that_cannot_be_written_to():
    values = np.zeros(2)
    with pytest.raises(ValueError, match="read-only"):
        read_only("x", values)[0] = 1.0
    values[0] = 1.0


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1.0 + 0j], "complex numbers"),
        (["1.5"], "text"),
        ([b"1.5"], "text"),
        ([1.0, "2"], "text"),
        (np.array(["2020-01-01"], dtype="M8[s]"), "dates"),
        (np.array([1], dtype="m8[s]"), "durations"),
        ([1.0, None], "objects such as None"),
        ({1.0, 2.0}, r"objects such as \{1\.0, 2\.0\}"),
        (np.array([1.0, 2.0], dtype=object), r"objects such as 1\.0"),
        ([2**70], f"objects such as {2**70}"),
        ([[1.0, 2.0], [3.0]], "something else .*inhomogeneous"),
        (np.ma.masked_array([1.0, 2.0], [False, True]), "masked values; leave out the rows"),
        ([np.ma.masked_array([1.0, 2.0], [False, True])], "masked values"),
        ([[1.0, np.ma.masked]], "masked values"),
    ],
)
def test_what_is_no_real_number_is_refused(values, found):
    with pytest.raises(ValueError, match=f"^x: expected an array of real numbers, found {found}"):
        numbers("x", values)


def test_an_array_of_another_library_may_raise_what_it_likes():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("call detach first")

    with pytest.raises(ValueError, match=r"x: .* found something else \(call detach first\)"):
        numbers("x", Tensor())


def test_nothing_masked_is_an_array_like_others():
    np.testing.assert_array_equal(numbers("x", np.ma.masked_array([1.0, 2.0])), [1.0, 2.0])


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, np.uint64(2**63)])
def test_whole_numbers_that_would_lose_digits_are_refused(value):
    with pytest.raises(ValueError, match=rf"at most 2\*\*53, found {value}; measure from a nearer"):
        numbers("x", [0, value] if isinstance(value, int) else np.array([value]))
    np.testing.assert_array_equal(numbers("x", [2**53, -(2**53)]), [2.0**53, -(2.0**53)])


@pytest.mark.parametrize(
    "values",
    [
        FRAME,
        FRAME.convert_dtypes(),
        FRAME.to_dict("list"),
        FRAME.to_records(index=False),
        [FRAME.iloc[0], FRAME.iloc[1]],
        FRAME.to_dict("records"),
        [Row(1, 3), Row(2, 4)],
        FRAME[["mass", "length"]].to_numpy(),
        pd.DataFrame(EXPECTED),
        pd.DataFrame(EXPECTED, index=["first", "second"], columns=["mass", "length"]),
    ],
    ids=[
        "frame",
        "nullable",
        "dict",
        "records",
        "rows",
        "dicts",
        "tuples",
        "array",
        "none",
        "index",
    ],
)
def test_columns_are_brought_into_order_by_their_names(values):
    np.testing.assert_array_equal(numbers("x", values, COLUMNS), EXPECTED)


@pytest.mark.parametrize("row", [FRAME.iloc[0], {"length": 1, "mass": 3.0}, Row(1, 3.0)])
def test_one_row_is_brought_into_order_by_its_names(row):
    np.testing.assert_array_equal(numbers("x", row, COLUMNS), [3.0, 1.0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (FRAME.rename(columns={"mass": "load"}), "expected columns 'mass', 'length' in any order"),
        (FRAME.assign(time=0.0), "found 'length', 'mass', 'time'; rename, add or leave out"),
        (FRAME[["mass"]], "found 'mass'; rename"),
        (pd.concat([FRAME, FRAME["mass"]], axis=1), "found 'length', 'mass', 'mass'"),
        (FRAME.assign(mass="heavy"), "x: 'mass': expected an array of real numbers"),
        ({"mass": [1.0, 2.0], "length": [1.0]}, r"parts of one shape, found \[1\] and \[2\]"),
    ],
)
def test_columns_of_other_names_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        numbers("x", values, COLUMNS)


@pytest.mark.parametrize("values", [FRAME, FRAME.iloc[0], FRAME.to_records(index=False)])
def test_names_are_refused_where_they_mean_nothing(values):
    with pytest.raises(ValueError, match=r"x: expected an array without names, found .*'length'"):
        numbers("x", values)


def test_a_column_is_no_row_whatever_its_index():
    column = pd.Series([1.0, 2.0], index=pd.date_range("2020-01-01", periods=2), name="mass")
    np.testing.assert_array_equal(numbers("x", column), [1.0, 2.0])


@pytest.mark.parametrize("values", [[3.0, 1.0], np.array([3, 1], dtype=np.uint8)])
def test_whole_numbers_of_any_kind(values):
    found = whole_numbers("x", values)
    assert found.dtype == np.int64 and found.tolist() == [3, 1]


@pytest.mark.parametrize("values", [[3.5], [np.nan], [np.inf], [True, False]])
def test_what_is_no_whole_number_is_refused(values):
    with pytest.raises(ValueError, match="x: expected whole numbers, found"):
        whole_numbers("x", values)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([0, 2], [0, 2]),
        ([-1], [2]),
        ((), []),
        (np.array([1, 2], dtype=np.uint8), [1, 2]),
        (pd.Index([2]), [2]),
        (range(2), [0, 1]),
    ],
)
def test_indices_are_counted_from_zero(values, found):
    assert indices("x", values, 3) == found


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([3], "3"),
        ([-4], "-4"),
        ([1.0], r"1\.0"),
        ([np.nan], "nan"),
        (["angle"], "'angle'"),
        ("angle", "'angle'"),
        ([True, False, True], "a mask"),
        (np.array([True, False, True]), "a mask"),
        ([1, 1], "1 twice"),
        ([2, -1], "2 twice"),
        (1, "1"),
        (np.array(1), r"array\(1\)"),
        (np.array([[0, 1]]), r"array\(\[0, 1\]\)"),
        (None, "None"),
        ({0: 1}, r"\{0: 1\}"),
    ],
)
def test_what_is_no_index_is_refused(values, found):
    expected = "x: expected different whole numbers from 0 to 2, found"
    with pytest.raises(ValueError, match=f"^{expected} {found}"):
        indices("x", values, 3)


def test_columns_may_be_called_by_name():
    assert indices("x", ["b", 0], 3, ["a", "b", "c"]) == [1, 0]
    with pytest.raises(ValueError, match=r"from 0 to 2 or some of 'a', 'b', 'c', found 'd'"):
        indices("x", ["d"], 3, ["a", "b", "c"])


@pytest.mark.parametrize(
    ("shape", "expected", "message"),
    [
        ((5,), ("T", 4), r"x: expected shape \[T, 4\], found \[5\]$"),
        ((100, 3), ("T", 4), r"\[T, 4\], found \[100, 3\]$"),
        ((4, 100), ("T", 4), r"\[T, 4\], found \[4, 100\]; .* \(transposed\)$"),
        ((8, 4, 9), (8, 9, 4), r"\[8, 9, 4\], found \[8, 4, 9\]; .* \(transposed\)$"),
        ((7, 4, 9), (8, 9, 4), r"found \[7, 4, 9\]$"),
    ],
)
def test_another_shape_is_refused(shape, expected, message):
    with pytest.raises(ValueError, match=message):
        check_shape("x", np.zeros(shape), expected)


def test_a_letter_is_any_length():
    check_shape("x", np.zeros((7, 4)), ("T", 4))
