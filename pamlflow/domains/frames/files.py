"""Read a log from a file: CSV, Parquet, NPZ, HDF5 and the bags of ROS."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from pamlflow.domains.frames import bags
from pamlflow.errors import UserError
from pamlflow.plugins import needs
from pamlflow.wording import nearest

SUFFIXES = (
    "csv, tsv, txt (also with .gz), parquet, npz, h5, hdf5; bag, db3, mcap, or a bag's folder"
)
_DELIMITERS = ",;\t"
_ELEMENT = re.compile(r"(.+)\[\d+\]")

Columns = Sequence[str] | None


class LogError(UserError, ValueError):
    """A file cannot be read as a log; the message names it."""


class LogFile:
    """A file, or the folder of a bag, that is read once.

    Raises LogError when there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _require_there(path)
        self._content = b"" if bags.is_bag(path) else _content(path)
        self._frames: dict[str, pd.DataFrame] = {}

    def frame(self, columns: Columns = None, group: str = "") -> pd.DataFrame:
        """Return the columns of the log: these alone, if given, from a format in which others can be left.

        `group` is that of an HDF5 file. Arrays of two axes are read as columns "name[0]", "name[1]", ...
        `attrs` of the frame has the `units` that the file gives to columns, and those that are `known` where
        not all are read. Raises LogError when the file cannot be read.
        """
        if group not in self._frames:
            self._frames = {group: self._read(columns, group)}
        return self._frames[group]

    def _read(self, columns: Columns, group: str) -> pd.DataFrame:
        try:
            if bags.is_bag(self.path):
                return bags.read(self.path, columns or [])
            return _reader(self.path)(self._content, columns, group)
        except LogError:
            raise
        except (
            Exception
        ) as error:  # damaged files may raise anything in the libraries that read them
            text = " ".join(str(error).split()) or type(error).__name__
            raise LogError(f"{self.path}: cannot be read: {text[:300]}") from error


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise LogError(
            f"{path}: expected a file of {SUFFIXES}, found a folder without metadata.yaml"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise LogError(f"{path}: cannot be read: {error.strerror}") from error


def _require_there(path: Path) -> None:
    if path.exists():
        return
    folder = path.parent
    if not folder.is_dir():
        raise LogError(f"{path}: there is no folder {folder}, seen from {Path.cwd()}")
    hint = nearest(path.name, (each.name for each in folder.iterdir()))
    raise LogError(f"{path}: there is no such file{hint}")


def _reader(path: Path) -> Callable[[bytes, Columns, str], pd.DataFrame]:
    name = path.name.lower()
    if name.endswith(".gz"):
        inner = _reader(path.with_name(path.name[:-3]))
        return lambda content, columns, group: inner(gzip.decompress(content), columns, group)
    readers = {
        (".csv", ".tsv", ".txt"): _csv,
        (".parquet", ".pq"): _parquet,
        (".npz",): _npz,
        (".h5", ".hdf5", ".hdf"): _hdf5,
    }
    for suffixes, reader in readers.items():
        if name.endswith(suffixes):
            return reader
    raise LogError(f"{path}: expected a file of {SUFFIXES}, found '{path.suffix}'")


def _csv(content: bytes, _: Columns, __: str) -> pd.DataFrame:
    text = content.decode("utf-8-sig")
    header = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    if not text.strip():
        raise ValueError("expected columns with a header, found nothing")
    if all(map(_is_number, header.split(delimiter))):
        raise ValueError(f"expected the names of columns in the first line, found {header[:60]!r}")
    frame = pd.read_csv(
        io.StringIO(text),
        sep=delimiter,
        skipinitialspace=True,
        index_col=False,
        low_memory=False,
        float_precision="round_trip",
    )
    frame.columns = pd.Index([str(label).lstrip("#").strip() for label in frame.columns])
    return frame


def _parquet(content: bytes, _: Columns, __: str) -> pd.DataFrame:
    with needs("a Parquet file", "logs"):
        import pyarrow.parquet
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    frame: pd.DataFrame = table.to_pandas()
    metadata = {field.name: field.metadata or {} for field in table.schema}
    units = {name: it.get(b"unit", it.get(b"units")) for name, it in metadata.items()}
    frame.attrs["units"] = {name: unit.decode() for name, unit in units.items() if unit}
    return frame


def _npz(content: bytes, columns: Columns, _: str) -> pd.DataFrame:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return _table({name: archive[name] for name in archive.files}, columns)


def _hdf5(content: bytes, columns: Columns, group: str) -> pd.DataFrame:
    with h5py.File(io.BytesIO(content), "r") as file:
        if group and not isinstance(file.get(group), h5py.Group):
            raise ValueError(f"no group '{group}'{_near_group(file, group)}")
        datasets: dict[str, Any] = {}
        units: dict[str, str] = {}

        def visit(name: str, found: object) -> None:
            if isinstance(found, h5py.Dataset) and found.ndim in (1, 2):
                datasets[name] = found
                unit = found.attrs.get("units", found.attrs.get("unit"))
                if isinstance(unit, str | bytes):
                    units[name] = unit.decode() if isinstance(unit, bytes) else unit

        (file[group] if group else file).visititems(visit)
        frame = _table(datasets, columns)
    frame.attrs["units"] = {
        label: units[base] for label in frame.columns if (base := _base(label)) in units
    }
    return frame


def _table(arrays: Mapping[str, Any], columns: Columns) -> pd.DataFrame:
    """Arrays [T] and [T, n] as columns; of those that are wanted, which must be of one length.

    One that is shorter by a row, as controls are between states, has no value in the last row.
    """
    known: list[str] = []
    found: dict[str, Any] = {}
    lengths: dict[str, int] = {}
    wanted = None if columns is None else {*columns, *map(_base, columns)}
    for name, array in arrays.items():
        if array.ndim not in (1, 2):
            continue
        labels = [name] if array.ndim == 1 else [f"{name}[{i}]" for i in range(array.shape[1])]
        known += labels
        if wanted is not None and name not in wanted:
            continue
        values: npt.NDArray[Any] = np.asarray(array[()])
        lengths[name] = len(values)
        if values.dtype.kind in "SO":  # text in HDF5 is bytes
            values = np.array([_as_text(each) for each in values.ravel()]).reshape(values.shape)
        found |= dict(zip(labels, values.T if values.ndim == 2 else [values], strict=True))
    rows = max(lengths.values(), default=0)
    if min(lengths.values(), default=rows) < rows - 1:
        raise ValueError(f"expected arrays of one length, found {lengths}")
    frame = pd.DataFrame({label: pd.Series(values) for label, values in found.items()})
    frame.attrs["known"] = known
    return frame


def _base(label: str) -> str:
    found = _ELEMENT.fullmatch(label)
    return found[1] if found else label


def _as_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _near_group(file: h5py.File, group: str) -> str:
    names: list[str] = []
    file.visititems(
        lambda name, found: names.append(name) if isinstance(found, h5py.Group) else None
    )
    return nearest(group.strip("/"), names)


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
