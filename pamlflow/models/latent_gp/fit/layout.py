"""Where q(H) starts: layouts of the first tasks in latent space, and added tasks beside those of a round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pamlflow.components import principal_components
from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.fit.inducing import greedy_conditional_variance
from pamlflow.models.latent_gp.use.kernels import unit_kernel
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

Placement = Callable[[], None]
"""Puts the q(H) of a model somewhere."""

BASIS_POINTS = 50
SCATTER = 0.1
INITIAL_LATENT_VARIANCE = 0.1
MAX_DESCRIPTOR_INDUCING = 32


def initial_latents(
    tasks: TaskSet, dimensions: int, rng: np.random.Generator, starts: int
) -> list[FloatArray]:
    """Return starting means of q(H), [N, Q] each: by descriptors, by dynamics, then at random.

    If h has more dimensions than the descriptors, the first layout fills the others with the part of the
    dynamics that the descriptors do not explain. If they were random, the kernel would soon switch them off,
    and the search would not recover them.
    """
    scaler = Scaler.fit(tasks)
    descriptors = principal_components(scaler.descriptors(tasks.descriptors))[:, :dimensions]
    behaviours = task_behaviours(tasks, scaler)
    unexplained = behaviours - descriptors @ np.linalg.pinv(descriptors) @ behaviours
    by_descriptors = np.hstack([descriptors, _in_units(principal_components(unexplained))])
    by_dynamics = _in_units(principal_components(behaviours))
    layouts = [rng.standard_normal((tasks.num_tasks, dimensions)) for _ in range(starts)]
    for layout, components in zip(layouts, (by_descriptors, by_dynamics), strict=False):
        layout *= SCATTER  # so that no two tasks coincide and no dimension is empty
        used = components[:, :dimensions]
        layout[:, : used.shape[1]] += used
    return layouts


def start_of_round(tasks: TaskSet, previous: TrainedModel) -> LatentPosterior:
    """Return q(H) of the round before, and of the tasks after those what its model infers."""
    added = tasks.subset(np.arange(len(previous.latent.mean), tasks.num_tasks))
    data = TaskArrays(*added.padded())
    start = previous.infer(descriptors=added.descriptors, data=data)
    return LatentPosterior(
        np.vstack([previous.latent.mean, start.mean]),
        np.vstack([previous.latent.variance, start.variance]),
    )


def task_behaviours(tasks: TaskSet, scaler: Scaler) -> FloatArray:
    """Return coordinates [N, D] of the dynamics of each task, relative to those of all tasks.

    The distance of two tasks is the root-mean-square difference of their functions over the inputs of all
    tasks, in standardised units. The functions are kernel ridge regressions on a common basis of few points:
    first one on all transitions, then one for each task on its own residuals.
    """
    inputs, outputs = scaler.inputs(tasks.inputs), scaler.outputs(tasks.outputs)
    dimensions = inputs.shape[1]
    lengthscales = np.full(dimensions, np.sqrt(dimensions))  # inputs lie sqrt(2 Dx) apart
    chosen = greedy_conditional_variance(inputs, lengthscales, BASIS_POINTS)
    features = unit_kernel(inputs, inputs[chosen], lengthscales)
    prior = features[chosen] + 1e-6 * np.eye(len(chosen))

    def regress(K: FloatArray, Y: FloatArray) -> FloatArray:
        # Noise of unit variance, like that of the outputs, keeps the function of a short task near zero.
        weights: FloatArray = np.linalg.solve(K.T @ K + prior, K.T @ Y)
        return weights

    residuals = outputs - features @ regress(features, outputs)
    ends = np.cumsum(tasks.lengths)[:-1]
    pairs = zip(np.split(features, ends), np.split(residuals, ends), strict=True)
    root = np.linalg.qr(features / np.sqrt(len(features)), mode="r")
    return np.array([(root @ regress(*pair)).ravel() for pair in pairs])


def _in_units(components: FloatArray) -> FloatArray:
    """Return the components scaled to unit variance."""
    scaled: FloatArray = components / components.std(axis=0)
    return scaled
