"""The error state of NumPy and SciPy that the numbers rely on, whatever the process has made of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import special

NUMPY: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
SCIPY: dict[str, Any] = {"all": "ignore", "memory": "raise"}


@contextmanager
def default_error_state() -> Iterator[None]:
    """Compute inside, or in a function decorated with it, as if nobody had called `seterr`.

    Kernels far from their inducing points underflow to zero, and a search meets steps that overflow and
    rejects them: neither may be an error because a user's module asked for that in its own interest.
    """
    with np.errstate(**NUMPY), special.errstate(**SCIPY):
        yield
