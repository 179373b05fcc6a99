"""Layouts of the first tasks in latent space, from which a fit may start."""

from __future__ import annotations

import numpy as np

from pamlflow.models.latent_gp.fit.inducing import greedy_conditional_variance
from pamlflow.models.latent_gp.use.posterior import unit_kernel
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

BASIS_POINTS = 50
SCATTER = 0.1


def initial_latents(
    tasks: TaskSet, dimensions: int, rng: np.random.Generator, starts: int
) -> list[FloatArray]:
    """Starting means of q(H), [N, Q] each: by descriptors, by dynamics, then at random.

    Where h has more dimensions than the descriptors, the first layout takes the others from what the
    descriptors leave unexplained of the dynamics. Laid out at random, such a dimension is of no use to
    the kernel, which soon switches it off, and the search does not find the way back.
    """
    scaler = Scaler.fit(tasks)
    descriptors = principal_components(scaler.descriptors(tasks.descriptors))[:, :dimensions]
    behaviours = task_behaviours(tasks, scaler)
    unexplained = behaviours - descriptors @ np.linalg.pinv(descriptors) @ behaviours
    by_descriptors = np.hstack([descriptors, _in_units(principal_components(unexplained))])
    by_dynamics = _in_units(principal_components(behaviours))
    layouts = [random_latents(tasks, dimensions, rng) for _ in range(starts)]
    for layout, components in zip(layouts, (by_descriptors, by_dynamics), strict=False):
        layout *= SCATTER  # so that no two tasks share a place, nor a dimension is left empty
        used = components[:, :dimensions]
        layout[:, : used.shape[1]] += used
    return layouts


def random_latents(tasks: TaskSet, dimensions: int, rng: np.random.Generator) -> FloatArray:
    """Means of q(H) [N, Q] drawn from the prior, the paper's start."""
    return rng.standard_normal((tasks.num_tasks, dimensions))


def task_behaviours(tasks: TaskSet, scaler: Scaler) -> FloatArray:
    """Coordinates [N, D] of the tasks' dynamics: how the outputs of each depart from those of all.

    The distance of two tasks is the root-mean-square difference of their functions over the inputs of all
    tasks, in standardised units. A function is a kernel ridge regression on a common basis of few points:
    one of all transitions, and for each task one of what that leaves of its own.
    """
    inputs, outputs = scaler.inputs(tasks.inputs), scaler.outputs(tasks.outputs)
    dimensions = inputs.shape[1]
    lengthscales = np.full(dimensions, np.sqrt(dimensions))  # inputs lie sqrt(2 Dx) apart
    chosen = greedy_conditional_variance(inputs, lengthscales, BASIS_POINTS)
    features = unit_kernel(inputs, inputs[chosen], lengthscales)
    prior = features[chosen] + 1e-6 * np.eye(len(chosen))

    def regress(K: FloatArray, Y: FloatArray) -> FloatArray:
        # Noise of unit variance, as that of the outputs, keeps the function of a short task near the others.
        weights: FloatArray = np.linalg.solve(K.T @ K + prior, K.T @ Y)
        return weights

    residuals = outputs - features @ regress(features, outputs)
    ends = np.cumsum(tasks.lengths)[:-1]
    pairs = zip(np.split(features, ends), np.split(residuals, ends), strict=True)
    root = np.linalg.qr(features / np.sqrt(len(features)), mode="r")
    return np.array([(root @ regress(*pair)).ravel() for pair in pairs])


def principal_components(values: FloatArray) -> FloatArray:
    """Coordinates of N points [N, D] along the axes in which they differ, the widest first: [N, rank]."""
    left, singular, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    kept = singular > 1e-9 * max(singular[0], 1.0)
    components: FloatArray = (left * singular)[:, kept]
    return components


def _in_units(components: FloatArray) -> FloatArray:
    """Components of unit variance."""
    scaled: FloatArray = components / components.std(axis=0)
    return scaled
