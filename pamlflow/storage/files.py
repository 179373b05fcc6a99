"""Files as wholes: they appear complete or not at all, and carry a seal that tells later damage.

HDF5 leaves the first bytes of a file to its user. They hold the size and the SHA-256 of all that
follows, so that what was cut or changed is met before the HDF5 library reads it. The library returns
changed numbers as if they were right. Its own checksums (Fletcher32, file format `latest`) do not
cover scalars and strings, and with them one flipped bit in a hundred crashed it.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

SEAL_BYTES = 512
LARGEST = 2**31
"""Bytes that a file, or all that it holds, may have: what is larger is met before it fills the memory."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_SEAL = re.compile(rb"pamlflow sha256 ([0-9a-f]{64}) bytes (\d+)\n\0*")
_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{32}\.tmp")


def seal(image: bytes) -> bytes:
    """Return `image` with the seal in its first SEAL_BYTES, which it must leave free."""
    body = image[SEAL_BYTES:]
    text = f"pamlflow sha256 {sha256(body)} bytes {len(body)}\n"
    return text.encode().ljust(SEAL_BYTES, b"\0") + body


def damage(content: bytes) -> str | None:
    """Say what was expected of a sealed file and what was found; None when it is as written."""
    if content.startswith(_HDF5):
        return "expected a sealed HDF5 file, found one without a seal, whose content nothing vouches for"
    if not content:
        return "expected an HDF5 file, found an empty file"
    found = _SEAL.fullmatch(content[:SEAL_BYTES])
    if found is None:
        return f"expected a sealed HDF5 file, found a file that starts with {content[:8]!r}"
    expected, size = found[1].decode(), int(found[2]) + SEAL_BYTES
    if len(content) != size:
        how = "truncated" if len(content) < size else "lengthened"
        return f"{how}: expected {size} bytes, found {len(content)}"
    actual = sha256(content[SEAL_BYTES:])
    if actual != expected:
        return f"changed since written: expected SHA-256 {expected[:12]}..., found {actual[:12]}..."
    return None


def sha256(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def read(path: Path) -> bytes:
    """Return the content of a file; OSError for what is none, which might never end, and for too much."""
    status = path.stat()
    if kind := _KINDS.get(stat.S_IFMT(status.st_mode)):
        raise OSError(errno.EINVAL, f"expected a file, found {kind}")
    if status.st_size > LARGEST:
        text = f"expected at most {LARGEST} bytes, found {status.st_size}"
        raise OSError(errno.EFBIG, text)
    return path.read_bytes()


def replace(path: Path, content: bytes) -> None:
    """Put `content` in place of `path` such that a reader, or a crash, meets the old or the new.

    Raises OSError, and leaves the old file and nothing else, when the content cannot be written.
    """
    with _written_beside(path, content) as temporary:
        temporary.replace(path)


def create(path: Path, content: bytes) -> None:
    """Put `content` into a new file: FileExistsError, and nothing touched, where there is one already.

    The name appears in one step, with all of the content: a crash leaves no file, or the whole one. Of
    two processes that do so at the same time one gets the name. Other errors are those of `replace`.
    """
    with _written_beside(path, content) as temporary:
        claim_name(temporary, path)


def claim_name(temporary: Path, path: Path) -> None:
    """Give the whole file `temporary` the name `path` in one step: FileExistsError where one has it."""
    try:
        os.link(temporary, path)  # the only way to rename that takes nobody's name
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as that of a memory card
        with _locked(path.parent):
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            temporary.replace(path)
    else:
        with contextlib.suppress(OSError):  # it is a second name of what has been published
            temporary.unlink()


def try_to_write(folder: Path) -> None:
    """Raise the OSError that a later `replace` in `folder` would meet now; leave nothing behind."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(folder / "test")
    temporary.touch()
    temporary.unlink()


def is_temporary(path: Path) -> bool:
    """Whether `path` is named like the unfinished file of an interrupted `replace` or `create`."""
    return _TEMPORARY.fullmatch(path.name) is not None


def meant_for(temporary: Path) -> Path:
    """Return the file that an interrupted `replace` or `create` would have written."""
    named = _TEMPORARY.fullmatch(temporary.name)
    if named is None:
        raise ValueError(f"{temporary}: expected the name of a temporary file")
    return temporary.with_name(named[1])


@contextlib.contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """A temporary file beside `path` with all of `content` on the disk, to be given its name.

    An error leaves no such file, a crash may.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    except BaseException:
        with contextlib.suppress(OSError):  # a file system that has become read-only
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network mounts cannot sync a folder
            os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep others who ask for it out of a folder; the system unlocks it when a process is killed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a mount that cannot lock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    """A name of its own for each attempt: a killed job may have left one, another may still write."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
