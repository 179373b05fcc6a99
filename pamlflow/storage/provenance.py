"""Provenance: the root attributes of every HDF5 file."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from pamlflow.rows import Schema
from pamlflow.storage import files, hdf5
from pamlflow.versions import __version__

PARENTS = 10_000
"""Largest number of parents of a file; a summary of a hundred trials has some hundreds."""


@dataclass(frozen=True)
class Provenance:
    """The provenance of a file.

    `parents` maps the path of each file that it was made from, relative to its own folder, to the SHA-256 of
    that file. `config` has the settings that were used, and `sha256` is that of the file itself.
    """

    schema: str
    schema_version: int
    pamlflow_version: str
    seed: int
    config: dict[str, Any]
    parents: dict[str, str]
    sha256: str


def attributes(
    schema: Schema,
    folder: Path,
    seed: int,
    config: Mapping[str, Any],
    parents: Sequence[str | Path],
) -> dict[str, str | int]:
    """Return the root attributes of a file in `folder` that is made now from the files `parents`."""
    digests = {
        os.path.relpath(parent, folder): files.sha256(Path(parent).read_bytes())
        for parent in parents
    }
    return {
        "schema": schema.name,
        "schema_version": schema.version,
        "pamlflow_version": __version__,
        "seed": seed,
        "config": _json(config),
        "parents": _json(digests),
    }


def read(file: h5py.File, sha256: str) -> Provenance:
    """Return what the root attributes say; ContentError where they are not those of pamlflow."""
    try:
        found = Provenance(
            schema=hdf5.attribute(file, "schema", str),
            schema_version=hdf5.attribute(file, "schema_version", int),
            pamlflow_version=hdf5.attribute(file, "pamlflow_version", str),
            seed=hdf5.attribute(file, "seed", int),
            config=_mapping(file, "config"),
            parents=_mapping(file, "parents"),
            sha256=sha256,
        )
    except hdf5.ContentError as error:
        text = f"expected the root attributes of a pamlflow file, found {error}"
        raise hdf5.ContentError(text) from error
    if len(found.parents) > PARENTS:
        text = (
            f"expected at most {PARENTS} files in attribute 'parents', found {len(found.parents)}"
        )
        raise hdf5.ContentError(text)
    for parent, digest in found.parents.items():
        is_digest = isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest)
        if not is_digest or not parent or parent.startswith("/") or "\0" in parent:
            pair = f"{parent!r}: {digest!r}"[:200]
            text = "expected relative paths and their SHA-256 in attribute 'parents'"
            raise hdf5.ContentError(f"{text}, found {pair}")
    return found


def _mapping(file: h5py.File, name: str) -> dict[str, Any]:
    """Return the mapping in a JSON attribute. Raises ContentError if pamlflow would write it differently."""
    text = hdf5.attribute(file, name, str)
    try:
        found = json.loads(text)
        same = isinstance(found, dict) and _json(found) == text
    except (ValueError, RecursionError) as error:
        raise hdf5.ContentError(f"attribute {name!r} that is no JSON ({error})") from error
    if not same:
        raise hdf5.ContentError(
            f"attribute {name!r} that is no mapping, or not as pamlflow writes it"
        )
    return dict(found)


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, allow_nan=False)
