"""Read, write and check the HDF5 files that jobs hand to each other.

A file appears whole or not at all, and is checked against its schema on both sides, so a job that
was killed, a full disk or a stray file is met here, by name, and not later in the numbers.
"""

import contextlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from pamlflow.plugins import PartError
from pamlflow.rows import BOUNDS, Row, Schema
from pamlflow.storage import files, hdf5, provenance, remedies
from pamlflow.storage.hdf5 import Array, Form
from pamlflow.storage.provenance import Provenance
from pamlflow.storage.schemas import SCHEMAS, schema_of

# A picture is mostly background: megabytes of them become kilobytes.
PICTURE_FILTERS = {"compression": "gzip", "compression_opts": 4, "shuffle": True}


class StoreError(ValueError):
    """A file is not what its schema says; the message names file, problem and remedy."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.problem = problem
        self.remedy = remedy


class Violation(NamedTuple):
    """Something about `dataset` that its schema does not allow."""

    dataset: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"dataset {self.dataset!r}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Record(Provenance):
    """A file's datasets, keyed by path, and where they come from."""

    datasets: dict[str, Array]


def write(
    path: str | Path,
    schema: str,
    datasets: Mapping[str, Any],
    *,
    seed: int,
    config: Mapping[str, Any],
    parents: Sequence[str | Path] = (),
) -> None:
    """Write `datasets` as one file, whole or not at all; the same content gives the same bytes.

    Raises StoreError, and leaves what was there, when the datasets are not what the schema says, a
    float is not finite, or the disk does not take the file; lists of str and of float are as good
    as arrays.
    """
    path, declared = Path(path), schema_of(schema, config)
    arrays = {name: _as_array(datasets[name], declared.row(name)) for name in sorted(datasets)}
    forms = {name: Form(_dtype(array), array.shape) for name, array in arrays.items()}
    for violation in chain(violations(declared, forms), _wrong_values(declared, arrays)):
        raise StoreError(path, str(violation), "nothing was written, see the log of the job")
    if (size := sum(array.nbytes for array in arrays.values())) > files.LARGEST:
        problem = f"expected at most {files.LARGEST} bytes of data, found {size}"
        raise StoreError(path, problem, "nothing was written; lower the sizes of the configuration")
    attributes = provenance.attributes(declared, path.parent, seed, config, parents)
    content = files.seal(_image(declared, arrays, attributes))
    with _writing(path, path.parent):
        files.replace(path, content)


def require_writable(folder: Path) -> None:
    """Raise StoreError if no file can be written to `folder`: a job asks before its long work."""
    with _writing(folder, folder):
        files.try_to_write(folder)


def read(path: str | Path, schema: str | None = None) -> Record:
    """Read a whole file that follows `schema`, or any known schema when none is given.

    Strings come as arrays of str. Raises StoreError when the file is missing, damaged, foreign, of
    another version or schema, or when a dataset is not what the schema says.
    """
    with _opened(Path(path), schema) as (file, declared, origin):
        declared = schema_of(declared.name, origin.config)
        found = hdf5.datasets(file)
        forms = {name: hdf5.form(dataset) for name, dataset in found.items()}
        for violation in violations(declared, forms):
            raise hdf5.ContentError(violation)
        arrays = hdf5.load(found, file.id.get_filesize())
        for violation in _wrong_values(declared, arrays):
            raise hdf5.ContentError(violation)
    return Record(**vars(origin), datasets=arrays)


def read_provenance(path: str | Path, schema: str | None = None) -> Provenance:
    """Read where a file comes from, and none of its datasets; the seal is checked, their schema is not.

    Errors are those of `read`.
    """
    with _opened(Path(path), schema) as (_, _, origin):
        return origin


def violations(schema: Schema, forms: Mapping[str, Form]) -> Iterator[Violation]:
    """Yield everything in which datasets of such forms depart from `schema`: names, dtypes, shapes."""
    for row in schema.missing(forms):
        yield Violation(row.path, f"{row.dtype} {row.dims}", "nothing")
    sizes: dict[str, tuple[int, str]] = {}
    for name, form in forms.items():
        declared = schema.row(name)
        if declared is None:
            yield Violation(name, f"no such dataset in a {schema.name} file", str(form))
            continue
        letters = declared.axes(len(form.shape))
        if form.dtype != declared.dtype or letters is None:
            yield Violation(name, f"{declared.dtype} {declared.dims}", str(form))
            continue
        for letter, size in zip(letters, form.shape, strict=True):
            known, source = sizes.setdefault(letter, (size, name))
            if letter and size != known:
                expected = f"{declared.dims} with {letter} = {known}, as in {source!r}"
                yield Violation(name, expected, str(form))


