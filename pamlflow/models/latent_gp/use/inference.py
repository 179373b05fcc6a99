"""q(h*) of unseen tasks, all tasks at once, with the model frozen (Sections 2 and 3 of the paper).

Two objectives.  `elbo` is the paper's: E_q(h) E_q(f) [log p(y | f)] - KL.  `predictive` scores the data
under the density that is used for prediction, which holds the uncertainty of f and of h: it does not punish
a task twice for being far from the training tasks.  Either can add log p(psi* | h), and without transitions
that term alone infers h* from the descriptor.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.use.batched_bfgs import minimise_batch
from pamlflow.models.latent_gp.use.evidence import Evidence
from pamlflow.types import FloatArray, IntArray

logger = logging.getLogger(__name__)

INITIAL_LOG_VARIANCE = -4.0
MAX_ITERATIONS = 60
FINISHING_ITERATIONS = 3
VALUE_TOLERANCE = 1e-4  # nats
MAX_STARTS = 256
FURTHER_STARTS = 5
WIDER_THAN_PRIOR = 1.1  # variance; one that nothing is known of ends at 1, give or take a rounding


def infer_latents(
    evidence: Sequence[Evidence],
    starts: FloatArray,
    number: int,
    ranking: Sequence[Evidence] | None = None,
    finish: Sequence[Evidence] | None = None,
) -> LatentPosterior:
    """Maximise sum(evidence) - KL over q(h*) of `number` tasks, each on its own.

    Every task starts at the best of `starts` [S, Q] and then follows a BFGS of its own.  A cheaper
    `ranking` may stand in for the evidence when the starts are compared, which takes most of the
    evaluations.  A task that ends with a q(h*) wider than the prior knows less than nothing, as it does in
    the wrong mode: it is searched for from the next best starts too, and keeps the best end.  The same goes
    for one that ends without a finite value.  Where there is none anywhere the result is the prior, and the log
    says so.  A dearer and more exact `finish` may take the place of the evidence in the end: a few iterations
    are enough from where the search has ended, with the curvature that it has found.
    """
    dimensions = starts.shape[1]
    tasks = np.arange(number)
    places = np.hstack([starts, np.full_like(starts, INITIAL_LOG_VARIANCE)])
    values = [_loss(ranking or evidence, np.tile(place, (number, 1)), tasks)[0] for place in places]
    order = np.argsort(values, axis=0)  # NaN comes last
    position, value, inverse = _search(evidence, places[order[0]], tasks)
    wide = np.any(position[:, dimensions:] > np.log(WIDER_THAN_PRIOR), axis=1)
    doubtful = tasks[wide | np.isinf(value)]
    for following in order[1 : 1 + FURTHER_STARTS, doubtful] if len(doubtful) else []:
        other, other_value, other_inverse = _search(evidence, places[following], doubtful)
        better = other_value < value[doubtful]
        inverse[doubtful[better]] = other_inverse[better]
        position[doubtful[better]] = other[better]
        value[doubtful[better]] = other_value[better]
    if lost := tasks[np.isinf(value)].tolist():
        logger.warning("what is known of tasks %s has no finite density at any h: the prior", lost)
    position[lost] = 0.0
    found = tasks[np.isfinite(value)]
    if finish is not None and len(found):
        position[found], *_ = _search(
            finish, position[found], found, FINISHING_ITERATIONS, inverse[found]
        )
    mean, log_variance = np.split(position, 2, axis=1)
    return LatentPosterior(mean, np.exp(log_variance))


def _search(
    evidence: Sequence[Evidence],
    start: FloatArray,
    tasks: IntArray,
    iterations: int = MAX_ITERATIONS,
    inverse: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Positions [n, 2 Q] and values [n], infinite at worst, where the searches of some `tasks` [n] end.

    The last result are the inverse Hessians there, from which another search may start.
    """

    def loss(position: FloatArray, rows: IntArray) -> tuple[FloatArray, FloatArray]:
        return _loss(evidence, position, tasks[rows])

    position, inverse = minimise_batch(
        loss, start, iterations=iterations, tolerance=VALUE_TOLERANCE, inverse=inverse
    )
    value, _ = _loss(evidence, position, tasks)
    return position, np.where(np.isfinite(value), value, np.inf), inverse


def latent_starts(training_means: FloatArray, points: int = 4) -> FloatArray:
    """Starting points for h*: the origin, a coarse grid over training tasks and prior, and `training_means`.

    The grid has `points` along each dimension, or fewer where it would have more than 256 in all.  Where a
    search starts at a training task, it finds a basin narrower than the grid, and does not end where the
    descriptor view extrapolates and far from all tasks says the same.
    """
    points = min(points, int(round(MAX_STARTS ** (1.0 / training_means.shape[1]), 9)))
    low = np.minimum(training_means.min(axis=0), -1.0) - 0.5
    high = np.maximum(training_means.max(axis=0), 1.0) + 0.5
    axes = [np.linspace(a, b, points) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    return np.vstack([np.zeros((1, len(axes))), grid, training_means])


def _loss(
    evidence: Sequence[Evidence], position: FloatArray, tasks: IntArray
) -> tuple[FloatArray, FloatArray]:
    """KL - sum(evidence) [n] at position (mean, log variance) [n, 2 Q], and its gradient."""
    mean, log_variance = np.split(position, 2, axis=1)
    variance = np.exp(log_variance)
    value = 0.5 * np.sum(np.square(mean) + variance - 1.0 - log_variance, axis=1)
    d_mean, d_variance = mean.copy(), 0.5 - 0.5 / variance
    for term in evidence:
        known = term(mean, variance, tasks)
        value -= known.value
        d_mean -= known.mean
        d_variance -= known.variance
    return value, np.hstack([d_mean, d_variance * variance])
