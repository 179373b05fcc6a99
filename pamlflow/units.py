"""The unit in which values are standardised."""

import numpy as np

from pamlflow.types import FloatArray

ROUNDING = 1e-12
"""Largest relative difference between values that is attributed to rounding."""


def unit_of(values: FloatArray) -> FloatArray:
    """Return the standard deviation [D] of values [..., D], the unit in which they are measured.

    A column that varies by no more than rounding has its absolute value as unit, or 1 if it is zero.
    """
    axes = tuple(range(values.ndim - 1))
    size = np.abs(values).max(axis=axes)
    # Divided by a power of two, which loses no digit, values can be squared in any unit.
    exponent = np.frexp(size)[1]
    deviation = np.ldexp(np.ldexp(values, -exponent).std(axis=axes), exponent)
    constant = deviation <= ROUNDING * size
    unit: FloatArray = np.where(constant, np.where(size > 0.0, size, 1.0), deviation)
    return unit
