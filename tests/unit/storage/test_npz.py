"""Files of NumPy's are looked at before they are read."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from pamlflow.storage import npz


def written(**arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def test_arrays_are_those_that_were_written():
    a, b = np.arange(12.0).reshape(3, 4), np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3))
    found = npz.read(written(a=a, b=b), ("b", "a"))
    for array, expected in zip(found, (b, a), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == expected.dtype


def test_more_than_a_recording_holds_is_not_read(monkeypatch):
    content = written(a=np.zeros(10**7))  # 80 MB in 80 kB
    monkeypatch.setattr(npz, "LARGEST", 10**6)
    tracemalloc.start()
    with pytest.raises(ValueError, match="a: expected at most 1000000 bytes, found 80000"):
        npz.read(content, ("a",))
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_a_changed_byte_changes_no_number():
    content, expected = written(a=np.arange(100.0)), np.arange(100.0)
    raised = 0
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0xFF
        try:
            (found,) = npz.read(bytes(changed), ("a",))
        except Exception:  # of zipfile, zlib or NumPy
            raised += 1
        else:
            np.testing.assert_array_equal(found, expected)
    assert raised > len(content) / 2


def test_every_beginning_of_a_file_is_cut_short():
    content = written(a=np.arange(5.0))
    assert all(npz.is_cut_short(content[:size]) for size in range(len(content)))
    assert npz.is_cut_short(bytes(100)) and not npz.is_cut_short(content)
    assert not any(map(npz.is_cut_short, (b"PK\x05\x06", b"text", b"\0text")))
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    assert not npz.is_cut_short(empty.getvalue())
