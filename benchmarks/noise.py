"""What the noise model is worth on each system, when hard tasks are among the training tasks."""

import numpy as np

from benchmarks.common import Measurement, head, held_out, keep, setup, shuffled, world_of

SYSTEMS = ("cart_pole", "pendubot", "cart_double_pole")
SEEDS, UNIFORM, CONTEXT = (1, 2), 8, 20


def measure() -> list[Measurement]:
    """Scores on the 10 x 10 test grid after 8 uniform tasks and the 4 corners of the box."""
    from pamlflow.models.latent_gp.fit.training import train
    from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings

    rows = []
    for system in SYSTEMS:
        world = world_of(system)
        space, domain = world.descriptors.space, world.domain
        results: dict[str, list[tuple[float, float, float]]] = {}
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            excitation = domain.draw_excitation(rng)
            chosen = np.vstack([space.grid([2, 2]), space.sample(UNIFORM, rng)])
            training = world.run(chosen, chosen, excitation)
            grid = space.grid([10, 10])
            test = shuffled(world.run(grid, grid, domain.draw_excitation(rng)))
            for noise in ("per_output", "task_scaled"):
                trained, _ = train(
                    training,
                    ModelSettings(noise=noise),
                    TrainingSettings(starts=2),
                    np.random.default_rng(seed),
                )
                latent = trained.infer(data=head(test, CONTEXT))
                scores = held_out(trained, latent, test)
                cell = (
                    float(scores.nll.mean()),
                    float(np.median(scores.nll)),
                    float(np.sqrt(scores.squared_error.mean())),
                )
                results.setdefault(noise, []).append(cell)
        ours, theirs = (np.mean(results[name], axis=0) for name in ("task_scaled", "per_output"))
        rows.append(
            Measurement(
                f"{system}, {CONTEXT} transitions known",
                "task_scaled: " + words(ours),
                "per_output: " + words(theirs),
                f"{theirs[0] - ours[0]:+.2f} nats, RMSE {ours[2] / theirs[2]:.2f} x",
            )
        )
    return rows


def words(cell: np.ndarray) -> str:
    """One cell of the table."""
    return f"NLL {cell[0]:.2f} (median task {cell[1]:.2f}), RMSE {cell[2]:.3f}"


if __name__ == "__main__":
    setup()
    keep("noise", measure())
