"""Candidate tasks: the pool, or descriptors spread over the box, or latent points mapped to descriptors."""

import logging
import math
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import numpy as np

from pamlflow.acquisition.interface import Situation
from pamlflow.acquisition.repeats import NEW, as_they_were_run, repeated_tasks
from pamlflow.models.interface import LatentPosterior
from pamlflow.settings import Bounds, Settings
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)


CandidateKind: TypeAlias = Literal["latent", "descriptor"]


@dataclass(frozen=True)
class CandidateSettings(Settings):
    """Which candidates a strategy scores where it can ask for every point of a box, and how many."""

    candidates: CandidateKind = "latent"
    num_candidates: Annotated[int, Bounds(1, 100_000)] = 1000


def make_candidates(
    situation: Situation, settings: CandidateSettings
) -> tuple[FloatArray, LatentPosterior]:
    """Descriptors [C, ..., R] of candidates, and q(h*) of each.

    They are all that a pool has left, or points of the box of the kind that `settings` say. Candidates that
    repeat a task are that task.
    """
    descriptors, latent = _candidates(situation, settings)
    return descriptors, as_they_were_run(situation, descriptors, latent)


def _candidates(
    situation: Situation, settings: CandidateSettings
) -> tuple[FloatArray, LatentPosterior]:
    """Latent points where these are asked for, and offer tasks that are new; descriptors otherwise."""
    count = settings.num_candidates
    if settings.candidates == "latent" and situation.offer.is_open:
        descriptors, latent = latent_candidates(situation, count)
        if _spread_out(situation, descriptors) and _any_is_new(situation, descriptors):
            return descriptors, latent
        logger.warning(
            "latent candidates do not spread over the descriptor space: using descriptors"
        )
    return descriptor_candidates(situation, count)


def descriptor_candidates(situation: Situation, count: int) -> tuple[FloatArray, LatentPosterior]:
    """`count` descriptors all over the box, or all tasks of a pool, and q(h | psi) of each."""
    descriptors = situation.offer.spread(count, situation.rng)
    return descriptors, situation.model.infer(descriptors=descriptors)


def latent_candidates(situation: Situation, count: int) -> tuple[FloatArray, LatentPosterior]:
    """Quasi-random latent points, kept where E[psi | h] lies inside the box (Section 3).

    They are spread like the prior, "sampling from" which is one of the paper's two ways, in the scale that h
    has: a unit second moment under q(H), unless the bound is stochastic. A grid has to end somewhere, and
    where a parameter is hidden no box ends it: its most surprising points are tasks that cannot be.
    The linear mean of the descriptor view makes far latent points leave the box; a zero-mean GP would send
    them all back to its middle.
    """
    from scipy.stats import qmc  # half a second that few jobs need

    known = situation.latent
    scale = np.sqrt(np.mean(np.square(known.mean) + known.variance, axis=0))
    prior = qmc.MultivariateNormalQMC(np.zeros_like(scale), rng=situation.rng)
    # Drawing a power of two keeps the sequence balanced, and SciPy from warning that it is not.
    points = scale * prior.random(2 ** math.ceil(math.log2(count)))[:count]
    descriptors = situation.model.predict_descriptors(points)
    inside = situation.offer.contains(descriptors)
    latent = LatentPosterior(points[inside], np.full_like(points[inside], 1e-12))
    return descriptors[inside], latent


def _any_is_new(situation: Situation, descriptors: FloatArray) -> bool:
    """Whether running one of the descriptors would not repeat a task."""
    return situation.hidden or bool(np.any(repeated_tasks(situation, descriptors) == NEW))


def _spread_out(situation: Situation, descriptors: FloatArray) -> bool:
    """Whether descriptors [C, R] vary, for the width of the box, in as many directions as latent points can.

    From one task, or from tasks on a line, nothing is learned of the other directions: every candidate
    would be such a task again.
    """
    assert situation.offer.box is not None  # where there is none, there is a pool
    if len(descriptors) == 0:
        return False
    offsets = (descriptors - descriptors.mean(axis=0)) / situation.offer.box.width
    rank = np.linalg.matrix_rank(offsets, tol=1e-6 * np.sqrt(len(descriptors)))
    dimensions = situation.latent.mean.shape[1]
    return bool(rank >= min(dimensions, descriptors.shape[1]))
