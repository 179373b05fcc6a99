"""What the weight of the pictures is worth: models of pictures and dynamics, for weights over four decades."""

import numpy as np

from benchmarks.common import Measurement, head, held_out, keep, setup, shuffled, world_of
from pamlflow.acquisition.paml import expected_self_information
from pamlflow.models.latent_gp.settings import ModelSettings, PictureSettings, TrainingSettings
from pamlflow.stages.illustrate_pictures import rank_agreement

WEIGHTS = (1.0, 0.1, 0.01, 0.001)
SEEDS, ROUNDS, CANDIDATES, TEST_TASKS, CONTEXT = (1, 2), 6, 100, 25, 20
SCORES = (
    "RMSE from the picture alone",
    f"RMSE from {CONTEXT} transitions",
    "NLL",
    "rank correlation",
    "pixels' variance unexplained",
)


def measure() -> list[Measurement]:
    """Scores after one random task and six that PAML chose from 100 pictures."""
    rows = []
    for weight in WEIGHTS:
        settings = ModelSettings(2, pictures=PictureSettings(weight))
        cells = np.mean([after_rounds(settings, seed) for seed in SEEDS], axis=0)
        rows.append(Measurement(f"weight {weight:g}", words(cells)))
    return rows


def after_rounds(settings: ModelSettings, seed: int) -> list[float]:
    """The SCORES of one trial; of the pixels' variance, the share that is not reconstructed."""
    from pamlflow.models.latent_gp.fit.training import train

    world, training = world_of("cart_pole_pixels"), TrainingSettings()
    rng = np.random.default_rng(seed)
    box = world.descriptors.parameter_space
    lengths = box.sample(CANDIDATES, rng)
    pictures = world.descriptors.describe(lengths, rng)
    excitation = world.domain.draw_excitation(rng)
    grid = box.grid([TEST_TASKS])
    test_tasks = world.run(
        grid, world.descriptors.describe(grid, rng), world.domain.draw_excitation(rng)
    )
    test = shuffled(test_tasks)

    left = np.ones(CANDIDATES, dtype=bool)
    left[0] = False
    tasks = world.run(lengths[:1], pictures[:1], excitation)
    model, _ = train(tasks, settings, training, rng, unchosen=pictures[left])
    for _ in range(ROUNDS):
        latent = model.infer(descriptors=pictures[left])
        utilities = expected_self_information(latent, model.latent)
        (chosen,) = np.flatnonzero(left)[[np.argmax(utilities)]]
        left[chosen] = False
        new = world.run(lengths[[chosen]], pictures[[chosen]], excitation)
        tasks = tasks.append(new)
        model, _ = train(tasks, settings, training, rng, model, unchosen=pictures[left])
    from_picture = held_out(model, model.infer(descriptors=test_tasks.descriptors), test)
    from_transitions = held_out(model, model.infer(data=head(test, CONTEXT)), test)
    encoded = model.infer(descriptors=pictures).mean
    missed = np.square(model.predict_descriptors(encoded) - pictures).mean() / pictures.var()
    return [
        float(np.sqrt(from_picture.squared_error.mean())),
        float(np.sqrt(from_transitions.squared_error.mean())),
        float(from_transitions.nll.mean()),
        rank_agreement(encoded, lengths[:, 0]),
        float(missed),
    ]


def words(cells: np.ndarray) -> str:
    """One cell of the table."""
    return "; ".join(f"{name} {cell:.3g}" for name, cell in zip(SCORES, cells, strict=True))


if __name__ == "__main__":
    setup()
    keep("pictures", measure())
