"""The priors of the parameters: weak, and in standardised units."""

from __future__ import annotations

from dataclasses import dataclass

ABOVE_FLOOR = 1.01
"""Where a parameter starts that would be at its floor, of which there is no logarithm: times the floor."""

DESCRIPTOR_NOISE_FLOOR = 1e-4  # variance, that of the descriptors being 1


@dataclass(frozen=True)
class Scale:
    """A positive parameter, searched for as its logarithm, with a log-normal prior.

    `spread` is the standard deviation of the logarithm. Above a hard floor, logarithm and prior are those of
    the value minus the floor.
    """

    median: float
    spread: float


@dataclass(frozen=True)
class Weight:
    """A real parameter with a zero-mean Gaussian prior of standard deviation `spread`."""

    spread: float


VARIANCE = Scale(median=1.0, spread=1.5)
OUTPUT_SCALE = Scale(median=1.0, spread=0.75)
LENGTHSCALES_X = Scale(median=3.0, spread=1.5)
LENGTHSCALES_H = Scale(median=2.0, spread=1.0)
NOISE = Scale(median=1e-3, spread=3.0)
NOISE_SLOPE = Weight(spread=1.0)

DESCRIPTOR_LENGTHSCALES = Scale(median=1.5, spread=0.5)
DESCRIPTOR_VARIANCE = Scale(median=0.2, spread=1.0)
DESCRIPTOR_NOISE = Scale(median=0.01, spread=1.5)
DESCRIPTOR_SLOPE = Weight(spread=1.0)
DESCRIPTOR_INTERCEPT = Weight(spread=1.0)

PICTURE_NOISE = Scale(median=0.1, spread=1.5)

FIRST_NOISE = 0.01  # variance of the dynamics, that of the outputs being 1
FIRST_LENGTHSCALE = 2.0  # of the dynamics


def first_noise(floor: float) -> float:
    """Return the noise variance of the dynamics that a fit from scratch starts with."""
    return max(FIRST_NOISE, ABOVE_FLOOR * floor)
