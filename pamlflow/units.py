"""The unit in which values of a user's own are measured, whatever theirs is."""

import numpy as np

from pamlflow.types import FloatArray

ROUNDING = 1e-12
"""What values differ by, relative to the largest, when they differ by rounding alone."""


def unit_of(values: FloatArray) -> FloatArray:
    """Standard deviation [D] of values [..., D]: values in another unit have a unit that differs alike.

    A constant column, which varies by no more than rounding, carries no information: its unit is its own
    size, or 1 where it is zero.
    """
    axes = tuple(range(values.ndim - 1))
    size = np.abs(values).max(axis=axes)
    # Divided by a power of two, which costs no digit, values can be squared whatever their unit.
    exponent = np.frexp(size)[1]
    deviation = np.ldexp(np.ldexp(values, -exponent).std(axis=axes), exponent)
    constant = deviation <= ROUNDING * size
    unit: FloatArray = np.where(constant, np.where(size > 0.0, size, 1.0), deviation)
    return unit
