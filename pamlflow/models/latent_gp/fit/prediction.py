"""The posterior of predictions: inducing points among the transitions, and noise by leaving transitions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize_scalar

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit.inducing import choose_inducing_points
from pamlflow.models.latent_gp.fit.optimiser import LARGEST_JITTER
from pamlflow.models.latent_gp.settings import ModelSettings
from pamlflow.models.latent_gp.use.data_posterior import DataPosterior
from pamlflow.models.latent_gp.use.sparse_posterior import diagonalised
from pamlflow.models.latent_gp.use.statistics import (
    DynamicsValues,
    PsiStatistics,
    Statistics,
    Transitions,
)
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite
from pamlflow.types import FloatArray

JITTER = 1e-8
FLOOR = (
    1e-3  # of the noise of predictions: a share of `model.noise_floor`, which protects the search
)
BEYOND = 30.0  # how much larger than in training the noise of predictions may be
GRID = 9
TOLERANCE = 0.2  # of the logarithm of a noise variance
RIDGE = 1e-10


def prediction_posterior(
    transitions: Transitions,
    values: DynamicsValues,
    latent: LatentPosterior,
    jitter: float,
    settings: ModelSettings,
) -> DataPosterior:
    """Return the posterior given `transitions`, after training has found `values` and `latent`.

    Its inducing points are `settings.prediction_points` of the points of training and the transitions, all
    transitions if there are no more than that. Raises NotPositiveDefinite when no jitter helps.
    """
    signal = values.output_scale
    data = transitions._replace(outputs=transitions.outputs / signal)
    own = values._replace(output_scale=np.ones_like(signal), noise=values.noise / np.square(signal))
    floor = FLOOR * settings.noise_floor / np.square(signal)

    count = min(settings.prediction_points, len(data.inputs))
    is_exact = count == len(data.inputs)  # with the transitions alone
    kept = None if is_exact else np.hstack([own.inducing_inputs, own.inducing_latents])
    inputs, latents = choose_inducing_points(own, data, latent.mean, kept, count=count)
    sharp = own._replace(inducing_inputs=inputs, inducing_latents=latents)
    statistics, sharp_jitter = PsiStatistics(data), JITTER
    while True:
        try:
            found = statistics(sharp, *latent[:2], sharp_jitter)
            break
        except NotPositiveDefinite:
            sharp_jitter *= 10.0
            if sharp_jitter > LARGEST_JITTER:
                raise
    noise = left_out_noise(found, sharp, floor)
    return DataPosterior(data, latent, own, jitter, inputs, latents, noise, sharp_jitter)


def left_out_noise(found: Statistics, values: DynamicsValues, floor: FloatArray) -> FloatArray:
    """Return noise variances [P] of a task with h = 0, at least `floor` [P], for posterior and predictions.

    They maximise the density of each transition given all other tasks, times its density given all other
    transitions. The first says how well an unseen task is predicted, which is what matters, but hardly knows
    the noise where tasks are too far apart to foretell each other; the second does know it there. q(h) and the
    parameters stay.
    """
    eigenvalues, basis, projected = diagonalised(found)
    features = found.Psi1 @ basis
    squared, ends = np.square(features), np.cumsum(found.lengths)
    model = LinearModel(
        eigenvalues,
        features,
        squared,
        np.maximum(values.variance * found.row_weights() - squared.sum(axis=1), 0.0),
        [slice(*both) for both in zip(ends - found.lengths, ends, strict=True)],
    )
    trained = 1.0 / values.precision()
    outputs = zip(found.outputs.T, projected.T, floor, trained, strict=True)
    return np.array([_noise(model, *output) for output in outputs])


class LinearModel(NamedTuple):
    """The optimal q(u) as the posterior of a linear model, in coordinates in which it is diagonal."""

    informed: FloatArray  # [M] what all transitions say of each coordinate
    features: FloatArray  # [n, M] of the transitions, times the root of their weight
    squared: FloatArray  # [n, M] their squares
    unexplained: FloatArray  # [n] weighted variance of f that the inducing points leave
    tasks: Sequence[slice]  # the transitions of each

    def left_out(
        self, outcomes: FloatArray, projected: FloatArray, noise: float
    ) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
        """Return errors and variances [n] of outcomes given all other transitions, and given all other tasks.

        Both are times root weights. Let S [T, T] be the covariance that the posterior leaves to f at the
        transitions that are left out, and n the noise. Without them, the errors are those of the posterior
        times (I - S / n)^-1, and the covariance of the outcomes is that matrix times n (for one transition:
        Rasmussen & Williams 2006, section 5.4.2).

        Args:
            outcomes: those of one output [n].
            projected: what all transitions say of its coordinates [M].
            noise: its noise variance n.
        """
        kept = 1.0 / (1.0 + self.informed / noise)
        errors = outcomes - self.features @ (kept * projected / noise)
        remaining = 1.0 + RIDGE - self.squared @ (kept / noise)
        singly = errors / remaining, self.unexplained + noise / remaining
        by_task = np.empty_like(errors), self.unexplained.copy()
        for task in self.tasks:
            rows = self.features[task] * np.sqrt(kept / noise)
            factor, failed = lapack.dpotrf(
                (1.0 + RIDGE) * np.eye(len(rows)) - rows @ rows.T, lower=1
            )
            if failed:  # so little noise that rounding decides
                by_task[1][task] = np.nan
                continue
            by_task[0][task] = lapack.dpotrs(factor, errors[task], lower=1)[0]
            by_task[1][task] += noise * np.diagonal(lapack.dpotri(factor, lower=1)[0])
        return singly, by_task


def _noise(
    model: LinearModel, outcomes: FloatArray, projected: FloatArray, floor: float, trained: float
) -> float:
    """The noise variance of one output; that of training says where to look."""

    def cost(log_noise: float) -> float:
        total = 0.0
        for errors, variances in model.left_out(outcomes, projected, float(np.exp(log_noise))):
            if not (variances > 0.0).all():
                return np.inf
            total += float(np.sum(np.log(variances) + np.square(errors) / variances))
        return total

    # The cost may have several minima: the grid finds the best.
    grid = np.linspace(np.log(floor), np.log(max(BEYOND * trained, 2.0 * floor)), GRID)
    best = int(np.argmin([cost(point) for point in grid]))
    bracket = grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]
    found = minimize_scalar(cost, bounds=bracket, method="bounded", options={"xatol": TOLERANCE})
    return float(np.exp(found.x))
