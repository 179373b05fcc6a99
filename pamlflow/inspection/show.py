"""Describe an HDF5 file for a terminal: schema, content and provenance."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from pamlflow.inspection.text import HEAD, Cell, printable, table, top
from pamlflow.storage.hdf5 import Array
from pamlflow.storage.schemas import SCHEMAS, schema_of
from pamlflow.storage.store import Record


def describe(record: Record) -> str:
    """Return schema, content and provenance of `record` as aligned text."""
    schema = SCHEMAS[record.schema]
    sections = [f"{schema.name}, version {schema.version}: {schema.meaning}"]
    sections += SECTIONS[schema.name](record.datasets)
    sections += [_datasets(record), _provenance(record)]
    return "\n\n".join(sections)


def _labels(data: Mapping[str, Array], kind: str) -> list[str]:
    """Return the variables of one kind with their units: `pole_mass [kg]`."""
    names, units = data[f"{kind}_names"].tolist(), data[f"{kind}_units"].tolist()
    return [f"{name} [{unit}]" for name, unit in zip(names, units, strict=True)]


def _seen(data: Mapping[str, Array], group: str) -> tuple[list[str], Array]:
    """Return labels and values [N, R] of descriptors; for pictures, of the true parameters [N, D]."""
    if data[f"{group}/descriptors"].ndim == 2:
        return _labels(data, f"{group}/descriptor"), data[f"{group}/descriptors"]
    hidden = [f"{label}, hidden" for label in _labels(data, f"{group}/parameter")]
    return hidden, data[f"{group}/parameters"]


def _grid(data: Mapping[str, Array]) -> list[str]:
    labels, values = _labels(data, "tasks/parameter"), data["tasks/parameters"]
    columns = [np.unique(column) for column in values.T]
    rows: list[list[Cell]] = [
        [label, column.size, float(column[0]), float(column[-1])]
        for label, column in zip(labels, columns, strict=True)
    ]
    counts = " x ".join(str(column.size) for column in columns)
    title = f"grid of {counts} parameters, {data['tasks/lengths'].size} tasks"
    return [table(("parameter", "values", "lowest", "highest"), rows, title)]


def _initial_tasks(data: Mapping[str, Array]) -> list[str]:
    labels, values = _seen(data, "tasks")
    lengths = data["tasks/lengths"].tolist()
    rows = [[i, lengths[i], *value] for i, value in enumerate(values.tolist())]
    return [table(("task", "transitions", *labels), rows, "initial tasks")]


def _pool(data: Mapping[str, Array]) -> list[str]:
    labels, values = _seen(data, "pool")
    rows = [[i, *value] for i, value in enumerate(values.tolist())]
    title = "candidates"
    if data["pool/descriptors"].ndim > 2:
        height, width = data["pool/descriptors"].shape[1:3]
        title += f", pictures of {height} x {width} pixels by renderer {printable(str(data['pool/renderer']))}"
    return [top(title, ("row", *labels), rows)]


def _design(data: Mapping[str, Array]) -> list[str]:
    rows = [[i, *point] for i, point in enumerate(data["design/latin_hypercube"].tolist())]
    return [top("descriptors in order of use", ("", *_labels(data, "design/descriptor")), rows)]


def _round(data: Mapping[str, Array]) -> list[str]:
    labels, values = _seen(data, "tasks")
    seen = values.tolist()
    latent = data.get("latent/mean", np.empty((len(seen), 0)))  # not of every kind of model
    first = len(seen) - int(data["round"])
    rows: list[list[Cell]] = [
        [i, f"round {i - first + 1}" if i >= first else "initial", *seen[i], *latent[i].tolist()]
        for i in range(len(seen))
    ]
    means = [f"latent mean {q + 1}" for q in range(latent.shape[1])]
    head = ("task", "chosen", *labels, *means)
    sections = [table(head, rows, f"tasks after {int(data['round'])} acquisitions")]
    if "selection/utilities" in data:
        utilities, chosen = data["selection/utilities"], int(data["selection/chosen"])
        rank = 1 + int(np.sum(utilities > utilities[chosen]))
        sections.append(
            f"newest task: utility {utilities[chosen]:.4g}, rank {rank} of {utilities.size} "
            f"candidates (best {utilities.max():.4g}, median {np.median(utilities):.4g})"
        )
    bound = data["training/bound"]
    if bound.size:
        sections.append(f"final bound: {bound[-1]:.6g} nat after {bound.size} iterations")
    events = data["training/events"].tolist()
    return sections + ["\n  ".join(["training", *map(printable, events)])] * bool(events)


def _metrics(data: Mapping[str, Array]) -> list[str]:
    protocols = data["protocols"].tolist()
    nll = data["nll"].mean(axis=-1).tolist()
    rmse = np.sqrt(data["squared_error"].mean(axis=-1)).tolist()
    head = ["round", "tasks"] + [f"{name} {p}" for p in protocols for name in ("NLL", "RMSE")]
    rows: list[list[Cell]] = [
        [number, count, *(value for pair in zip(nll[a], rmse[a], strict=True) for value in pair)]
        for a, (number, count) in enumerate(
            zip(data["round"].tolist(), data["num_tasks"].tolist(), strict=True)
        )
    ]
    return [table(head, rows, f"mean over {data['nll'].shape[-1]} test tasks")]


def _summary(data: Mapping[str, Array]) -> list[str]:
    head = tuple(row.path for row in SCHEMAS["summary"].rows)
    rows = list(zip(*(data[name].tolist() for name in head), strict=True))
    return [top(f"{len(rows)} rows", head, rows)]


SECTIONS: dict[str, Callable[[Mapping[str, Array]], list[str]]] = {
    "test_tasks": _grid,
    "initial_tasks": _initial_tasks,
    "design": _design,
    "pool": _pool,
    "round": _round,
    "metrics": _metrics,
    "summary": _summary,
}
"""The sections of each schema."""


def _datasets(record: Record) -> str:
    """Each dataset with its sizes and units."""
    schema, data = schema_of(record.schema, record.config), record.datasets
    rows = []
    for name, array in data.items():
        row = schema.row(name)
        assert row is not None  # the store has checked it

        letters = row.axes(array.ndim)
        assert letters is not None  # the store has checked this too
        sizes = ", ".join(
            f"{letter} = {size}" if letter else str(size)
            for letter, size in zip(letters, array.shape, strict=True)
        )
        units = ", ".join(data[row.units].tolist()) if "/" in row.units else row.units
        rows.append((name, f"[{sizes}]", units, row.meaning))
    return table(("dataset", "shape", "units", "meaning"), rows, "datasets")


def _provenance(record: Record) -> str:
    rows = [("seed", str(record.seed))]
    config, files = dict(record.config), record.config.get("files")
    if isinstance(files, Mapping):  # of a domain, which may read hundreds
        del config["files"]
        named = [("file", f"{name}  sha256 {digest}") for name, digest in files.items()]
        more = [("file", f"... and {len(named) - HEAD} more")] * (len(named) > HEAD)
        rows += [*named[:HEAD], *more]
    rows += [("config", f"{key} = {value}") for key, value in _flat(config)]
    rows += [("parent", f"{name}  sha256 {digest}") for name, digest in record.parents.items()]
    return table(("pamlflow", record.pamlflow_version), rows, "provenance")


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the entries of nested mappings with dotted keys: `simulation.steps`."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, json.dumps(value)
