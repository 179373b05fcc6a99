"""What is told, or put into the folder, is checked alike; each run is kept once."""

import io
import warnings
import zipfile
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
from spring_robot import BOX, INPUTS, STATE, files_of, open_learner, record, run

from pamlflow import RecordingError

NAMES = [variable.name for variable in INPUTS]
CHANGES = [variable.name for variable in STATE]


def told(folder):
    """The arrays of the newest task."""
    task = open_learner(folder).tasks.subset([-1])
    return task.descriptors[0], task.inputs, task.outputs


@pytest.mark.parametrize("change", ["nothing", "descriptor", "inputs", "precision"])
def test_a_run_that_was_told_before_is_refused(tmp_path, change):
    learner = open_learner(tmp_path)
    record(learner, 1.0, 2.0)
    descriptor, (inputs, outputs) = np.array([2.0, 4.0]), run([2.0, 4.0])
    which = "inputs and outputs"
    if change == "descriptor":
        descriptor = np.array([2.5, 9.0])
    elif change == "inputs":  # the buffer of the outputs was used again, not that of the inputs
        inputs, which = inputs + 0.25, "outputs"
    elif change == "precision":
        inputs, outputs = inputs.astype(np.float32), outputs.astype(np.float32)
    before = files_of(tmp_path)
    message = rf"task 2: the same {which} as task 1 in all 30 steps, .* kept in .*refused_00\.npz"
    with pytest.raises(RecordingError, match=message):
        learner.tell(descriptor, inputs, outputs)
    assert learner.num_tasks == open_learner(tmp_path).num_tasks == 2
    assert files_of(tmp_path).items() > before.items()
    with np.load(tmp_path / "refused_00.npz") as arrays:
        np.testing.assert_array_equal(arrays["inputs"], inputs)


def test_what_differs_a_little_is_another_run(tmp_path):
    learner, (inputs, outputs) = open_learner(tmp_path), run([1.0, 4.0])
    learner.tell([1.0, 4.0], inputs, outputs)
    learner.tell([1.0, 4.0], inputs, outputs * (1.0 + 1e-5))
    changed = outputs.copy()
    changed[17, 1] += 1e-4
    learner.tell([1.0, 4.0], inputs, changed)
    learner.tell([1.0, 4.0], inputs[:-1], outputs[:-1])
    assert open_learner(tmp_path).num_tasks == 4


def test_runs_in_which_nothing_changed_may_be_alike(tmp_path, caplog):
    learner, still = open_learner(tmp_path), np.zeros((30, 2))
    learner.tell([1.0, 4.0], np.ones((30, 3)), still)
    learner.tell([2.0, 4.0], np.full((30, 3), 2.0), still)
    assert not caplog.messages
    learner.tell([2.5, 4.0], np.ones((30, 3)), still)
    text = "the same inputs and outputs as task 0 in all 30 steps, in which nothing changes"
    assert caplog.messages == [f"task 2: {text}"]


def test_a_run_that_is_in_the_folder_twice_is_named(tmp_path):
    record(open_learner(tmp_path), 1.0, 2.0)
    inputs, outputs = run([1.0, 4.0])
    path = tmp_path / "task_02.npz"
    np.savez(path, descriptor=[2.5, 4.0], inputs=inputs, outputs=outputs)
    message = r"task_02\.npz: the same inputs and outputs as task 0 .*; move one of the two away"
    with pytest.raises(RecordingError, match=message):
        open_learner(tmp_path)


def test_buffers_of_the_robot_may_be_used_again(tmp_path):
    learner = open_learner(tmp_path)
    descriptor, inputs, outputs = np.empty(2), np.empty((30, 3)), np.empty((30, 2))
    for mass in (1.0, 2.0):
        descriptor[:] = mass, 4.0
        inputs[:], outputs[:] = run(descriptor)
        learner.tell(descriptor, inputs, outputs)
    for number, mass in enumerate((1.0, 2.0)):
        expected = run([mass, 4.0])[1]
        np.testing.assert_array_equal(learner.tasks.subset([number]).outputs, expected)


def test_rows_that_come_in_one_buffer_are_kept_each(tmp_path):
    inputs, outputs = run([1.0, 4.0])
    buffer = np.empty(3)

    def rows():
        for row in inputs:
            buffer[:] = row
            yield buffer

    open_learner(tmp_path).tell([1.0, 4.0], rows(), outputs)
    np.testing.assert_array_equal(told(tmp_path)[1], inputs)


Task = namedtuple("Task", ["stiffness", "mass"])


