"""Read HDF5 files of unknown origin within bounds of memory and time: declared sizes are checked first.

A few bytes of HDF5 can declare petabytes (storage that was never allocated, chunks of zeros, many references to
one text). Links and external storage can lead to other files or in a circle. Files of pamlflow have none of
this: each dataset has one name and all its data in the file.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import h5py
import numpy as np
import numpy.typing as npt

from pamlflow.storage.files import LARGEST

Array = npt.NDArray[Any]
Value = TypeVar("Value", str, int)

OBJECTS = 10_000
"""Largest number of groups and datasets in a file; a round has about seventy."""

_CHUNK_BYTES = 2**20  # h5py makes no larger ones
_TEXT_BYTES = 16  # of a reference to a text: its position and length
_SLAB_BYTES = 2**28  # texts that are read at once, at worst
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE}
_TYPES = {
    h5py.h5t.ARRAY: "arrays",
    h5py.h5t.BITFIELD: "bit fields",
    h5py.h5t.COMPOUND: "compounds",
    h5py.h5t.ENUM: "an enumeration",
    h5py.h5t.OPAQUE: "opaque bytes",
    h5py.h5t.REFERENCE: "references",
    h5py.h5t.STRING: "strings of fixed length",
    h5py.h5t.TIME: "times",
    h5py.h5t.VLEN: "lists of any length",
}


class ContentError(ValueError):
    """An HDF5 file has content that no file of pamlflow has."""


class Form(NamedTuple):
    """The declared type and shape of a dataset."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def attribute(file: h5py.File, name: str, kind: type[Value]) -> Value:
    """Return a root attribute: one text or one integer. Raises ContentError for anything else."""
    if not h5py.h5a.exists(file.id, name.encode()):
        raise ContentError(f"no attribute {name!r}")
    declared = h5py.h5a.open(file.id, name.encode())
    found = declared.get_type()
    is_scalar = declared.get_space().get_simple_extent_type() == h5py.h5s.SCALAR
    right = _is_text(found) if kind is str else isinstance(found, h5py.h5t.TypeIntegerID)
    if not is_scalar or not right:
        expected = "one text" if kind is str else "one integer"
        raise ContentError(f"attribute {name!r} that is not {expected}")
    return kind(file.attrs[name])


def datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Return all datasets by path without reading them. Raises ContentError for links and second names."""
    found: dict[str, h5py.Dataset] = {}
    known = {h5py.h5o.get_info(file.id).addr}
    groups: list[tuple[str, h5py.Group]] = [("", file)]
    while groups:
        prefix, group = groups.pop()
        for name in group:
            path = prefix + name
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ContentError(f"{path!r} is a link to elsewhere")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in known:
                raise ContentError(f"{path!r} is another name of something else")
            known.add(address)
            if len(known) > OBJECTS:
                raise ContentError(f"expected at most {OBJECTS} groups and datasets, found more")
            if isinstance(item, h5py.Group):
                groups.append((f"{path}/", item))
            elif isinstance(item, h5py.Dataset):
                found[path] = item
            else:
                raise ContentError(f"{path!r} is neither a group nor a dataset")
    return dict(sorted(found.items()))


def form(dataset: h5py.Dataset) -> Form:
    """Return the declared type and shape of a dataset."""
    found = dataset.id.get_type()
    if dataset.shape is None:
        return Form("nothing, of type", ())
    if _is_text(found):
        return Form("string", dataset.shape)
    if found.get_class() in _TYPES:
        return Form(_TYPES[found.get_class()], dataset.shape)
    for name in ("float64", "int64"):
        if found.equal(h5py.h5t.py_create(np.dtype(name))):
            return Form(name, dataset.shape)
    # h5py gives a number type that NumPy lacks the name of the nearest one.
    name = str(dataset.dtype)
    return Form(f"another {name}" if name in ("float64", "int64") else name, dataset.shape)


def load(found: dict[str, h5py.Dataset], size: int) -> dict[str, Array]:
    """Read datasets of numbers and texts from a file of `size` bytes; texts become arrays of str.

    Raises ContentError before reading if the datasets declare more data than they store, or more than LARGEST
    bytes.
    """
    for name, dataset in found.items():
        if problem := _storage_problem(dataset):
            raise ContentError(f"dataset {name!r}: {problem}")
    declared = sum(dataset.size * dataset.dtype.itemsize for dataset in found.values())
    if declared > LARGEST:
        raise ContentError(f"expected at most {LARGEST} bytes of data, found {declared}")
    arrays = {}
    for name, dataset in found.items():
        if not _is_text(dataset.id.get_type()):
            arrays[name] = np.asarray(dataset[()])
            continue
        texts = list(_texts(dataset, size))
        if dataset.size * 4 * max(map(len, texts), default=0) > LARGEST:
            raise ContentError(f"dataset {name!r}: expected at most {LARGEST} bytes of text")
        arrays[name] = np.array(texts, dtype=np.str_).reshape(dataset.shape)
    return arrays


def _is_text(found: h5py.h5t.TypeID) -> bool:
    """Return whether a type is the one in which pamlflow writes text."""
    return isinstance(found, h5py.h5t.TypeStringID) and found.is_variable_str()


def _storage_problem(dataset: h5py.Dataset) -> str | None:
    """Return why a dataset does not store exactly its declared data in this file; None if it does."""
    settings = dataset.id.get_create_plist()
    layout = settings.get_layout()
    if layout == h5py.h5d.VIRTUAL or settings.get_external_count():
        return "its data are in other files"
    kind = dataset.id.get_type()
    item = _TEXT_BYTES if _is_text(kind) else kind.get_size()
    declared, stored = dataset.size * item, dataset.id.get_storage_size()
    if layout != h5py.h5d.CHUNKED:
        return f"it declares {declared} bytes, and stores {stored}" if stored != declared else None
    if {settings.get_filter(i)[0] for i in range(settings.get_nfilters())} - _FILTERS:
        return "it is stored through filters that pamlflow does not use"
    sides = settings.get_chunk()
    chunk = item * math.prod(sides)
    if dataset.maxshape != dataset.shape or chunk > _CHUNK_BYTES:
        return f"it can grow, or is stored in chunks of {chunk} bytes"
    expected = math.prod(
        -(-length // side) for length, side in zip(dataset.shape, sides, strict=True)
    )
    sizes: list[int] = []
    dataset.id.chunk_iter(lambda info: sizes.append(info.size))
    if len(sizes) != expected:
        return f"it declares {expected} chunks, and stores {len(sizes)}"
    # A chunk larger than its numbers would unpack to a multiple of them.
    largest = max(sizes, default=0)
    return f"a chunk of {chunk} bytes takes {largest}" if largest > 1.1 * chunk + 64 else None


def _texts(dataset: h5py.Dataset, size: int) -> Iterator[str]:
    """Yield the texts of a dataset. Raises ContentError if they are longer than the file of `size` bytes.

    Many entries may refer to one text in the file, and each gets a copy. Texts are therefore read in parts that
    fit in memory even if each text is as long as the file.
    """
    if dataset.shape == ():
        yield dataset.asstr()[()]
        return
    step, total = max(1, _SLAB_BYTES // size), 0
    for start in range(0, len(dataset), step):
        for text in np.ravel(dataset.asstr()[start : start + step]).tolist():
            total += len(text)
            if total > size:
                raise ContentError(f"dataset {dataset.name!r}: texts longer than the whole file")
            yield text
