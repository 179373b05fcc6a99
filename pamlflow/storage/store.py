"""Read, write and check the HDF5 files that jobs hand to each other.

A file appears whole or not at all, and is checked against its schema on both sides, so a job that
was killed, a full disk or a stray file is met here, by name, and not later in the numbers.
"""

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from pamlflow import __version__
from pamlflow.plugins import PartError
from pamlflow.rows import Row, Schema
from pamlflow.storage import files, remedies
from pamlflow.storage.schemas import SCHEMAS, schema_of

Array = npt.NDArray[Any]

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
class Record:
    """A file's datasets, keyed by path, and where they come from.

    `parents` maps each file this one was made from, relative to the folder of this one, to its
    SHA-256; `config` holds the parameters that were used; `sha256` is that of the file read.
    """

    datasets: dict[str, Array]
    schema: str
    schema_version: int
    pamlflow_version: str
    seed: int
    config: dict[str, Any]
    parents: dict[str, str]
    sha256: str


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
    for violation in violations(declared, arrays):
        raise StoreError(path, str(violation), "nothing was written, see the log of the job")
    attributes = {
        "schema": schema,
        "schema_version": declared.version,
        "pamlflow_version": __version__,
        "seed": seed,
        "config": json.dumps(config, sort_keys=True, allow_nan=False),
        "parents": json.dumps(
            {
                os.path.relpath(parent, path.parent): files.sha256(Path(parent).read_bytes())
                for parent in parents
            },
            sort_keys=True,
        ),
    }
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
    path = Path(path)
    content = _content(path)
    if problem := files.damage(content):
        if path.suffix != ".h5":
            raise StoreError(path, "no file of pamlflow, whose names end in .h5", "name another")
        raise StoreError(path, problem, remedies.rebuild(path))
    try:
        # From memory: HDF5 sees the bytes that were checked, and asks for no lock, which fails on
        # NFS and Lustre mounts without a lock service. A complete file needs none.
        with h5py.File(io.BytesIO(content), "r") as file:
            declared = _declared(path, dict(file.attrs), schema)
            record = _record(path, declared, file, files.sha256(content))
        declared = schema_of(declared.name, record.config)
    except StoreError:
        raise
    except PartError as error:
        raise StoreError(path, str(error), "a round is read with its kind of model") from error
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise StoreError(path, f"damaged HDF5 file ({error})", remedies.rebuild(path)) from error
    for violation in violations(declared, record.datasets):
        raise StoreError(path, str(violation), remedies.rebuild(path))
    return record


def violations(schema: Schema, datasets: Mapping[str, Array]) -> Iterator[Violation]:
    """Yield everything in which `datasets` depart from `schema`: names, dtypes, shapes, values."""
    for row in schema.missing(datasets):
        yield Violation(row.path, f"{row.dtype} {row.dims}", "nothing")
    sizes: dict[str, tuple[int, str]] = {}
    for name, array in datasets.items():
        declared = schema.row(name)
        if declared is None:
            yield Violation(name, f"no such dataset in a {schema.name} file", _kind(array))
            continue
        letters = declared.axes(array.ndim)
        if _dtype(array) != declared.dtype or letters is None:
            yield Violation(name, f"{declared.dtype} {declared.dims}", _kind(array))
            continue
        for letter, size in zip(letters, array.shape, strict=True):
            known, source = sizes.setdefault(letter, (size, name))
            if letter and size != known:
                expected = f"{declared.dims} with {letter} = {known}, as in {source!r}"
                yield Violation(name, expected, _kind(array))
        if declared.dtype == "float64" and not np.all(finite := np.isfinite(array)):
            index = tuple(np.argwhere(~finite)[0].tolist())
            yield Violation(name, "finite numbers", f"{array[index]} at index {list(index)}")


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


def _kind(array: Array) -> str:
    return f"{_dtype(array)} {list(array.shape)}"


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


def _content(path: Path) -> bytes:
    """The bytes of `path`, or StoreError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise StoreError(path, "no such file", remedies.make(path)) from None
    except OSError as error:
        problem = f"cannot be opened ({error.strerror})"
        raise StoreError(path, problem, remedies.look_at(path)) from error


def _declared(path: Path, attributes: Mapping[str, Any], wanted: str | None) -> Schema:
    """The schema a file claims to follow, if this version of pamlflow reads it."""
    name, version = attributes.get("schema"), attributes.get("schema_version")
    if not isinstance(name, str) or name not in SCHEMAS or not isinstance(version, np.integer):
        found = ", ".join(sorted(attributes)) or "none"
        problem = f"expected the root attributes of a pamlflow file, found {found}"
        raise StoreError(path, problem, remedies.rebuild(path))
    if wanted is not None and name != wanted:
        raise StoreError(
            path, f"expected schema {wanted!r}, found {name!r}", remedies.rebuild(path)
        )
    schema = SCHEMAS[name]
    if version != schema.version:
        problem = f"expected version {schema.version} of schema {name!r}, found {version}"
        remedy = remedies.rebuild(*schema.rules, what="all such files")
        if version > schema.version:
            writer = attributes.get("pamlflow_version", "a newer one")
            remedy = f"read it with the pamlflow that wrote it ({writer}) or {remedy}"
        raise StoreError(path, problem, remedy)
    return schema


def _record(path: Path, schema: Schema, file: h5py.File, sha256: str) -> Record:
    """Everything in `file`, not yet compared with its schema."""
    datasets: dict[str, Array] = {}

    def load(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            is_text = h5py.check_string_dtype(item.dtype) is not None
            value = item.asstr()[()] if is_text else item[()]
            datasets[name] = np.asarray(value, dtype=np.str_ if is_text else None)

    file.visititems(load)
    try:
        return Record(
            datasets=datasets,
            schema=schema.name,
            schema_version=schema.version,
            pamlflow_version=str(file.attrs["pamlflow_version"]),
            seed=int(file.attrs["seed"]),
            config=json.loads(file.attrs["config"]),
            parents=json.loads(file.attrs["parents"]),
            sha256=sha256,
        )
    except (KeyError, TypeError, ValueError) as error:
        problem = "expected the root attributes pamlflow_version, seed, config and parents"
        raise StoreError(path, f"{problem}, found {error}", remedies.rebuild(path)) from error
