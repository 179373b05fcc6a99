"""HDF5 schemas: a row declares one dataset, and a schema one kind of file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Dtype = Literal["float64", "int64", "string"]

SYMBOLS = {
    "A": "rounds that were scored",
    "B": "points of the design",
    "C": "candidate tasks: of the pool, or of the newest acquisition",
    "D": "simulator parameters that vary from task to task",
    "Dx": "dynamics inputs: angles as cosine and sine, other state variables, controls",
    "E": "numbers that fix the initial state",
    "I": "iterations of the optimiser",
    "G": "inducing points of the descriptor view",
    "H": "bases of the dynamics posterior: one shared by the outputs, or one each",
    "J": "levels of the central intervals whose coverage is counted",
    "K": "control steps of a task",
    "L": "test protocols",
    "M": "inducing points of the dynamics view",
    "N": "tasks in this file",
    "P": "dynamics outputs: state differences",
    "Q": "latent dimensions",
    "R": "descriptor variables; of pictures, colour channels",
    "S": "transitions of all tasks together, task after task",
    "U": "controls",
    "V": "events of the training",
    "W": "rows of the tidy table",
    "X": "excitations: of each run, or of each run of each task",
    "Y": "control steps of all excitations together",
    "Z": "inducing points of predictions",
}
"""Meanings of the letters for sizes. A letter has one value within a file."""


BOUNDS: dict[str, tuple[int, int | None]] = {
    "context/order": (0, None),
    "coverage": (0, 1),
    "coverage_levels": (0, 1),
    "latent/variance": (0, None),
    "num_tasks": (0, None),
    "pool/rows": (0, None),
    "posterior/data/jitter": (0, None),
    "posterior/data/lengthscales_h": (0, None),
    "posterior/data/lengthscales_x": (0, None),
    "posterior/data/noise": (0, None),
    "posterior/data/sharp_jitter": (0, None),
    "posterior/data/sharp_noise": (0, None),
    "posterior/data/variance": (0, None),
    "posterior/descriptor/lengthscales": (0, None),
    "posterior/descriptor/noise": (0, None),
    "posterior/descriptor/variance": (0, None),
    "posterior/dynamics/lengthscales_h": (0, None),
    "posterior/dynamics/lengthscales_x": (0, None),
    "posterior/dynamics/noise": (0, None),
    "posterior/dynamics/predictive_noise": (0, None),
    "posterior/dynamics/variance": (0, None),
    "round": (0, None),
    "scaler/descriptor_scale": (0, None),
    "scaler/input_scale": (0, None),
    "scaler/output_scale": (0, None),
    "selection/chosen": (0, None),
    "selection/latent_variance": (0, None),
    "squared_error": (0, None),
    "tasks/lengths": (0, None),
    "trial": (0, None),
}
"""Smallest and largest allowed value of bounded datasets, by path."""


@dataclass(frozen=True)
class Row:
    """One dataset of a schema; a path that ends in `/*` stands for any datasets below that group.

    `...` in the shape stands for any number of axes. `units` is `1` for pure numbers, `-` for strings, or the
    path of the dataset with the units of the last axis. Optional rows of one group are all present or all
    absent.
    """

    path: str
    shape: tuple[str, ...]
    dtype: Dtype
    units: str
    meaning: str
    optional: bool = False

    @property
    def group(self) -> str:
        """The path without its last component."""
        return _group(self.path)

    @property
    def is_open(self) -> bool:
        """Whether the row stands for any datasets, of any shape, below its group."""
        return self.path.endswith("/*")

    @property
    def values(self) -> str:
        """The allowed values in words: `from 0 to 1`; empty without bounds."""
        if self.path not in BOUNDS:
            return ""
        least, greatest = BOUNDS[self.path]
        return f"at least {least}" if greatest is None else f"from {least} to {greatest}"

    @property
    def dims(self) -> str:
        """The shape in words: `[N, Q]`."""
        return f"[{', '.join(self.shape)}]"

    def axes(self, number: int) -> tuple[str, ...] | None:
        """Return the letters of `number` axes, empty for those of `...`; None if the number does not fit."""
        if "..." not in self.shape:
            return self.shape if number == len(self.shape) else None
        at, others = self.shape.index("..."), len(self.shape) - 1
        free = ("",) * (number - others)
        return self.shape[:at] + free + self.shape[at + 1 :] if number >= others else None

    def covers(self, path: str) -> bool:
        """Return whether the row declares the dataset `path`."""
        return path.startswith(self.path[:-1]) if self.is_open else path == self.path


@dataclass(frozen=True)
class Schema:
    """The content of a kind of file, the rules that write it, and its location."""

    name: str
    version: int
    rows: tuple[Row, ...]
    meaning: str
    rules: tuple[str, ...]
    location: str

    def row(self, path: str) -> Row | None:
        """Return the row that declares the dataset `path`, if any."""
        return next((row for row in self.rows if row.covers(path)), None)

    def missing(self, paths: Iterable[str]) -> Iterator[Row]:
        """Yield required rows that are missing in the datasets `paths`; open rows may be empty."""
        found = set(paths)
        groups = {_group(path) for path in found}
        for row in self.rows:
            required = not row.optional or row.group in groups
            if required and not row.is_open and row.path not in found:
                yield row


def _group(path: str) -> str:
    return path.rpartition("/")[0]


def rows_of(table: str, *, optional: bool = False) -> tuple[Row, ...]:
    """Return the rows of a table with columns path, shape, dtype, units, meaning, separated by two blanks."""
    rows = []
    for line in table.strip().splitlines():
        path, dims, dtype, units, meaning = re.split(r" {2,}", line, maxsplit=4)
        shape = tuple(dims.strip("[]").split(", ")) if dims != "[]" else ()
        kind = next(name for name in get_args(Dtype) if name == dtype)
        rows.append(Row(path, shape, kind, units, meaning, optional))
    return tuple(rows)
