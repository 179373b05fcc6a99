"""Psi statistics factorised by task against GPflow's kernel expectations: time and peak memory."""

import subprocess
import sys

import numpy as np

from benchmarks.common import Measurement, PeakMemory, keep, median_seconds, milliseconds, setup

INPUTS, LATENT = 6, 2
CASES = ((4, 99, 100), (19, 99, 100), (19, 99, 200))


def problem(tasks: int, steps: int, inducing: int) -> dict[str, np.ndarray]:
    """Random inputs, q(H) and inducing points."""
    rng = np.random.default_rng(0)
    return {
        "x": rng.standard_normal((tasks, steps, INPUTS)),
        "mean": rng.standard_normal((tasks, LATENT)),
        "variance": rng.uniform(0.01, 0.3, (tasks, LATENT)),
        "zx": rng.standard_normal((inducing, INPUTS)),
        "zh": rng.standard_normal((inducing, LATENT)),
    }


def by_task(p: dict[str, np.ndarray]):  # noqa: ANN201 a traced function
    """Psi2 from the parts that the bound keeps apart."""
    import tensorflow as tf

    from pamlflow.models.latent_gp.fit.with_gpflow.psi_statistics import (
        expected_kernel,
        kernel_covariance,
        pair_features,
        unit_kernel,
    )

    t = {name: tf.constant(value) for name, value in p.items()}
    latent = (t["mean"], t["variance"], t["zh"], tf.ones([LATENT], tf.float64))

    @tf.function(autograph=False)
    def psi2() -> tf.Tensor:
        kernel = unit_kernel(t["x"], t["zx"], tf.ones([INPUTS], tf.float64))
        Psi1 = expected_kernel(*latent)[:, None, :] * kernel
        flat = tf.reshape(Psi1, [-1, Psi1.shape[2]])
        squares = tf.linalg.matmul(flat, flat, transpose_a=True)
        return squares + kernel_covariance(Psi1, *pair_features(*latent))

    return psi2


def by_gpflow(p: dict[str, np.ndarray]):  # noqa: ANN201 a traced function
    """The same matrix from gpflow.expectations over all transitions."""
    import gpflow
    import tensorflow as tf

    tasks, steps, _ = p["x"].shape
    zeros = np.zeros((tasks * steps, INPUTS))
    mean = np.hstack([p["x"].reshape(-1, INPUTS), np.repeat(p["mean"], steps, axis=0)])
    variance = np.hstack([zeros, np.repeat(p["variance"], steps, axis=0)])
    q = gpflow.probability_distributions.DiagonalGaussian(tf.constant(mean), tf.constant(variance))
    kernel = gpflow.kernels.SquaredExponential(lengthscales=np.ones(INPUTS + LATENT))
    inducing = gpflow.inducing_variables.InducingPoints(np.hstack([p["zx"], p["zh"]]))

    @tf.function(autograph=False)
    def psi2() -> tf.Tensor:
        pairs = gpflow.expectations.expectation(q, (kernel, inducing), (kernel, inducing))
        return tf.reduce_sum(pairs, 0)

    return psi2


def peak_memory(side: str, case: tuple[int, int, int]) -> float:
    """Memory in MiB that a new process needs beyond its libraries to compute one Psi2."""
    numbers = [str(number) for number in case]
    command = [sys.executable, "-m", "benchmarks.psi_statistics", side, *numbers]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure() -> list[Measurement]:
    """A row of time and one of memory for each size."""
    rows = []
    for case in CASES:
        p = problem(*case)
        ours, theirs = by_task(p), by_gpflow(p)
        error = float(np.max(np.abs(ours().numpy() - theirs().numpy())))
        assert error < 1e-8, error
        a, b = median_seconds(ours, theirs, repeats=5)
        label = "N = {}, T = {}, M = {}".format(*case)
        rows.append(
            Measurement(f"Psi2, {label}", milliseconds(a), milliseconds(b), f"{b / a:.0f} x faster")
        )
        small, large = peak_memory("by_task", case), peak_memory("by_gpflow", case)
        rows.append(
            Measurement(
                f"peak memory, {label}",
                f"{small:.0f} MiB",
                f"{large:.0f} MiB",
                f"{large / small:.0f} x less",
            )
        )
    return rows


if __name__ == "__main__":
    setup()
    if len(sys.argv) > 1:
        run = {"by_task": by_task, "by_gpflow": by_gpflow}[sys.argv[1]]
        run(problem(1, 2, 3))()
        with PeakMemory() as memory:
            run(problem(*(int(number) for number in sys.argv[2:])))()
        print(memory.mib)
    else:
        keep("psi_statistics", measure())
