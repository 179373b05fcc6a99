"""Repeats: candidates that would be the same task as one that has been run."""

import logging

import numpy as np

from pamlflow.acquisition.interface import Selection, Situation
from pamlflow.models.interface import LatentPosterior
from pamlflow.tasks import with_units
from pamlflow.types import FloatArray, IntArray

NEAR = 0.05
"""A repeat differs in each descriptor by at most this share of the spacing of the tasks that have been run."""

NEW = -1

logger = logging.getLogger(__name__)


def repeated_tasks(situation: Situation, descriptors: FloatArray) -> IntArray:
    """Return [C] the number of the training task that each descriptor [C, ..., R] repeats, or -1.

    The distance of two descriptors is the largest over the dimensions, in widths of the box; N tasks spread
    evenly lie N^(-1/R) apart. A point drawn from the box is therefore a repeat with a probability of at most
    (2 * NEAR)^R, for any number of tasks. A picture repeats a task only if it equals that task's picture.
    """
    known = situation.chosen
    box = situation.offer.box
    if box is None:
        same = [np.all(known == picture, axis=(1, 2, 3)) for picture in descriptors]
        return np.array([np.argmax(row) if row.any() else NEW for row in same], dtype=np.int64)
    width = box.width
    nearest = np.zeros(len(descriptors), dtype=np.int64)
    distance = np.full(len(descriptors), np.inf)
    # Task by task: all pairs at once would be a large array for a pool.
    for number, descriptor in enumerate(known):
        offset = np.max(np.abs(descriptors - descriptor) / width, axis=1)
        nearest[offset < distance] = number
        distance = np.minimum(distance, offset)
    radius = NEAR * len(known) ** (-1.0 / len(width))
    return np.where(distance <= radius, nearest, NEW)


def as_they_were_run(
    situation: Situation, descriptors: FloatArray, latent: LatentPosterior
) -> LatentPosterior:
    """Return q(h*) of candidates [C, Q], with that of the training task for each repeat.

    A repeat would run the same task again, and the transitions of that task determine h better than the
    latent point or the descriptor of the candidate. With hidden parameters it would be another task, and
    `latent` is returned unchanged.
    """
    if situation.hidden:
        return latent
    repeats = repeated_tasks(situation, descriptors)
    rows = np.flatnonzero(repeats != NEW)
    if len(rows) == 0:
        return latent
    known = situation.latent
    mean, variance = latent.mean.copy(), latent.variance.copy()
    mean[rows], variance[rows] = known.mean[repeats[rows]], known.variance[repeats[rows]]
    covariance = latent.covariance
    if covariance is not None:
        covariance = covariance.copy()
        covariance[rows] = variance[rows, :, None] * np.eye(variance.shape[1])
    return LatentPosterior(mean, variance, covariance)


def log_repeat(selection: Selection, situation: Situation) -> None:
    """Log whether the chosen task repeats one that has been run."""
    chosen = selection.candidates[selection.chosen]
    (repeat,) = repeated_tasks(situation, chosen[None])
    if repeat == NEW:
        return
    box = situation.offer.box
    if box is None:
        text = f"round {situation.round} asks for the picture of task {repeat} again"
    else:
        about = with_units(box.variables, chosen)
        text = f"round {situation.round} asks for {about}, which is all but task {repeat} again"
    if situation.hidden:
        logger.info("%s; what is hidden may differ", text)
    else:
        logger.warning("%s; only noise can differ", text)
