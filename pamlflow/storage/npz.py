"""Arrays of numbers in NumPy's own files (`.npz`), looked at before they are read.

`numpy.load` allocates what a header claims, hands over members that are no arrays as bytes, and takes
the last of two with one name.
"""

import io
import math
import zipfile
from collections import Counter
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt

LARGEST = 2**30
"""Bytes of one array, or of a file: a thousand times what a recording of 10,000 steps holds."""

REAL = "fiub"
"""Kinds of NumPy's dtypes that are real numbers: floating point, integers, truth values."""


def read(content: bytes, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    """Return the arrays `names` of a file that holds these and no others.

    Raises ValueError where something else is in it, and whatever zipfile and NumPy raise of damage.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = Counter(archive.namelist())
        if members != Counter(f"{name}.npy" for name in names):
            found = ", ".join(sorted(members.elements())) or "none"
            raise ValueError(f"expected the arrays {', '.join(names)} alone, found {found}")
        return [_array(archive, archive.getinfo(f"{name}.npy"), name) for name in names]


def is_cut_short(content: bytes) -> bool:
    """Whether `content` is the beginning of a zip file, or of none: what an interrupted write leaves.

    A crash of the system may leave zeros in place of what was to follow.
    """
    begun = content.startswith(b"PK\x03\x04"[: len(content)]) or not content.strip(b"\0")
    return begun and not zipfile.is_zipfile(io.BytesIO(content))


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> npt.NDArray[Any]:
    """One array, whose header fits the bytes behind it."""
    if member.file_size > LARGEST:
        raise ValueError(f"{name}: expected at most {LARGEST} bytes, found {member.file_size}")
    with archive.open(member) as file:
        shape, fortran, dtype = _header(file, name)
        if dtype.kind not in REAL:
            text = "expected an array of real numbers, found"
            raise ValueError(f"{name}: {text} {dtype} of shape {list(shape)}")
        body = file.read()  # the checksum is compared at its end
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or size != len(body):
        text = f"expected {size} bytes for {dtype} of shape {list(shape)}, found {len(body)}"
        raise ValueError(f"{name}: {text}")
    return np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C")


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first axis is the fastest, and dtype."""
    form: Any = np.lib.format  # which has no annotations
    version = form.read_magic(file)
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    if version not in readers:
        text = "expected version 1.0 or 2.0 of NumPy's format, found"
        raise ValueError(f"{name}: {text} {'.'.join(map(str, version))}")
    shape, fortran, dtype = readers[version](file)
    return shape, fortran, dtype
