"""Atomic writing of whole files, and the seal by which later damage is found.

HDF5 leaves the first bytes of a file to its user. They hold the size and the SHA-256 of all bytes after them,
so a file that was cut or changed is found before the HDF5 library reads it. The library itself returns changed
numbers without an error. Its own checksums (Fletcher32, file format `latest`) do not cover scalars and strings,
and with them one flipped bit in a hundred crashed it.
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
"""Largest size in bytes of a file and of its data; larger files are refused before they fill the memory."""

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
    """Return `image` with the seal in its first SEAL_BYTES, which must be unused."""
    body = image[SEAL_BYTES:]
    text = f"pamlflow sha256 {sha256(body)} bytes {len(body)}\n"
    return text.encode().ljust(SEAL_BYTES, b"\0") + body


def damage(content: bytes) -> str | None:
    """Return what is wrong with the content of a sealed file; None if it is as written."""
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
    """Return the content of a file. Raises OSError for anything else than a file, and above LARGEST bytes."""
    status = path.stat()
    if kind := _KINDS.get(stat.S_IFMT(status.st_mode)):
        raise OSError(errno.EINVAL, f"expected a file, found {kind}")
    if status.st_size > LARGEST:
        text = f"expected at most {LARGEST} bytes, found {status.st_size}"
        raise OSError(errno.EFBIG, text)
    return path.read_bytes()


def replace(path: Path, content: bytes) -> None:
    """Replace the file `path` by `content` in one step: readers and crashes see the old or the new file.

    Raises OSError and leaves the old file unchanged when the content cannot be written.
    """
    with _written_beside(path, content) as temporary:
        temporary.replace(path)


def create(path: Path, content: bytes) -> None:
    """Write `content` to a new file. Raises FileExistsError and changes nothing if the file exists.

    The file appears in one step: a crash leaves no file or the whole one. If two processes create the same
    file, one of them succeeds. Other errors are those of `replace`.
    """
    with _written_beside(path, content) as temporary:
        claim_name(temporary, path)


def claim_name(temporary: Path, path: Path) -> None:
    """Give the whole file `temporary` the name `path` in one step: FileExistsError where one has it."""
    try:
        os.link(temporary, path)  # unlike a rename, a link never replaces a file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as that of a memory card
        with _locked(path.parent):
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            temporary.replace(path)
    else:
        with contextlib.suppress(OSError):  # a second name of the published file does no harm
            temporary.unlink()


def try_to_write(folder: Path) -> None:
    """Raise the OSError that a `replace` in `folder` would raise; leave nothing behind."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(folder / "test")
    temporary.touch()
    temporary.unlink()


def is_temporary(path: Path) -> bool:
    """Return whether `path` has the name of a temporary file of `replace` or `create`."""
    return _TEMPORARY.fullmatch(path.name) is not None


def meant_for(temporary: Path) -> Path:
    """Return the file for which a temporary file was written. Raises ValueError for another name."""
    named = _TEMPORARY.fullmatch(temporary.name)
    if named is None:
        raise ValueError(f"{temporary}: expected the name of a temporary file")
    return temporary.with_name(named[1])


@contextlib.contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """Write `content` to a temporary file beside `path`, synced to the disk, which the block renames.

    An error removes the temporary file; a crash may leave it.
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
    """Lock a folder against others who lock it; the system unlocks it when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a mount that cannot lock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    """Return a new name for each attempt: other attempts may have left files, or may still be writing."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
