"""Candidate tasks: the pool, or descriptors spread over the box, or latent points mapped to descriptors."""

import logging
import math

import numpy as np

from pamlflow.acquisition.interface import Situation
from pamlflow.acquisition.repeats import NEW, as_they_were_run, repeated_tasks
from pamlflow.models.interface import LatentPosterior
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)


def make_candidates(situation: Situation) -> tuple[FloatArray, LatentPosterior]:
    """Descriptors and q(h*) of each: the pool [C, ..., R], or points [C, R] of the box.

    Which points of the box, ``acquisition.candidates`` says.  Candidates that repeat a task are that task.
    """
    if situation.pool is not None:
        descriptors, latent = situation.pool, situation.model.infer(descriptors=situation.pool)
    else:
        descriptors, latent = _spread_candidates(situation)
    return descriptors, as_they_were_run(situation, descriptors, latent)


def _spread_candidates(situation: Situation) -> tuple[FloatArray, LatentPosterior]:
    """Points of the box: latent ones where these are asked for, and offer tasks that are new."""
    if situation.settings.candidates == "latent":
        descriptors, latent = latent_candidates(situation)
        if _spread_out(descriptors, latent.mean.shape[1]) and _any_is_new(situation, descriptors):
            return descriptors, latent
        logger.warning(
            "latent candidates do not spread over the descriptor space: using descriptors"
        )
    return descriptor_candidates(situation)


def descriptor_candidates(situation: Situation) -> tuple[FloatArray, LatentPosterior]:
    """A scrambled Sobol sequence over the box, and q(h | psi) of every point."""
    assert situation.space is not None  # where there is none, there is a pool
    descriptors = situation.space.sobol(situation.settings.num_candidates, situation.rng)
    return descriptors, situation.model.infer(descriptors=descriptors)


def latent_candidates(situation: Situation) -> tuple[FloatArray, LatentPosterior]:
    """Quasi-random latent points, kept where E[psi | h] lies inside the box (Section 3).

    They are spread like the prior, "sampling from" which is one of the paper's two ways, in the scale that h
    has: a unit second moment under q(H), unless the bound is stochastic.  A grid has to end somewhere, and
    where a parameter is hidden no box ends it: its most surprising points are tasks that cannot be.
    The linear mean of the descriptor view makes far latent points leave the box; a zero-mean GP would send
    them all back to its middle.
    """
    from scipy.stats import qmc  # half a second that few jobs need

    assert situation.space is not None  # where there is none, there is a pool
    known = situation.latent
    scale = np.sqrt(np.mean(np.square(known.mean) + known.variance, axis=0))
    count = situation.settings.num_candidates
    prior = qmc.MultivariateNormalQMC(np.zeros_like(scale), rng=situation.rng)
    # Drawing a power of two keeps the sequence balanced, and SciPy from warning that it is not.
    points = scale * prior.random(2 ** math.ceil(math.log2(count)))[:count]
    descriptors = situation.model.predict_descriptors(points)
    inside = situation.space.contains(descriptors)
    latent = LatentPosterior(points[inside], np.full_like(points[inside], 1e-12))
    return descriptors[inside], latent


def _any_is_new(situation: Situation, descriptors: FloatArray) -> bool:
    """Whether running one of the descriptors would not repeat a task."""
    return situation.hidden or bool(np.any(repeated_tasks(situation, descriptors) == NEW))


def _spread_out(descriptors: FloatArray, latent_dimensions: int) -> bool:
    """Whether descriptors [C, R] vary in as many directions as latent points can.

    From one task, or from tasks on a line, nothing is learned of the other directions: every candidate
    would be such a task again.
    """
    if len(descriptors) == 0:
        return False
    offsets = descriptors - descriptors.mean(axis=0)
    scale = np.maximum(np.abs(descriptors).max(axis=0), 1e-300)
    rank = np.linalg.matrix_rank(offsets / scale, tol=1e-6 * np.sqrt(len(descriptors)))
    return bool(rank >= min(latent_dimensions, descriptors.shape[1]))
