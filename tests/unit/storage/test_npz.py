import io
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

from pamlflow.storage import npz


def archive(*members, compression=zipfile.ZIP_STORED):
    """An archive of members (name, content)."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)
    return content.getvalue()


def head(shape, dtype="<f8"):
    """The head of an array, and nothing after it."""
    content = io.BytesIO()
    declared = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(content, declared)
    return content.getvalue()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_writes_is_read(save):
    content = io.BytesIO()
    arrays = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array("text"), "c": np.zeros((0, 2))}
    save(content, **arrays)
    found = npz.read(content.getvalue())
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a zip file"),
        (b"PK\3\4", "not a zip file"),
        (archive(("a.npy", head((10**12, 10**6)))), "'a.npy' declares 8000000000000000000 bytes, "),
        (archive(("a.npy", head((2,)) + bytes(17))), "'a.npy' declares 16 bytes, and holds 17"),
        (archive(("a.npy", head((2,), "|O"))), "'a.npy' holds Python objects"),
        (archive(("a.npy", b"")), "expected 8 bytes"),
        (archive(("a.npy", b"\x93NUMPY\1\0\xff\xff{")), "EOF"),
        (archive(("readme.txt", b"a")), "'readme.txt' is not an array of NumPy"),
        (archive(("a.npy", head((0,))), compression=zipfile.ZIP_LZMA), "is not an array of NumPy"),
        (archive(("a.npy", b"\x93NUMPY\7\0")), "version"),
        (archive(*((f"{n}.npy", head((0,))) for n in range(1001))), "at most 1000 arrays"),
        (
            archive(("a.npy", bytes(npz.LARGEST + 1)), compression=zipfile.ZIP_DEFLATED),
            f"expected at most {npz.LARGEST} bytes of arrays, found {npz.LARGEST + 1}",
        ),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_none_is_refused_within_bounds(content, problem):
    start = time.perf_counter()
    tracemalloc.start()
    with pytest.raises(ValueError, match=problem):
        npz.read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.perf_counter() - start < 2 and peak < 20e6


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name():
    with pytest.raises(ValueError, match="of different names"):
        npz.read(archive(("a.npy", head((0,))), ("a.npy", head((0,)))))


def test_exactly_these_arrays_of_real_numbers():
    content = io.BytesIO()
    np.savez(content, a=np.arange(3), b=np.asfortranarray(np.ones((2, 3), dtype=">f4")))
    b, a = npz.exactly(content.getvalue(), ("b", "a"))
    np.testing.assert_array_equal(a, [0, 1, 2])
    np.testing.assert_array_equal(b, np.ones((2, 3)))
    for names in (("a",), ("a", "b", "c")):
        with pytest.raises(ValueError, match="alone, found a, b"):
            npz.exactly(content.getvalue(), names)


@pytest.mark.parametrize("wrong", [np.array([1j]), np.array(["text"]), np.array(["2020"], "M8[Y]")])
def test_what_is_no_real_number_is_refused_by_name(wrong):
    content = io.BytesIO()
    np.savez(content, a=wrong)
    with pytest.raises(ValueError, match="a: expected an array of real numbers, found"):
        npz.exactly(content.getvalue(), ("a",))


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04 the beginning", b"\0" * 100])
def test_the_beginning_of_an_archive_is_cut_short(content):
    assert npz.is_cut_short(content)
    assert not npz.is_cut_short(b"something else")
