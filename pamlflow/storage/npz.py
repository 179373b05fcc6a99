"""Read NumPy's archives of arrays from any source: sizes are checked first, and nothing is unpickled.

`numpy.load` allocates the size that the header of an array declares before it checks the data.
"""

import io
import math
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

LARGEST = 2**28
"""Largest size in bytes of all arrays of an archive: 300,000 steps of a hundred variables."""

ARRAYS = 1000
"""Largest number of arrays in an archive."""

REAL = "fiub"
"""Kinds of NumPy's dtypes that are real numbers: floating point, integers, truth values."""

_NPY: Any = np.lib.format  # has no types
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an archive by name.

    Raises ValueError if the content is not such an archive, is damaged, or unpacks to more than LARGEST bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > ARRAYS or len({each.filename for each in members}) < len(members):
                raise ValueError(f"expected at most {ARRAYS} arrays of different names")
            if (size := sum(member.file_size for member in members)) > LARGEST:
                raise ValueError(f"expected at most {LARGEST} bytes of arrays, found {size}")
            return {each.filename.removesuffix(".npy"): _array(archive, each) for each in members}
    except Exception as error:  # changed bits may look like encryption or other versions to zipfile
        raise ValueError(str(error) or type(error).__name__) from error


def exactly(content: bytes, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    """Return the arrays `names` of an archive that has exactly these, all of real numbers.

    Raises ValueError as `read` does, and if the archive has other content.
    """
    arrays = read(content)
    if set(arrays) != set(names):
        found = ", ".join(sorted(arrays)) or "none"
        raise ValueError(f"expected the arrays {', '.join(names)} alone, found {found}")
    for name, array in arrays.items():
        if array.dtype.kind not in REAL:
            text = "expected an array of real numbers, found"
            raise ValueError(f"{name}: {text} {array.dtype} of shape {list(array.shape)}")
    return [arrays[name] for name in names]


def is_cut_short(content: bytes) -> bool:
    """Return whether `content` is the beginning of a zip file, empty, or only zeros.

    An interrupted write leaves such content; after a crash of the system, the rest may be zeros.
    """
    begun = content.startswith(b"PK\x03\x04"[: len(content)]) or not content.strip(b"\0")
    return begun and not zipfile.is_zipfile(io.BytesIO(content))


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """Return one array. Raises ValueError if its header and the size of its data disagree."""
    if not member.filename.endswith(".npy") or member.compress_type not in _PACKED:
        raise ValueError(f"{member.filename!r} is not an array of NumPy")
    stream = io.BytesIO(archive.read(member))
    version = _NPY.read_magic(stream)
    heads = {
        (1, 0): _NPY.read_array_header_1_0,
        (2, 0): _NPY.read_array_header_2_0,
    }
    if version not in heads:
        raise ValueError(f"{member.filename!r} has version {version} of NumPy's format")
    shape, _, dtype = heads[version](stream)
    if dtype.hasobject:
        raise ValueError(f"{member.filename!r} holds Python objects, which are not read")
    if min(shape, default=0) < 0:
        raise ValueError(f"{member.filename!r} declares the shape {list(shape)}")
    declared, found = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
    if declared != found:
        raise ValueError(f"{member.filename!r} declares {declared} bytes, and holds {found}")
    stream.seek(0)
    array: npt.NDArray[Any] = _NPY.read_array(stream, allow_pickle=False)
    return array
