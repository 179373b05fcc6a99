"""Candidate tasks: the pool, or descriptors spread over the box, or latent points mapped to descriptors."""

import logging

import numpy as np

from pamlflow.acquisition.interface import Situation
from pamlflow.models.inference import LatentPosterior
from pamlflow.types import FloatArray

LATENT_MARGIN = 3.0

logger = logging.getLogger(__name__)


def make_candidates(situation: Situation) -> tuple[FloatArray, LatentPosterior]:
    """Descriptors and q(h*) of each: the pool [C, ..., R], or points [C, R] of the box.

    Which points of the box, ``acquisition.candidates`` says.
    """
    if situation.pool is not None:
        return situation.pool, situation.model.infer(
            len(situation.pool), descriptors=situation.pool
        )
    if situation.settings.candidates == "latent":
        descriptors, latent = latent_candidates(situation)
        if _spread_out(descriptors, latent.mean.shape[1]):
            return descriptors, latent
        logger.warning(
            "latent candidates do not spread over the descriptor space: using descriptors"
        )
    return descriptor_candidates(situation)


def descriptor_candidates(situation: Situation) -> tuple[FloatArray, LatentPosterior]:
    """A scrambled Sobol sequence over the box, and q(h | psi) of every point."""
    assert situation.space is not None  # where there is none, there is a pool
    descriptors = situation.space.sobol(situation.settings.num_candidates, situation.rng)
    return descriptors, situation.model.infer(len(descriptors), descriptors=descriptors)


def latent_candidates(situation: Situation) -> tuple[FloatArray, LatentPosterior]:
    """A regular grid of latent points around q(H), kept where E[psi | h] lies inside the box (Section 3).

    The linear mean of the descriptor view makes far latent points leave the box; a zero-mean GP would send
    them all back to its middle.
    """
    assert situation.space is not None  # where there is none, there is a pool
    means = situation.model.latent.mean
    root = round(situation.settings.num_candidates ** (1.0 / means.shape[1]), 9)
    per_axis = max(2, int(np.ceil(root)))
    axes = [
        np.linspace(low - LATENT_MARGIN, high + LATENT_MARGIN, per_axis)
        for low, high in zip(means.min(axis=0), means.max(axis=0), strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, means.shape[1])
    descriptors = situation.model.predict_descriptors(points)
    inside = situation.space.contains(descriptors)
    latent = LatentPosterior(points[inside], np.full_like(points[inside], 1e-12))
    return descriptors[inside], latent


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
