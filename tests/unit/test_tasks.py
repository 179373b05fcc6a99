"""Sets of tasks that may differ in length."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.tasks import TaskSet, Variable

LENGTHS = [3, 1, 4]


def make_tasks(lengths=LENGTHS, seed=0):
    rng = np.random.default_rng(seed)
    return TaskSet(
        inputs=rng.normal(size=(sum(lengths), 3)),
        outputs=rng.normal(size=(sum(lengths), 2)),
        lengths=np.array(lengths),
        descriptors=rng.normal(size=(len(lengths), 1)),
        parameters=rng.normal(size=(len(lengths), 2)),
        input_variables=(Variable("cos", "1"), Variable("sin", "1"), Variable("force", "N")),
        output_variables=(Variable("angle_change", "rad"), Variable("speed_change", "rad/s")),
        descriptor_variables=(Variable("length", "m"),),
        parameter_variables=(Variable("length", "m"), Variable("mass", "kg")),
    )


def make_pictures(count=3, size=(4, 5)):
    return np.random.default_rng(0).uniform(size=(count, *size, 1))


def pictured(tasks):
    """The same tasks, seen as pictures of one colour channel."""
    return dataclasses.replace(
        tasks,
        descriptors=make_pictures(tasks.num_tasks),
        descriptor_variables=(Variable("brightness", "1"),),
    )


def split(tasks, array):
    return np.split(array, np.cumsum(tasks.lengths)[:-1])


def assert_same(ours, theirs):
    for field in dataclasses.fields(TaskSet):
        np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))


def test_arrays_are_copied_and_read_only():
    inputs = np.zeros((3, 3))
    tasks = dataclasses.replace(make_tasks([3]), inputs=inputs)
    inputs[0, 0] = 1.0
    assert tasks.inputs[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        tasks.inputs[0, 0] = 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.zeros((7, 3))}, r"inputs: expected 8 rows \(one per transition\).*\(7, 3\)"),
        ({"outputs": np.zeros((8, 3))}, r"2 columns \(angle_change, speed_change\).*\(8, 3\)"),
        ({"descriptors": np.zeros((2, 1))}, r"descriptors: expected 3 rows \(one per task\)"),
        ({"parameters": np.zeros(3)}, r"parameters: expected 3 rows.*\(3,\)"),
        ({"lengths": np.array([3, 0, 5])}, r"lengths: expected one positive.*\[3, 0, 5\]"),
        ({"lengths": np.array([], dtype=np.int64)}, r"at least one task, found \[\]"),
        ({"lengths": np.array([3, 1, 3])}, r"inputs: expected 7 rows"),
    ],
)
def test_shapes_that_disagree_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(make_tasks(), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"inputs": np.zeros((3, 8))},
            r"inputs: expected \[T, 3\], one row per transition and the columns cos, sin, force, "
            r"found \[3, 8\]; it looks transposed",
        ),
        (
            {"outputs": np.zeros((2, 8))},
            r"outputs: expected \[T, 2\], .*, found \[2, 8\]; it looks",
        ),
        ({"parameters": np.zeros((2, 3))}, r"parameters: expected \[N, 2\], .* found \[2, 3\]"),
        ({"descriptors": np.zeros((1, 3))}, r"descriptors: expected \[N, 1\], .* found \[1, 3\]"),
        # A learner takes the length of its one task from the array.
        ({"inputs": np.zeros((3, 8)), "lengths": [3]}, r"expected \[T, 3\], .* found \[3, 8\]"),
    ],
)
def test_what_looks_transposed_is_called_so(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(make_tasks(), **change)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 1), (1, 3)])
def test_a_wrong_vector_does_not_speak_of_pictures(shape):
    with pytest.raises(ValueError, match="descriptors: expected") as refused:
        dataclasses.replace(make_tasks(), descriptors=np.zeros(shape))
    assert "picture" not in str(refused.value)


@pytest.mark.parametrize("kind", ["u1", "i2", "f2", ">f8"])
def test_numbers_of_any_type_are_the_same_tasks(kind):
    tasks = make_tasks()
    rows = np.arange(24, dtype=kind).reshape(8, 3)
    given = {"inputs": rows, "outputs": rows[:, :2], "lengths": np.array(LENGTHS, dtype="u1")}
    given |= {"descriptors": rows[:3, :1], "parameters": rows[:3, :2]}
    changed = dataclasses.replace(tasks, **given)
    for name, values in given.items():
        np.testing.assert_array_equal(getattr(changed, name), values)
        assert getattr(changed, name).dtype == (np.int64 if name == "lengths" else np.float64)


def test_columns_are_brought_into_the_order_of_the_variables():
    tasks = make_tasks()
    change = {}
    for quantity in ("input", "output", "descriptor", "parameter"):
        names = [variable.name for variable in getattr(tasks, f"{quantity}_variables")]
        frame = pd.DataFrame(getattr(tasks, f"{quantity}s"), columns=names)
        change[f"{quantity}s"] = frame[names[::-1]]
    assert_same(dataclasses.replace(tasks, **change), tasks)
    for name, frame in change.items():
        with pytest.raises(ValueError, match=f"{name}: expected columns .*'unknown"):
            dataclasses.replace(tasks, **{name: frame.add_prefix("unknown")})


@pytest.mark.parametrize("name", ["inputs", "outputs", "parameters", "descriptors"])
@pytest.mark.parametrize("spoil", [lambda x: x + 0j, lambda x: x.astype(str), np.ma.masked_less])
def test_what_is_no_number_is_refused_by_name(name, spoil):
    values = getattr(make_tasks(), name)
    spoilt = spoil(values, 0.0) if spoil is np.ma.masked_less else spoil(values)
    with pytest.raises(ValueError, match=f"{name}: expected an array of real numbers, found"):
        dataclasses.replace(make_tasks(), **{name: spoilt})


def test_lengths_are_whole_numbers():
    with pytest.raises(ValueError, match=r"lengths: expected whole numbers, found \[3\.0, 1\.5"):
        dataclasses.replace(make_tasks(), lengths=[3.0, 1.5, 4.0])


@pytest.mark.parametrize(
    ("row", "place"),
    [(0, "task 0, step 0"), (2, "task 0, step 2"), (3, "task 1, step 0"), (7, "task 2, step 3")],
)
def test_not_finite_transition_is_refused_by_task_and_step(row, place):
    outputs = np.zeros((8, 2))
    outputs[row, 1] = np.nan
    with pytest.raises(ValueError, match=f"^{place}: output 'speed_change' is nan"):
        dataclasses.replace(make_tasks(), outputs=outputs)


def test_not_finite_descriptor_is_refused_by_task():
    with pytest.raises(ValueError, match=r"^task 2: descriptor 'length' is inf"):
        dataclasses.replace(make_tasks(), descriptors=[[0.0], [1.0], [np.inf]])


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [
        (
            (2, 3, 1, 0),
            np.nan,
            r"^task 2, pixel \[3, 1\]: descriptor 'brightness' is nan; pictures",
        ),
        ((0, 0, 4, 0), 255.0, r"^task 0, pixel \[0, 4\]: .* is 255.0; .* from 0 to 1"),
        ((1, 2, 2, 0), -0.1, r"^task 1, pixel \[2, 2\]: .* is -0.1"),
    ],
)
def test_a_picture_that_is_none_is_refused_by_task_and_pixel(index, value, message):
    pictures = make_pictures()
    pictures[index] = value
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(pictured(make_tasks()), descriptors=pictures)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([*make_pictures(2), make_pictures(1, (4, 6))[0]], r"task 2: .*\(4, 5, 1\).*\(4, 6, 1\)"),
        (
            make_pictures(2),
            r"expected 3 rows .* or pictures \[3, H, W, 1\], found shape \(2, 4, 5, 1\)",
        ),
        (make_pictures()[..., 0], r"found shape \(3, 4, 5\)"),
        (make_pictures().repeat(3, axis=-1), r"found shape \(3, 4, 5, 3\)"),
        (
            (255 * make_pictures()).astype(np.uint8),
            "floating-point numbers from 0 to 1, found uint8",
        ),
        (
            [*make_pictures(2), np.ones((4, 5, 1), dtype=np.uint8)],
            "floating-point numbers from 0 to 1, found uint8",
        ),
    ],
    ids=["size", "number", "no channel", "channels", "bytes", "some bytes"],
)
def test_pictures_of_another_size_number_or_type_are_refused(pictures, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(pictured(make_tasks()), descriptors=pictures)


def test_pictures_are_chosen_appended_and_stored_like_vectors():
    tasks = pictured(make_tasks())
    head, tail = tasks.subset([0, 1]), tasks.subset([2])
    np.testing.assert_array_equal(tail.descriptors, tasks.descriptors[2:])
    assert_same(head.append(tail), tasks)
    assert_same(TaskSet.from_datasets(tasks.to_datasets()), tasks)
    larger = dataclasses.replace(tail, descriptors=make_pictures(1, (8, 8)))
    with pytest.raises(ValueError, match=r"shape \(4, 5, 1\) here, \(8, 8, 1\) there"):
        head.append(larger)


def test_subset_keeps_the_order_asked_for():
    tasks = make_tasks()
    chosen = tasks.subset([2, 0, 2])
    inputs, outputs = split(tasks, tasks.inputs), split(tasks, tasks.outputs)
    np.testing.assert_array_equal(chosen.lengths, [4, 3, 4])
    np.testing.assert_array_equal(chosen.inputs, np.concatenate([inputs[i] for i in (2, 0, 2)]))
    np.testing.assert_array_equal(chosen.outputs, np.concatenate([outputs[i] for i in (2, 0, 2)]))
    np.testing.assert_array_equal(chosen.descriptors, tasks.descriptors[[2, 0, 2]])
    np.testing.assert_array_equal(chosen.parameters, tasks.parameters[[2, 0, 2]])


def test_subset_by_mask_or_negative_index():
    tasks = make_tasks()
    assert_same(tasks.subset([False, False, True]), tasks.subset([-1]))


def test_subset_out_of_range_or_empty_is_refused():
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        make_tasks().subset([3])
    with pytest.raises(ValueError, match="at least one task"):
        make_tasks().subset(np.zeros(3, dtype=bool))


@given(st.lists(st.integers(1, 5), min_size=2, max_size=6), st.data())
def test_append_undoes_a_split(lengths, data):
    tasks = make_tasks(lengths)
    cut = data.draw(st.integers(1, len(lengths) - 1))
    head, tail = tasks.subset(np.arange(cut)), tasks.subset(np.arange(cut, len(lengths)))
    assert_same(head.append(tail), tasks)


def test_variables_may_be_given_as_a_list():
    tasks = make_tasks()
    listed = dataclasses.replace(tasks, input_variables=list(tasks.input_variables))
    assert listed.append(tasks).num_tasks == 2 * tasks.num_tasks


def test_append_refuses_other_variables():
    tasks = make_tasks()
    other = dataclasses.replace(tasks, descriptor_variables=(Variable("length", "cm"),))
    with pytest.raises(ValueError, match=r"descriptor_variables.*unit='m'.*unit='cm'"):
        tasks.append(other)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_padded_holds_each_task_and_zeros_behind_it(lengths):
    tasks = make_tasks(lengths)
    inputs, outputs, mask = tasks.padded()
    assert inputs.shape == (len(lengths), max(lengths), 3)
    assert outputs.shape == (len(lengths), max(lengths), 2)
    for i, length in enumerate(lengths):
        np.testing.assert_array_equal(inputs[i, :length], split(tasks, tasks.inputs)[i])
        np.testing.assert_array_equal(outputs[i, :length], split(tasks, tasks.outputs)[i])
        np.testing.assert_array_equal(mask[i], np.arange(max(lengths)) < length)
        assert not inputs[i, length:].any()
        assert not outputs[i, length:].any()


def test_datasets_round_trip():
    tasks = make_tasks()
    datasets = tasks.to_datasets()
    assert datasets["tasks/input_names"] == ["cos", "sin", "force"]
    assert datasets["tasks/parameter_units"] == ["m", "kg"]
    assert_same(TaskSet.from_datasets(datasets | {"context/order": np.arange(8)}), tasks)
