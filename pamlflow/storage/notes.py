"""The recorded provenance of files: settings, seed, and the files that each was made from.

HDF5 files record it in their attributes. Tables and figures have a note in the folder `provenance` beside them.
The note includes the SHA-256 of its file, so it cannot be taken for that of another file with the same name.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from pamlflow.storage import files
from pamlflow.storage.schemas import SCHEMAS

NOTES = "provenance"
"""The folder of notes beside tables and figures."""


class DamageError(ValueError):
    """A file has changed since it was written."""


class Note(NamedTuple):
    """The seed and the settings of the job that made a file, and the files that the job read.

    `parents` maps paths, relative to the working folder, to SHA-256; `sha256` is that of the file.
    """

    seed: int
    config: dict[str, Any]
    parents: dict[str, str]
    sha256: str


def note(products: Sequence[str], params: Mapping[str, Any], parents: Sequence[str]) -> None:
    """Write notes that a job with `params`, optionally with a seed, made tables or figures from `parents`."""
    config = {key: value for key, value in params.items() if key != "seed"}
    for product in map(Path, products):
        content = {
            "sha256": files.sha256(product.read_bytes()),
            "seed": params.get("seed", 0),
            "config": config,
            "parents": {
                os.path.relpath(parent, product.parent): files.sha256(Path(parent).read_bytes())
                for parent in parents
            },
        }
        text = json.dumps(content, sort_keys=True, indent=1, allow_nan=False) + "\n"
        files.replace(_note(product), text.encode())


def read(path: Path, schema: str | None = None) -> Note:
    """Return the note of the file at `path`: an HDF5 file if `schema` is given, or else a table or figure.

    Raises FileNotFoundError if there is no file, DamageError if an HDF5 file has changed since it was written,
    and ValueError if there is no valid note, or the schema or its version is another one.
    """
    content = path.read_bytes()
    says = _attributes(content, schema) if schema else _noted(path, content)
    try:
        parents = {
            os.path.relpath(path.parent / name): str(sha256)
            for name, sha256 in says["parents"].items()
        }
        return Note(int(says["seed"]), dict(says["config"]), parents, files.sha256(content))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"expected a seed, settings and parents, found {error!r}") from None


def _attributes(content: bytes, schema: str) -> dict[str, Any]:
    """Return the attributes of an HDF5 file, opened in memory: network mounts may refuse locks."""
    if problem := files.damage(content):
        raise DamageError(problem)
    try:
        with h5py.File(h5py.h5f.open_file_image(content)) as file:
            found = dict(file.attrs)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise DamageError(f"damaged HDF5 file ({error})") from None
    expected = {"schema": schema, "schema_version": SCHEMAS[schema].version}
    for name, value in expected.items():
        if found.get(name) != value:
            raise ValueError(_differs(name, found.get(name), value))
    try:
        texts = {name: json.loads(found[name]) for name in ("config", "parents")}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"expected settings and parents, found {error!r}") from None
    return found | texts


def _noted(path: Path, content: bytes) -> dict[str, Any]:
    """Return the note of a table or figure."""
    try:
        says: Any = json.loads(_note(path).read_bytes())
        about = says["sha256"]
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        raise ValueError(f"no note of what it was made from in {_note(path)}") from None
    if about != files.sha256(content):
        raise ValueError("changed since it was made")
    return dict(says)


def difference(found: Any, expected: Any, key: str = "") -> str | None:
    """Return the first difference between two configurations in words; None if they are equal."""
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        for name in sorted({*found, *expected}):
            inner = f"{key}.{name}" if key else name
            if text := difference(found.get(name), expected.get(name), inner):
                return text
        return None
    return None if found == expected else _differs(key, found, expected)


def _differs(name: str, found: Any, expected: Any) -> str:
    return f"{name}: expected {_short(expected)}, found {_short(found)}"


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = str(value) if isinstance(value, np.generic) else json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _note(product: Path) -> Path:
    return product.parent / NOTES / f"{product.name}.json"