@pytest.mark.parametrize(
    "descriptor",
    [
        {"stiffness": 4.0, "mass": 1.5},
        pd.Series({"stiffness": 4.0, "mass": 1.5}),
        Task(4.0, 1.5),
        np.array((4.0, 1.5), dtype=[("stiffness", float), ("mass", float)]),
        (np.float32(1.5), 4),
    ],
)
def test_columns_with_names_are_put_in_order_by_them(tmp_path, descriptor):
    inputs, outputs = run([1.5, 4.0])
    given = pd.DataFrame(inputs, columns=NAMES)[NAMES[::-1]]
    records = pd.DataFrame(outputs, columns=CHANGES)[CHANGES[::-1]].to_records(index=False)
    open_learner(tmp_path).tell(descriptor, given, records)
    for found, expected in zip(told(tmp_path), ([1.5, 4.0], inputs, outputs), strict=True):
        np.testing.assert_array_equal(found, expected)


class Broken:
    """A table of another library, of which nothing can be read."""

    columns = property(lambda self: ["position", "velocity"])

    def __getitem__(self, name):
        raise KeyError(name)

    def __repr__(self):
        raise RuntimeError("on another device")


def test_the_rest_of_what_was_told_is_kept_where_a_part_cannot_be_read(tmp_path):
    inputs = run([1.5, 4.0])[0]
    with pytest.raises(RecordingError, match="task 0: outputs: expected an array of numbers"):
        open_learner(tmp_path).tell([1.5, 4.0], inputs, Broken())
    with np.load(tmp_path / "refused_00.npz") as arrays:
        np.testing.assert_array_equal(arrays["inputs"], inputs)
        assert "Broken object" in str(arrays["outputs"])


def test_tables_without_names_are_taken_as_they_are(tmp_path):
    inputs, outputs = run([1.5, 4.0])
    open_learner(tmp_path).tell([1.5, 4.0], pd.DataFrame(inputs), pd.DataFrame(outputs))
    np.testing.assert_array_equal(told(tmp_path)[1], inputs)


def test_columns_with_other_names_are_refused_and_kept_with_them(tmp_path):
    inputs, outputs = run([1.5, 4.0])
    wrong = pd.DataFrame(inputs, columns=["position", "speed", "force"])
    message = "columns 'position', 'velocity', 'force' in any order, found 'position', 'speed'"
    with pytest.raises(RecordingError, match=f"task 0: inputs: expected {message}"):
        open_learner(tmp_path).tell([1.5, 4.0], wrong, outputs)
    with np.load(tmp_path / "refused_00.npz") as arrays:
        np.testing.assert_array_equal(arrays["inputs"]["speed"], inputs[:, 1])
    twice = pd.DataFrame(inputs, columns=["position", "velocity", "velocity"])
    with pytest.raises(RecordingError, match="found 'position', 'velocity', 'velocity'"):
        open_learner(tmp_path).tell([1.5, 4.0], twice, outputs)


def test_a_table_in_fortran_order_is_the_same_recording(tmp_path):
    inputs, outputs = run([1.5, 4.0])
    for name, order in (("a", np.ascontiguousarray), ("b", np.asfortranarray)):
        open_learner(tmp_path / name).tell([1.5, 4.0], order(inputs), order(outputs))
    one, other = (tmp_path / name / "task_00.npz" for name in "ab")
    assert one.read_bytes() == other.read_bytes()


WRONG = {
    "text": lambda outputs: outputs.astype(str),
    "bytes": lambda outputs: outputs.astype("S9"),
    "complex": lambda outputs: outputs + 0j,
    "dates": lambda outputs: outputs.astype("m8[s]"),
    "records": lambda outputs: np.array([(1.0, 2.0)] * 30, dtype=[("a", float), ("b", float)]),
    "too large": lambda outputs: outputs.astype(np.longdouble) * np.longdouble("1e400"),
    "infinite": lambda outputs: outputs / 0.0,
    "no axis": lambda outputs: np.float64(1.0),
    "one axis": lambda outputs: outputs[:, 0],
    "three axes": lambda outputs: outputs[:, :, None],
    "transposed": lambda outputs: outputs.T,
    "shorter": lambda outputs: outputs[1:],
    "empty": lambda outputs: outputs[:0],
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("name", WRONG)
def test_what_is_told_and_what_is_in_the_folder_are_checked_alike(tmp_path, name):
    learner, (inputs, outputs) = open_learner(tmp_path), run([1.5, 4.0])
    wrong = WRONG[name](outputs)
    with np.errstate(all="raise"), pytest.raises(RecordingError, match=r"task 0: .*output"):
        learner.tell([1.5, 4.0], inputs, wrong)
    np.savez(tmp_path / "task_00.npz", descriptor=[1.5, 4.0], inputs=inputs, outputs=wrong)
    before = files_of(tmp_path)
    with np.errstate(all="raise"), pytest.raises(RecordingError, match=r"task_00\.npz: .*output"):
        open_learner(tmp_path)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    "values",
    [
        [np.ma.masked_array([1.0, 99.0], mask=[False, True])] * 30,
        [["1.0", "2.0"]] * 30,
        [[True, None]] * 30,
        {"position": 1.0},
        "12",
        object(),
        np.array([[1.0, "2.0"]] * 30, dtype=object),
    ],
)
def test_what_numpy_would_make_numbers_of_is_refused(tmp_path, values):
    with pytest.raises(RecordingError, match="task 0: outputs: expected"):
        open_learner(tmp_path).tell([1.5, 4.0], run([1.5, 4.0])[0], values)
    assert (tmp_path / "refused_00.npz").exists()


