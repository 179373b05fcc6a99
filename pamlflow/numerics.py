"""The error state of NumPy and SciPy that computations rely on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import special

NUMPY: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
SCIPY: dict[str, Any] = {"all": "ignore", "memory": "raise"}


@contextmanager
def default_error_state() -> Iterator[None]:
    """Use the default error state within a block or a decorated function.

    Kernels far from their inducing points underflow to zero, and a search rejects steps that overflow. Neither
    must become an error because a user's module has called `seterr`.
    """
    with np.errstate(**NUMPY), special.errstate(**SCIPY):
        yield
