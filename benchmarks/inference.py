"""q(h*) of 100 test tasks in one batch against the published loop: 100 Adam steps task by task."""

import time

import numpy as np

from benchmarks.common import Measurement, cart_poles, head, held_out, keep, setup, shuffled
from pamlflow.models.interface import TaskArrays
from pamlflow.models.latent_gp.use.trained import TrainedModel

CONTEXT, INDUCING, TASKS_TIMED = 20, 200, 10


def adam_task_by_task(trained: TrainedModel, data: TaskArrays) -> float:
    """Seconds for 100 tasks of 100 Adam steps on the ELBO with one sample of h, from some tasks.

    Traced once for all tasks, which the authors' session calls were too.
    """
    import tensorflow as tf

    from pamlflow.models.latent_gp.fit.with_gpflow.psi_statistics import unit_kernel

    d = trained.dynamics.search
    basis, weights = tf.constant(d.basis[0]), tf.constant(d.weights)
    reduction, noise = tf.constant(d.reduction), tf.constant(d.noise)
    mean = tf.Variable(np.zeros(2))
    log_variance = tf.Variable(np.full(2, np.log(0.1)))
    adam = tf.keras.optimizers.Adam(1e-2)
    adam.build([mean, log_variance])

    @tf.function(autograph=False)
    def step(x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            variance = tf.exp(log_variance)
            h = mean + tf.sqrt(variance) * tf.random.normal([2], dtype=tf.float64)
            k = d.variance * unit_kernel(x, tf.constant(d.inducing_inputs), d.lengthscales_x)
            k *= unit_kernel(h[None], tf.constant(d.inducing_latents), d.lengthscales_h)
            explained = tf.linalg.matmul(tf.square(k @ basis), reduction, transpose_b=True)
            squared = tf.square(y - k @ weights) + d.variance - explained
            fit = -0.5 * tf.reduce_sum(tf.math.log(noise) + squared / noise)
            kl = 0.5 * tf.reduce_sum(tf.square(mean) + variance - 1.0 - log_variance)
            loss = kl - fit
        gradients = tape.gradient(loss, [mean, log_variance])
        adam.apply_gradients(zip(gradients, [mean, log_variance], strict=True))

    inputs = trained.scaler.inputs(data.inputs)
    outputs = trained.scaler.outputs(data.outputs)
    step(tf.constant(inputs[0]), tf.constant(outputs[0]))
    begin = time.perf_counter()
    for x, y in zip(inputs[:TASKS_TIMED], outputs[:TASKS_TIMED], strict=True):
        mean.assign(np.zeros(2))
        log_variance.assign(np.full(2, np.log(0.1)))
        x, y = tf.constant(x), tf.constant(y)
        for _ in range(100):
            step(x, y)
    return (time.perf_counter() - begin) * len(inputs) / TASKS_TIMED


def measure() -> list[Measurement]:
    """Both sides on the same model and contexts, and ours with all transitions."""
    from pamlflow.models.latent_gp.fit.training import train
    from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings

    trained, _ = train(
        cart_poles(1, 8),
        ModelSettings(inducing_points=INDUCING),
        TrainingSettings(first_iterations=200, starts=2),
        np.random.default_rng(0),
    )
    data = shuffled(cart_poles(99, None))
    rows = []
    for steps in (CONTEXT, data.mask.shape[1]):
        context = head(data, steps)
        reference = adam_task_by_task(trained, context)
        for objective in ("predictive", "elbo"):
            times = []
            for _ in range(3):
                begin = time.perf_counter()
                latent = trained.infer(data=context, objective=objective)
                times.append(time.perf_counter() - begin)
            ours = float(np.median(times))
            nll = held_out(trained, latent, data, objective).nll.mean()
            rows.append(
                Measurement(
                    f"{objective}, {steps} transitions, M = {INDUCING} (NLL {nll:.2f})",
                    f"{ours:.2f} s",
                    f"{reference:.0f} s",
                    f"{reference / ours:.0f} x faster",
                    "200 x, 1.5 s",
                )
            )
    return rows


if __name__ == "__main__":
    setup()
    keep("inference", measure())
