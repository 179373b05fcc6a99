"""The noise of predictions: what an outcome has beside the variance of f, judged by leaving transitions out."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.use.kernels import expected_kernel, unit_kernel
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior
from pamlflow.types import FloatArray

GRID = 60
LARGEST_LEVERAGE = 0.999  # what is left when a transition decides its own prediction is rounding


def fit_predictive_noise(
    posterior: SparsePosterior, data: TaskArrays, latent: LatentPosterior, floor: FloatArray
) -> FloatArray:
    """Noise variances [P] of a task with h = 0, at least `floor` [P], for predictions of unseen transitions.

    They maximise sum_ij log N(y_ij; m_ij, s_ij + noise_i), with the moments of f that the other transitions
    predict under q(h_i).  Noise varies from task to task as in the bound, whose own noise is larger: there it
    also has to pay for the variance that the inducing points leave, which s contains.
    """
    squares, variance = leave_one_out(posterior, data, latent)
    relative = posterior.task_noise(latent.mean, np.ones_like(posterior.noise))[:, None]
    present = data.mask > 0.0
    relative = np.broadcast_to(relative, squares.shape)[present]
    outputs = zip(squares[present].T, variance[present].T, relative.T, floor, strict=True)
    return np.array([_fit_output(*output) for output in outputs])


def leave_one_out(
    posterior: SparsePosterior, data: TaskArrays, latent: LatentPosterior
) -> tuple[FloatArray, FloatArray]:
    """Squared errors and variances of f [N, T, P] at each transition, given all others.

    The optimal q(u) is the posterior of a linear model of y in whitened inducing variables.  Let b be the
    variance that it adds to f at a transition, and n the noise of the bound: the outcome there has the weight
    b / n in its own prediction, and without it, error and b are divided by 1 - b / n (Rasmussen & Williams
    2006, section 5.4.2, for such a model).  q(h) and the parameters stay.
    """
    mean, variance = posterior.moments(data.inputs, latent)
    moments = (latent.mean, latent.variance, posterior.inducing_latents, posterior.lengthscales_h)
    factors = posterior.variance * expected_kernel(*moments)
    left = np.empty_like(mean)
    for i, (x, factor) in enumerate(zip(data.inputs, factors, strict=True)):
        k = factor * unit_kernel(x, posterior.inducing_inputs, posterior.lengthscales_x)
        for p, kept in enumerate(1.0 - posterior.reduction):
            left[i, :, p] = np.square(k @ posterior.basis[p % len(posterior.basis)]) @ kept
    noise = posterior.task_noise(latent.mean, posterior.noise)[:, None]
    leverage = np.minimum(left / noise, LARGEST_LEVERAGE)
    squares = np.square((data.outputs - mean) / (1.0 - leverage))
    return squares, variance + left * leverage / (1.0 - leverage)


def _fit_output(
    squares: FloatArray, variance: FloatArray, relative: FloatArray, floor: float
) -> float:
    """The noise variance of one output, times `relative` for each of the transitions [n]."""

    def cost(log_noise: float) -> float:
        total = variance + relative * np.exp(log_noise)
        return float(np.sum(np.log(total) + squares / total))

    # No more noise than the largest error.  The cost may have several minima: the grid finds the best.
    largest = max(float(np.max(squares / relative)), 2.0 * floor)
    grid = np.linspace(np.log(floor), np.log(largest), GRID)
    best = int(np.argmin([cost(point) for point in grid]))
    bracket = grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]
    return float(np.exp(minimize_scalar(cost, bounds=bracket, method="bounded").x))
