"""A loss and gradient of the collapsed bound against as many operations in matrix products, and GPflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.common import Measurement, cart_poles, keep, median_seconds, milliseconds, setup
from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.settings import ModelSettings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

if TYPE_CHECKING:
    from pamlflow.models.latent_gp.fit.closed_form.vector_model import VectorModel
    from pamlflow.models.latent_gp.fit.with_gpflow.traced_search import TracedSearch

TASKS, TRANSITIONS, LATENT = 19, 99, 2


def operations(inducing: int, inputs: int, outputs: int) -> float:
    """Floating-point operations of the loss and its gradient as implemented; a matrix product counts twice.

    Psi statistics: the kernel of x, Gram matrices and d_i forward; one product per task for both backward.
    Bound: a factor and an inverse of Kuu and of each output's B, and products with the triangular L^-1, which
    take half of the operations of full ones.
    """
    m, n, t = float(inducing), float(TASKS), float(TRANSITIONS)
    gram = 2 * (2 * n * t * m * m)
    kernel = 2 * (2 * n * t * m * inputs)
    pairs = 2 * n * m * m * (2 * LATENT + 3)
    elementwise = 7 * n * m * m
    whitened_rows = n * t * m * m
    squares = 2 * n * t * m * m
    factors = (outputs + 2 / 3) * m**3
    congruences = 3 * 2 * m**3
    return gram + kernel + pairs + elementwise + whitened_rows + squares + factors + congruences


def start_of(tasks: TaskSet) -> LatentPosterior:
    """The tasks somewhere in latent space."""
    mean = np.random.default_rng(0).standard_normal((tasks.num_tasks, LATENT))
    return LatentPosterior(mean, np.full_like(mean, 0.1))


def closed_form(tasks: TaskSet, settings: ModelSettings) -> VectorModel:
    """The model that trains: its gradient is in closed form."""
    from pamlflow.models.latent_gp.fit.closed_form.vector_model import VectorModel

    model = VectorModel(tasks, settings)
    model.place(start_of(tasks))
    model.choose_inducing_points()
    return model


def by_gpflow(tasks: TaskSet, settings: ModelSettings) -> TracedSearch:
    """The same model of GPflow's modules, whose gradient TensorFlow finds."""
    from pamlflow.models.latent_gp.fit.with_gpflow.traced_search import TracedSearch
    from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel

    class Traced(GPflowVectorModel, TracedSearch):
        """A model of vectors that can be searched."""

    model = Traced(tasks, settings, start_of(tasks))
    model.place(start_of(tasks))
    model.choose_inducing_points()
    return model


def all_free(state: FloatArray) -> np.ndarray:
    """Every entry of a state is optimised."""
    return np.ones(len(state), dtype=bool)


def measure() -> list[Measurement]:
    """Two rows for each number of inducing points: against the floor, and against GPflow."""
    tasks = cart_poles(1, TASKS, TRANSITIONS)
    square = np.random.default_rng(0).standard_normal((1000, 1000))
    rows = []
    for inducing in (100, 200, 300):
        settings = ModelSettings(latent_dimensions=LATENT, inducing_points=inducing)
        model, reference = closed_form(tasks, settings), by_gpflow(tasks, settings)
        free, others = all_free(model.state()), all_free(reference.state())
        np.testing.assert_allclose(model.loss(free)[0], reference.loss(others)[0], rtol=1e-8)
        ours, theirs, matmul = median_seconds(
            lambda model=model, free=free: model.loss(free),
            lambda model=reference, free=others: model.loss(free),
            lambda: square @ square,
        )
        rate = 2e9 / matmul
        count = operations(inducing, tasks.inputs.shape[1], tasks.outputs.shape[1])
        floor = count / rate
        case = f"loss and gradient, M = {inducing}"
        rows.append(
            Measurement(
                case,
                milliseconds(ours),
                f"{milliseconds(floor)} ({count / 1e6:.0f} MFLOP at {rate / 1e9:.0f} GFLOP/s)",
                f"{ours / floor:.1f} x the floor",
                "below 3",
            )
        )
        rows.append(
            Measurement(
                f"{case}: automatic differentiation",
                milliseconds(ours),
                milliseconds(theirs),
                f"{theirs / ours:.1f} x faster",
            )
        )
    return rows


if __name__ == "__main__":
    setup()
    keep("gradient", measure())
