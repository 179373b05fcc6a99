"""What two choices are worth in quality: the objective of inference, and the noise model."""

import numpy as np

from benchmarks.common import Measurement, cart_poles, head, held_out, keep, setup, shuffled

SEEDS, TASKS, CONTEXTS = (1, 2, 3), 8, (5, 20, 49)


def measure() -> list[Measurement]:
    """NLL and RMSE on the 10 x 10 test grid after 8 uniform tasks, means over three sets of tasks."""
    from pamlflow.models.latent_gp.fit.training import train
    from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings

    test = shuffled(cart_poles(99, None))
    results: dict[tuple[str, str, int], list[tuple[float, float, float]]] = {}
    for noise in ("per_output", "task_scaled"):
        for seed in SEEDS:
            trained, _ = train(
                cart_poles(seed, TASKS),
                ModelSettings(noise=noise),
                TrainingSettings(),
                np.random.default_rng(seed),
            )
            for objective in ("predictive", "elbo"):
                for size in CONTEXTS:
                    data = head(test, size)
                    latent = trained.infer(data=data, objective=objective)
                    scores = held_out(trained, latent, test, objective)
                    rmse = float(np.sqrt(scores.squared_error.mean()))
                    cell = (float(scores.nll.mean()), rmse, float(scores.coverage[1].mean()))
                    results.setdefault((noise, objective, size), []).append(cell)
    rows = []
    for noise in ("per_output", "task_scaled"):
        for size in CONTEXTS:
            ours, theirs = (
                np.mean(results[noise, objective, size], axis=0)
                for objective in ("predictive", "elbo")
            )
            rows.append(
                Measurement(
                    f"{noise} noise, {size} transitions known",
                    "predictive: " + words(ours),
                    "elbo: " + words(theirs),
                    f"{theirs[0] - ours[0]:+.2f} nats better",
                    "no worse",
                )
            )
    return rows


def words(cell: np.ndarray) -> str:
    """One cell of the table."""
    return f"NLL {cell[0]:.2f}, RMSE {cell[1]:.3f}, coverage of 90% {100 * cell[2]:.0f}%"


if __name__ == "__main__":
    setup()
    keep("choices", measure())
