"""The noise of predictions: what the training transitions leave beside the variance of f."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from pamlflow.models.evidence import TaskArrays
from pamlflow.models.inference import LatentPosterior
from pamlflow.models.posterior import DynamicsPosterior, predict_function
from pamlflow.types import FloatArray

GRID = 60


def fit_predictive_noise(
    posterior: DynamicsPosterior, data: TaskArrays, latent: LatentPosterior, floor: FloatArray
) -> FloatArray:
    """Noise variances [P], at least ``floor`` [P], that maximise the predictive density of N tasks.

    That is sum_ij log N(y_ij; m_ij, s_ij + noise), with the exact moments m and s of f under q(h_i).  The noise
    of the collapsed bound is larger: there it also has to pay for the variance that the inducing points leave,
    which s contains.
    """
    mean, variance = predict_function(posterior, data.inputs, *latent)
    present = data.mask > 0.0
    squares = np.square(data.outputs - mean)[present]
    variance = variance[present]
    outputs = zip(squares.T, variance.T, floor, strict=True)
    return np.array([_fit_output(*output) for output in outputs])


def _fit_output(squares: FloatArray, variance: FloatArray, floor: float) -> float:
    """The noise variance of one output, from squared errors and variances of f [transitions]."""

    def cost(log_noise: float) -> float:
        total = variance + np.exp(log_noise)
        return float(np.sum(np.log(total) + squares / total))

    # No more noise than the largest error.  The cost may have several minima: the grid finds the best.
    grid = np.linspace(np.log(floor), np.log(max(float(squares.max()), 2.0 * floor)), GRID)
    best = int(np.argmin([cost(point) for point in grid]))
    bracket = grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]
    return float(np.exp(minimize_scalar(cost, bounds=bracket, method="bounded").x))