def _wrong_values(schema: Schema, arrays: Mapping[str, Array]) -> Iterator[Violation]:
    """Yield the first value of each dataset that is not finite, or not within its bounds."""
    for name, array in arrays.items():
        if array.dtype.kind not in "fi":
            continue
        least, greatest = BOUNDS.get(name, (None, None))
        low, high = -np.inf if least is None else least, np.inf if greatest is None else greatest
        right = np.isfinite(array) & (array >= low) & (array <= high)
        if not np.all(right):
            index = tuple(np.argwhere(~right)[0].tolist())
            row = schema.row(name)
            bounds = f"numbers {row.values}" if row and row.values else "finite numbers"
            yield Violation(name, bounds, f"{array[index]} at index {list(index)}")


def _as_array(value: object, row: Row | None) -> Array:
    """`value` as an array: str as fixed-width text, an empty list with the dtype of its row."""
    array = np.asarray(value)
    if row is not None and array.size == 0 and not isinstance(value, np.ndarray):
        return array.astype(np.str_ if row.dtype == "string" else row.dtype)
    if array.dtype == np.object_ and all(isinstance(item, str) for item in array.flat):
        return array.astype(np.str_)
    return array


def _dtype(array: Array) -> str:
    return "string" if array.dtype.kind == "U" else str(array.dtype)


def _image(schema: Schema, arrays: Mapping[str, Array], attributes: Mapping[str, Any]) -> bytes:
    """The bytes of the HDF5 file, room for the seal first; built in memory, without a lock."""
    image = io.BytesIO()
    with h5py.File(image, "w", userblock_size=files.SEAL_BYTES) as file:
        file.attrs.update(attributes)
        for name, array in arrays.items():
            row = schema.row(name)
            assert row is not None  # violations() has seen to it
            data = array.astype(h5py.string_dtype()) if row.dtype == "string" else array
            is_picture = "..." in row.shape[:-1] and array.ndim >= len(row.shape)
            filters = PICTURE_FILTERS if is_picture else {}
            dataset = file.create_dataset(name, data=data, track_times=False, **filters)
            dims = row.dims if is_picture or row.is_open else row.dims.replace("..., ", "")
            dataset.attrs.update(dims=dims, units=row.units, description=row.meaning)
    return image.getvalue()


@contextlib.contextmanager
def _writing(path: Path, folder: Path) -> Iterator[None]:
    """Say what it is that the disk does not take."""
    try:
        yield
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        raise StoreError(path, problem, remedies.free(folder)) from error


@contextlib.contextmanager
def _opened(path: Path, wanted: str | None) -> Iterator[tuple[h5py.File, Schema, Provenance]]:
    """The open file, its schema, and where it comes from; StoreError for whatever is met in it."""
    content = _content(path)
    if problem := files.damage(content):
        if path.suffix != ".h5":
            text = "no file of pamlflow, whose names end in .h5 or .npz"
            raise StoreError(path, text, "name another, or open it with a program for such files")
        raise StoreError(path, problem, remedies.rebuild(path))
    try:
        # From memory: HDF5 sees the bytes that were checked, and asks for no lock, which fails on
        # NFS and Lustre mounts without a lock service. A complete file needs none.
        with h5py.File(io.BytesIO(content), "r") as file:
            origin = provenance.read(file, files.sha256(content))
            yield file, _declared(path, origin, wanted), origin
    except (StoreError, MemoryError):
        raise
    except PartError as error:
        raise StoreError(path, str(error), "a round is read with its kind of model") from error
    except hdf5.ContentError as error:
        raise StoreError(path, str(error), remedies.rebuild(path)) from error
    except Exception as error:  # whatever the library raises about what it has not written
        raise StoreError(path, f"damaged HDF5 file ({error})", remedies.rebuild(path)) from error


def _content(path: Path) -> bytes:
    """The bytes of `path`, or StoreError."""
    try:
        return files.read(path)
    except FileNotFoundError:
        if path.is_symlink():
            problem = f"a link to {os.readlink(path)}, which is not there"
            raise StoreError(path, problem, remedies.look_at(path)) from None
        raise StoreError(path, "no such file", remedies.make(path)) from None
    except OSError as error:
        problem = f"cannot be opened ({error.strerror})"
        raise StoreError(path, problem, remedies.look_at(path)) from error


def _declared(path: Path, origin: Provenance, wanted: str | None) -> Schema:
    """The schema a file claims to follow, if this version of pamlflow reads it."""
    name, version = origin.schema, origin.schema_version
    if name not in SCHEMAS:
        raise hdf5.ContentError(f"expected one of the schemas {', '.join(SCHEMAS)}, found {name!r}")
    if wanted is not None and name != wanted:
        raise hdf5.ContentError(f"expected schema {wanted!r}, found {name!r}")
    schema = SCHEMAS[name]
    if version != schema.version:
        problem = f"expected version {schema.version} of schema {name!r}, found {version}"
        remedy = remedies.rebuild_all(path, schema.rules)
        if version > schema.version:
            writer = origin.pamlflow_version
            remedy = f"read it with the pamlflow that wrote it ({writer}) or {remedy}"
        raise StoreError(path, problem, remedy)
    return schema
