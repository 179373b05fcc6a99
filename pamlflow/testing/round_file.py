"""Put the datasets of a model into the HDF5 of a round file, and read them back."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import h5py
import numpy as np

from pamlflow.models import KINDS
from pamlflow.models.interface import Model, ModelKind, TrainingRecord
from pamlflow.rows import Schema
from pamlflow.storage import hdf5, store
from pamlflow.storage.schemas import SCHEMAS
from pamlflow.tasks import TaskSet
from pamlflow.testing.contract import Contract


def round_schema(kind: ModelKind) -> Schema:
    """Return the schema of the round files of a kind of model."""
    declared = SCHEMAS["round"]
    of_kinds = {row for known in KINDS.values() for row in known.rows}
    shared = tuple(row for row in declared.rows if row not in of_kinds)
    return replace(declared, rows=shared + kind.rows)


def stored(
    contract: Contract,
    where: str,
    kind: ModelKind,
    tasks: TaskSet,
    model: Model,
    record: TrainingRecord,
) -> dict[str, Any]:
    """Return the datasets of a round file as they are read back, once they are what the rows declare."""
    schema = round_schema(kind)
    with contract.calling(f"{where}, `to_datasets`"):
        own = model.to_datasets()
    for name in own:
        declared = any(row.covers(name) for row in kind.rows)
        contract.require(declared, f"{where}, dataset '{name}'", "a row of the kind", "none")
    datasets = {"round": np.int64(0), **tasks.to_datasets(), **record.to_datasets(), **own}
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        for name, value in datasets.items():
            array = np.asarray(value)
            if array.size == 0 and not isinstance(value, np.ndarray):  # a list of no events
                row = schema.row(name)
                is_text = row is not None and row.dtype == "string"
                array = array.astype(np.str_ if is_text else np.float64)
            text = array.dtype.kind in "UO"
            file[name] = array.astype(h5py.string_dtype()) if text else array
        found = hdf5.datasets(file)
        forms = {name: hdf5.form(dataset) for name, dataset in found.items()}
        for violation in store.violations(schema, forms):
            place = f"{where}, dataset '{violation.dataset}'"
            contract.require(False, place, violation.expected, violation.found)
        read = hdf5.load(found, len(image.getvalue()))
    for name, array in read.items():
        is_finite = array.dtype.kind != "f" or bool(np.isfinite(array).all())
        contract.require(is_finite, f"{where}, dataset '{name}'", "finite numbers", array)
    return read
