"""Logs in files of several kinds."""

import gzip
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

from pamlflow.domains.frames.files import LogError, LogFile

FRAME = pd.DataFrame({"t": [0.0, 0.1, 0.2], "x": [1.0, 2.5, -3.0]})


@pytest.fixture
def read(tmp_path):
    """What a file of this name and content is read as."""

    def read(name, content, *arguments):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return LogFile(path).frame(*arguments)

    return read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.csv", "t,x\n0.0,1.0\n0.1,2.5\n0.2,-3.0\n"),
        ("log.CSV", "t,x\r\n0.0,1.0\r\n0.1,2.5\r\n0.2,-3.0\r\n"),
        ("log.csv", "t; x\n0.0; 1.0\n0.1; 2.5\n0.2; -3.0\n"),
        ("log.tsv", "t\tx\n0.0\t1.0\n0.1\t2.5\n0.2\t-3.0\n"),
        ("log.txt", "# t,x\n0.0,1.0\n0.1,2.5\n0.2,-3.0\n"),
        ("log.csv", "\ufefft,x\n0.0,1.0\n0.1,2.5\n0.2,-3.0"),
        ("log.csv.gz", gzip.compress(b"t,x\n0.0,1.0\n0.1,2.5\n0.2,-3.0\n", mtime=0)),
    ],
)
def test_tables_of_text_are_read_as_they_are_written(read, name, content):
    pd.testing.assert_frame_equal(read(name, content), FRAME)


def test_digits_are_not_lost(read):
    value = 0.1 + 0.2
    assert read("log.csv", f"x\n{value!r}\n")["x"][0] == value


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.csv", "", r"log\.csv: cannot be read: expected columns with a header, found nothing"),
        (
            "log.csv",
            "0.0,1.0\n0.1,2.5\n",
            r"expected the names of columns in the first line, found",
        ),
        ("log.csv", b"\xff\xfe\x00", r"cannot be read: 'utf-8' codec"),
        ("log.csv", "t,x\n0,1\n0,1,2,3\n", r"cannot be read: .*line 3"),
        ("log.csv.gz", b"no gzip", r"cannot be read: Not a gzipped file"),
        ("log.npz", b"no archive", r"log\.npz: cannot be read: "),
        ("log.h5", b"no HDF5", r"log\.h5: cannot be read: "),
        ("log.xlsx", b"", r"log\.xlsx: expected a file of csv, tsv, .* found '\.xlsx'"),
        ("log", b"", r"log: expected a file of csv, .* found ''"),
    ],
)
def test_what_is_no_log_is_told(read, name, content, message):
    with pytest.raises(LogError, match=message):
        read(name, content)


def test_what_is_not_there_is_told(tmp_path):
    (tmp_path / "log_1.csv").touch()
    with pytest.raises(
        LogError, match=r"log_2\.csv: there is no such file; did you mean 'log_1\.csv'"
    ):
        LogFile(tmp_path / "log_2.csv")
    with pytest.raises(LogError, match=r"there is no folder .*/none, seen from /"):
        LogFile(tmp_path / "none" / "log.csv")
    (tmp_path / "some.csv").mkdir()
    with pytest.raises(LogError, match=r"found a folder without metadata\.yaml"):
        LogFile(tmp_path / "some.csv")


def test_a_file_is_read_once(tmp_path):
    path = tmp_path / "log.csv"
    FRAME.to_csv(path, index=False)
    log = LogFile(path)
    path.write_text("y\n1\n")
    pd.testing.assert_frame_equal(log.frame(), FRAME)


def test_arrays_are_columns_and_others_are_left(tmp_path):
    path = tmp_path / "log.npz"
    np.savez(
        path, t=FRAME["t"], state=np.arange(6).reshape(3, 2), image=np.zeros((3, 4, 4, 3)), n=5
    )
    frame = LogFile(path).frame(["t", "state[1]"])
    assert list(frame) == ["t", "state[0]", "state[1]"] and frame["state[1]"].tolist() == [1, 3, 5]
    np.savez(path, objects=np.array([{}], dtype=object))
    with pytest.raises(LogError, match=r"cannot be read: .*pickle"):
        LogFile(path).frame(["objects"])


def test_controls_may_be_one_less_than_states(tmp_path):
    path = tmp_path / "log.npz"
    np.savez(path, state=np.arange(4), control=[1, 2, 3], more=[1, 2])
    frame = LogFile(path).frame(["state", "control"])
    np.testing.assert_array_equal(frame["control"], [1.0, 2.0, 3.0, np.nan])
    with pytest.raises(
        LogError, match=r"expected arrays of one length, found {'state': 4, 'more': 2}"
    ):
        LogFile(path).frame(["state", "more"])


def test_groups_and_units_of_hdf5(tmp_path):
    path = tmp_path / "log.hdf5"
    with h5py.File(path, "w") as file:
        file["a/b/state"] = np.arange(6.0).reshape(3, 2)
        file["a/b/state"].attrs["units"] = "deg"
        file["a/b/names"] = ["x", "y", "z"]
        file["a/other"] = np.zeros(7)
    frame = LogFile(path).frame(["state[0]", "names"], "a/b")
    assert frame.attrs["units"] == {"state[0]": "deg", "state[1]": "deg"}
    assert frame["names"].tolist() == ["x", "y", "z"]
    assert list(LogFile(path).frame(["b/state[1]"], "a")) == ["b/state[0]", "b/state[1]"]
    assert list(LogFile(path).frame(["a/other"])) == ["a/other"]
    assert "a/other" in LogFile(path).frame(["a/b/state[0]"]).attrs["known"]
    with pytest.raises(LogError, match=r"no group 'a/c'; did you mean 'a/b'"):
        LogFile(path).frame(["state[0]"], "a/c")


@pytest.mark.parametrize(
    ("name", "missing", "what"),
    [("log.parquet", "pyarrow", "a Parquet file"), ("log.mcap", "rosbags", "a bag")],
)
def test_what_has_to_be_installed_is_named(read, monkeypatch, name, missing, what):
    for module in (missing, f"{missing}.parquet", f"{missing}.highlevel"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        LogError, match=rf"{what} needs a Python package .*: pip install -e '\.\[logs\]'"
    ):
        read(name, b"PAR1", ["/topic.field"])


def test_parquet_has_lists_and_units(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="needs pip install -e '.[logs]'")
    import pyarrow.parquet

    angle = arrow.field("angle", arrow.float32(), metadata={"unit": "deg"})
    state = arrow.field("state", arrow.list_(arrow.float32()))
    columns = [arrow.array([1.0, 2.0], angle.type), arrow.array([[1, 2], [3, 4]], state.type)]
    path = tmp_path / "log.parquet"
    pyarrow.parquet.write_table(arrow.table(columns, arrow.schema([angle, state])), path)
    frame = LogFile(path).frame()
    assert frame["angle"].tolist() == [1.0, 2.0] and frame.attrs["units"] == {"angle": "deg"}
    assert [row[1] for row in frame["state"]] == [2.0, 4.0]
