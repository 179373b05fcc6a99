import contextlib
import errno
import hashlib
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.storage import files

IMAGE = bytes(files.SEAL_BYTES) + b"\x89HDF\r\n\x1a\n" + bytes(range(256))
SEALED = files.seal(IMAGE)


def test_the_seal_can_be_read_and_checked_by_hand():
    head, body = SEALED[: files.SEAL_BYTES], SEALED[files.SEAL_BYTES :]
    assert body == IMAGE[files.SEAL_BYTES :] and files.damage(SEALED) is None
    text = f"pamlflow sha256 {hashlib.sha256(body).hexdigest()} bytes {len(body)}\n"
    assert head.rstrip(b"\0").decode() == text


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_every_changed_byte_is_noticed(place, change):
    changed = bytearray(SEALED)
    changed[place] ^= change
    assert files.damage(bytes(changed))


@given(st.integers(0, len(SEALED) - 1))
def test_every_cut_is_noticed(size):
    assert files.damage(SEALED[:size])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected an HDF5 file, found an empty file"),
        (b"a,b\n1,2\n", "expected a sealed HDF5 file, found a file that starts with b'a,b"),
        (
            SEALED[:-1],
            f"truncated: expected {len(SEALED)} bytes, found {len(SEALED) - 1}",
        ),
        (SEALED + b"x", f"lengthened: expected {len(SEALED)} bytes"),
        (SEALED[:-1] + b"x", "changed since written: expected SHA-256 "),
    ],
)
def test_damage_is_named(content, message):
    assert files.damage(content).startswith(message)


def test_names_of_unfinished_files_are_known(tmp_path, monkeypatch):
    written = []

    def replace(source, target):
        written.append(source)

    monkeypatch.setattr("pathlib.Path.replace", replace)
    files.replace(tmp_path / "round_01.h5", b"content")
    assert written == list(tmp_path.iterdir()) and files.is_temporary(written[0])
    for name in ("round_01.h5", ".round_01.checkpoints.0f", ".round_01.h5.tmp", "notes.tmp"):
        assert not files.is_temporary(tmp_path / name)


def test_a_file_is_created_once(tmp_path, monkeypatch):
    path = tmp_path / "new" / "file"
    files.create(path, b"one")
    with pytest.raises(FileExistsError):
        files.create(path, b"other")
    assert path.read_bytes() == b"one"

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.create(tmp_path / "later", b"one")
    assert list(path.parent.iterdir()) == [path] and not (tmp_path / "later").exists()


def test_a_file_is_created_once_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(errno.EPERM, "Operation not permitted")  # as on a memory card

    monkeypatch.setattr(files.os, "link", refuse)
    path = tmp_path / "file"
    files.create(path, b"one")
    with pytest.raises(FileExistsError):
        files.create(path, b"other")
    assert path.read_bytes() == b"one" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("hard_links", [True, False])
def test_of_many_that_create_a_file_at_once_one_does(tmp_path, monkeypatch, hard_links):
    if not hard_links:
        monkeypatch.setattr(files.os, "link", mock.Mock(side_effect=OSError(errno.EPERM, "no")))
    path, made = tmp_path / "file", []

    def make(number):
        with contextlib.suppress(FileExistsError):
            files.create(path, b"%d" % number)
            made.append(b"%d" % number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(8)))
    assert made == [path.read_bytes()] and list(tmp_path.iterdir()) == [path]


def test_a_temporary_file_says_what_it_was_meant_for(tmp_path):
    path = tmp_path / "task_04.npz"
    assert files.meant_for(files._temporary(path)) == path
    with pytest.raises(ValueError, match="expected the name of a temporary file"):
        files.meant_for(path)