@pytest.mark.parametrize("dtype", [">f8", "<f4", "f2", "i4", "?"])
@pytest.mark.parametrize("by_hand", [False, True])
def test_numbers_of_any_kind_are_read_as_what_they_are(tmp_path, dtype, by_hand):
    inputs, outputs = (np.asfortranarray(np.round(each)).astype(dtype) for each in run([1.5, 4.0]))
    outputs[::2] = 1 - outputs[::2].astype(bool)
    learner = open_learner(tmp_path)
    if by_hand:
        np.savez(tmp_path / "task_00.npz", descriptor=[1.5, 4.0], inputs=inputs, outputs=outputs)
    else:
        learner.tell([1.5, 4.0], inputs, outputs)
    for found, expected in zip(told(tmp_path)[1:], (inputs, outputs), strict=True):
        assert found.dtype == np.dtype(np.float64) and found.flags.c_contiguous
        np.testing.assert_array_equal(found, expected.astype(np.float64))


def member(array, **header):
    """A member of an npz file; what its header claims may be something else."""
    content = io.BytesIO()
    claims = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape} | header
    np.lib.format.write_array_header_1_0(content, claims)
    return content.getvalue() + array.tobytes()


def members():
    inputs, outputs = run([1.5, 4.0])
    arrays = {"descriptor": np.array([1.5, 4.0]), "inputs": inputs, "outputs": outputs}
    return {f"{name}.npy": member(array) for name, array in arrays.items()}


def zipped(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members with one name
        for name, content in entries:
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"notes.txt": b"by hand"}, "'notes.txt' is not an array of NumPy"),
        ({"time.npy": member(np.arange(30.0))}, "alone, found .*time"),
        ({"outputs.npy": b"no array"}, "magic string"),
        ({"outputs": b"raw bytes"}, "'outputs' is not an array of NumPy"),
        (
            {"outputs.npy": member(np.zeros((30, 2)), shape=(10**12, 2))},
            "declares .* bytes, and holds 480",
        ),
        (
            {"outputs.npy": member(np.zeros((30, 2)), shape=(29, 2))},
            "declares 464 bytes, and holds 480",
        ),
        (
            {"outputs.npy": member(np.zeros((30, 2)), shape=(-30, -2))},
            "declares the shape .-30, -2.",
        ),
        ({"outputs.npy": member(np.zeros((30, 2)), descr="|O")}, "holds Python objects"),
        (
            {"outputs.npy": member(np.zeros((30, 2)), shape=(30,))},
            "declares 240 bytes, and holds 480",
        ),
    ],
)
def test_members_that_are_no_arrays_are_named(tmp_path, change, problem):
    open_learner(tmp_path)
    path = tmp_path / "task_00.npz"
    zipped(path, (members() | change).items())
    with pytest.raises(RecordingError, match=rf"task_00\.npz: not a recording.*{problem}"):
        open_learner(tmp_path)


def test_an_array_that_is_there_twice_is_refused(tmp_path):
    open_learner(tmp_path)
    zipped(tmp_path / "task_00.npz", [*members().items(), *members().items()])
    with pytest.raises(RecordingError, match=r"arrays of different names"):
        open_learner(tmp_path)


def test_a_compressed_recording_is_as_good_as_another(tmp_path):
    open_learner(tmp_path)
    zipped(tmp_path / "task_00.npz", members().items())
    np.testing.assert_array_equal(told(tmp_path)[2], run([1.5, 4.0])[1])


def test_a_folder_in_place_of_a_recording_is_named(tmp_path):
    open_learner(tmp_path)
    (tmp_path / "task_00.npz").mkdir()
    with pytest.raises(RecordingError, match=r"task_00\.npz: not a file; look at it with `ls -ld"):
        open_learner(tmp_path)


def test_a_descriptor_of_a_robot_is_no_picture(tmp_path):
    for wrong in ([1.0], [1.0, 2.0, 3.0], np.ones((4, 4, 2)), 1.0):
        with pytest.raises(RecordingError) as raised:
            open_learner(tmp_path).tell(wrong, *run([1.5, 4.0]))
        text = f"descriptor: expected [2] (mass, stiffness), found {list(np.shape(wrong))}"
        assert text in str(raised.value) and "picture" not in str(raised.value)


def test_what_is_outside_the_box_is_said_to_be(tmp_path, caplog):
    learner = open_learner(tmp_path)
    learner.tell(BOX.high + 1.0, *run(BOX.high + 1.0))
    assert caplog.messages == ["task 0: [ 4. 11.] is outside the box"]
