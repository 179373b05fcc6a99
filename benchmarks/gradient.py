"""One loss and gradient of the collapsed bound against its floating-point operations as matrix products."""

import numpy as np

from benchmarks.common import Measurement, cart_poles, keep, median_seconds, milliseconds, setup

TASKS, TRANSITIONS, LATENT = 19, 99, 2


def operations(inducing: int, inputs: int, outputs: int) -> float:
    """Floating-point operations of the loss and its gradient as implemented; a matrix product counts twice.

    Psi statistics: kernel, Gram matrices and pair features forward once and backward once or twice.
    Bound: one Cholesky factor of Kuu and one per output, their inverses, six triangular solves of M columns.
    """
    m, n, t = float(inducing), float(TASKS), float(TRANSITIONS)
    gram = 2 * (2 * n * t * m * m)
    kernel = 3 * (2 * n * t * m * inputs)
    features = 3 * (2 * n * m * m * (2 * LATENT + 2))
    elementwise = 6 * n * m * m
    cholesky = (outputs + 1) * m**3 / 3
    solves = (2 * outputs + 6) * m**3
    return gram + kernel + features + elementwise + cholesky + solves


def measure() -> list[Measurement]:
    """A row for each number of inducing points."""
    import tensorflow as tf

    from pamlflow.models.interface import LatentPosterior, TrainingRecord
    from pamlflow.models.latent_gp.fit.optimiser import Optimiser
    from pamlflow.models.latent_gp.fit.vector_model import VectorModel
    from pamlflow.models.latent_gp.settings import ModelSettings

    tasks = cart_poles(1, TASKS, TRANSITIONS)
    rng = np.random.default_rng(0)
    square = tf.constant(rng.standard_normal((1000, 1000)))
    rows = []
    for inducing in (100, 200, 300):
        mean = rng.standard_normal((TASKS, LATENT))
        start = LatentPosterior(mean, np.full_like(mean, 0.1))
        model = VectorModel(tasks, ModelSettings(inducing_points=inducing), start)
        model.choose_inducing_points()
        optimiser = Optimiser(
            model.training_loss, model.trainable_variables, model.jitter, TrainingRecord()
        )
        state = optimiser.state()
        product = tf.function(lambda: tf.linalg.matmul(square, square))
        ours, matmul = median_seconds(lambda o=optimiser, s=state: o.evaluate(s), product)
        rate = 2e9 / matmul
        count = operations(inducing, tasks.inputs.shape[1], tasks.outputs.shape[1])
        floor = count / rate
        rows.append(
            Measurement(
                f"loss and gradient, M = {inducing}",
                milliseconds(ours),
                f"{milliseconds(floor)} ({count / 1e6:.0f} MFLOP at {rate / 1e9:.0f} GFLOP/s)",
                f"{ours / floor:.1f} x the floor",
                "below 3",
            )
        )
    return rows


if __name__ == "__main__":
    setup()
    keep("gradient", measure())
