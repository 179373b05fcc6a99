"""Candidate tasks: those of a pool, descriptors spread over the box, or latent points mapped to descriptors."""

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
    """The kind and the number of candidates in a box; of a pool, all tasks are candidates."""

    candidates: CandidateKind = "latent"
    num_candidates: Annotated[int, Bounds(1, 100_000)] = 1000


def make_candidates(
    situation: Situation, settings: CandidateSettings
) -> tuple[FloatArray, LatentPosterior]:
    """Return the descriptors [C, ..., R] of candidates, and q(h*) of each.

    Candidates are all tasks left in a pool, or points of the box of the kind in `settings`. A candidate that
    repeats a task has the q(h) of that task.
    """
    descriptors, latent = _candidates(situation, settings)
    return descriptors, as_they_were_run(situation, descriptors, latent)


def _candidates(
    situation: Situation, settings: CandidateSettings
) -> tuple[FloatArray, LatentPosterior]:
    """Return latent candidates if `settings` ask for them and they contain new tasks, or else descriptors."""
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
    """Return `count` descriptors spread over the box, or all tasks of a pool, and q(h | psi) of each."""
    descriptors = situation.offer.spread(count, situation.rng)
    return descriptors, situation.model.infer(descriptors=descriptors)


def latent_candidates(situation: Situation, count: int) -> tuple[FloatArray, LatentPosterior]:
    """Return quasi-random latent points whose E[psi | h] lies inside the box (Section 3).

    The points are samples of the prior, one of the paper's two ways, scaled to the second moment of h under
    q(H), which is 1 unless the bound is stochastic. A grid must end somewhere, and with a hidden parameter
    the box does not bound it: its most surprising points would be impossible tasks. The linear mean of the
    descriptor view maps distant latent points outside the box; a zero-mean GP would map them to its middle.
    """
    from scipy.stats import qmc  # half a second that few jobs need

    known = situation.latent
    scale = np.sqrt(np.mean(np.square(known.mean) + known.variance, axis=0))
    prior = qmc.MultivariateNormalQMC(np.zeros_like(scale), rng=situation.rng)
    # A power of two keeps the sequence balanced, and avoids a warning of SciPy.
    points = scale * prior.random(2 ** math.ceil(math.log2(count)))[:count]
    descriptors = situation.model.predict_descriptors(points)
    inside = situation.offer.contains(descriptors)
    latent = LatentPosterior(points[inside], np.full_like(points[inside], 1e-12))
    return descriptors[inside], latent


def _any_is_new(situation: Situation, descriptors: FloatArray) -> bool:
    """Return whether at least one of the descriptors [C, ..., R] would be a new task."""
    return situation.hidden or bool(np.any(repeated_tasks(situation, descriptors) == NEW))


def _spread_out(situation: Situation, descriptors: FloatArray) -> bool:
    """Return whether descriptors [C, R] vary in min(Q, R) directions, relative to the width of the box.

    From one task, or from tasks on a line, the model learns nothing about the other directions, and every
    candidate would lie on that line again.
    """
    assert situation.offer.box is not None  # an open offer has a box
    if len(descriptors) == 0:
        return False
    offsets = (descriptors - descriptors.mean(axis=0)) / situation.offer.box.width
    rank = np.linalg.matrix_rank(offsets, tol=1e-6 * np.sqrt(len(descriptors)))
    dimensions = situation.latent.mean.shape[1]
    return bool(rank >= min(dimensions, descriptors.shape[1]))
