"""Candidates that are, on the robot, tasks that have been run: where they are, and what is known of them."""

import logging

import numpy as np

from pamlflow.acquisition.interface import Selection, Situation
from pamlflow.models.interface import LatentPosterior
from pamlflow.tasks import with_units
from pamlflow.types import FloatArray, IntArray

NEAR = 0.05
"""A repeat differs in no descriptor by more than this share of the spacing of the tasks that have been run."""

NEW = -1

logger = logging.getLogger(__name__)


def repeated_tasks(situation: Situation, descriptors: FloatArray) -> IntArray:
    """The number of the training task that each of the descriptors [C, ..., R] repeats, or -1.

    Distances are the largest over the dimensions, in widths of the box, where N tasks spread evenly lie
    N^(-1/R) apart. Of a point drawn from the box, the chance to be a repeat is thus (2 * NEAR)^R at most,
    however many tasks there are. Pictures have no box: a repeat is the same picture.
    """
    known = situation.chosen
    box = situation.offer.box
    if box is None:
        same = [np.all(known == picture, axis=(1, 2, 3)) for picture in descriptors]
        return np.array([np.argmax(row) if row.any() else NEW for row in same], dtype=np.int64)
    width = box.width
    nearest = np.zeros(len(descriptors), dtype=np.int64)
    distance = np.full(len(descriptors), np.inf)
    for number, descriptor in enumerate(known):  # an array of all pairs would be large for a pool
        offset = np.max(np.abs(descriptors - descriptor) / width, axis=1)
        nearest[offset < distance] = number
        distance = np.minimum(distance, offset)
    radius = NEAR * len(known) ** (-1.0 / len(width))
    return np.where(distance <= radius, nearest, NEW)


def as_they_were_run(
    situation: Situation, descriptors: FloatArray, latent: LatentPosterior
) -> LatentPosterior:
    """q(h*) of candidates [C, Q], where those that repeat a task are that task.

    Neither the latent point that a repeat was made from, nor what its descriptor alone says, is then
    what would be run: its transitions have told where it lies, and q(h) of the training task says it. With
    something hidden the task would be another one, and `latent` stands.
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
    """Say so where the chosen task repeats one that has been run."""
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
