"""What is known of an unseen task, as a differentiable function of q(h*).

Each evidence is a log density of n tasks with its gradients in the mean and the variance of q(h*), written
out by hand: four unknowns a task need no automatic differentiation, and tracing costs more than a search.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from pamlflow.models.interface import TaskArrays
from pamlflow.types import FloatArray, IntArray

LOG_TWO_PI = float(np.log(2.0 * np.pi))


def spread_transitions(data: TaskArrays, count: int) -> TaskArrays:
    """`count` transitions of each task, evenly spread over its own length (a short one repeats some).

    Their mask is a weight: together they count as much as all the transitions they stand for.
    """
    lengths = data.mask.sum(axis=1, keepdims=True)
    steps = np.maximum(lengths - 1.0, 0.0) * np.linspace(0.0, 1.0, count)
    steps = np.rint(steps).astype(np.int64)
    inputs, outputs = (
        np.take_along_axis(part, steps[..., None], axis=1) for part in (data.inputs, data.outputs)
    )
    return TaskArrays(inputs, outputs, np.tile(lengths / count, count))


class Gradients(NamedTuple):
    """Log density of n tasks and its gradients in the moments of q(h*)."""

    value: FloatArray  # [n]
    mean: FloatArray  # [n, Q]
    variance: FloatArray  # [n, Q]


class Evidence(Protocol):
    """A log density of the tasks with indices `tasks` [n], at moments of q(h*) [n, Q]."""

    def __call__(self, mean: FloatArray, variance: FloatArray, tasks: IntArray) -> Gradients:
        """Return the log density and its gradients."""
