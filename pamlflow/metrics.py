"""Scores of Gaussian predictions for each test task."""

from typing import NamedTuple

import numpy as np
from scipy.special import erf

from pamlflow.arrays import check_shape, numbers
from pamlflow.types import FloatArray

COVERAGE_LEVELS = np.array([0.5, 0.9, 0.99])


class Scores(NamedTuple):
    """Scores of N test tasks, averaged over the scored transitions of each."""

    nll: FloatArray  # [N] nats per transition, summed over outputs
    squared_error: FloatArray  # [N] per transition, summed over outputs
    coverage: FloatArray  # [J, N] share of outputs inside the central intervals

    @property
    def levels(self) -> FloatArray:
        """The nominal levels [J] of the central intervals of `coverage`."""
        return COVERAGE_LEVELS.copy()


def score(outputs: FloatArray, mean: FloatArray, variance: FloatArray, mask: FloatArray) -> Scores:
    """Score predictions with `mean` and `variance` [N, T, P] of `outputs` [N, T, P] where `mask` [N, T] is one.

    The NLL is minus the log predictive density of a transition, not the variational expectation. Raises
    ValueError when shapes disagree, or values are not real numbers.
    """
    outputs = numbers("outputs", outputs)
    check_shape("outputs", outputs, ("N", "T", "P"))
    mean, variance, mask = (
        numbers("mean", mean),
        numbers("variance", variance),
        numbers("mask", mask),
    )
    check_shape("mean", mean, outputs.shape)
    check_shape("variance", variance, outputs.shape)
    check_shape("mask", mask, outputs.shape[:2])
    count = mask.sum(axis=1)
    squared = np.square(outputs - mean)
    ratio = squared / variance
    nll = 0.5 * np.sum(np.log(2.0 * np.pi * variance) + ratio, axis=-1)
    # |error| lies inside the central interval of level c if P(|z| < error / deviation) < c
    inside = erf(np.sqrt(0.5 * ratio)) < COVERAGE_LEVELS[:, None, None, None]
    return Scores(
        np.sum(mask * nll, axis=1) / count,
        np.sum(mask * squared.sum(axis=-1), axis=1) / count,
        np.sum(mask * inside.mean(axis=-1), axis=2) / count,
    )
