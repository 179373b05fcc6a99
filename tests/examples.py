"""Small valid datasets for every schema, and files to be spoilt."""

import contextlib
import io
from typing import Any

import h5py
import numpy as np

from pamlflow.rows import BOUNDS
from pamlflow.storage import files
from pamlflow.storage.schemas import SCHEMAS

SIZES = {
    "A": 2,
    "B": 12,
    "C": 5,
    "D": 2,
    "Dx": 6,
    "E": 4,
    "G": 3,
    "H": 1,
    "I": 3,
    "J": 1,
    "K": 4,
    "L": 2,
}
SIZES |= {
    "M": 7,
    "N": 3,
    "P": 4,
    "Q": 2,
    "R": 2,
    "S": 12,
    "U": 1,
    "V": 2,
    "W": 4,
    "X": 3,
    "Y": 9,
    "Z": 5,
}


def example(
    schema: str, *, optional: bool = True, pixels: tuple[int, ...] = (), **sizes: int
) -> dict[str, Any]:
    """Datasets that satisfy `schema`: numbers that count up, strings named by their index.

    Descriptors are vectors, or pictures of so many `pixels` along each axis.
    """
    datasets: dict[str, Any] = {}
    known = SIZES | sizes
    for row in SCHEMAS[schema].rows:
        if row.optional and not optional:
            continue
        shape: tuple[int, ...] = ()
        for letter in row.shape:
            shape += pixels if letter == "..." else (known[letter],)
        if row.is_open:
            shape = (2, 3)
        values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        if BOUNDS.get(row.path) == (0, 1):
            values = values / max(1, values.size)
        path = row.path.replace("*", "kernel.lengthscales")
        datasets[path] = values.astype(np.str_ if row.dtype == "string" else row.dtype)
    return datasets


@contextlib.contextmanager
def edited(path):
    """The HDF5 file at `path`, to be changed; the seal fits what it holds in the end."""
    image = io.BytesIO(path.read_bytes())
    with h5py.File(image, "r+") as file:
        yield file
    path.write_bytes(files.seal(image.getvalue()))
