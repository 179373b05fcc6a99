"""What inducing points are worth to the tasks of a study: `python -m benchmarks.capacity [FOLDER]`."""

import sys
from pathlib import Path

import numpy as np

from benchmarks.common import Measurement, keep, setup
from pamlflow.protocols import parse_protocol
from pamlflow.scoring import ShuffledTasks, evaluate
from pamlflow.storage import store
from pamlflow.tasks import TaskSet

EXPERIMENTS = ("cart_pole", "pendubot", "cart_double_pole")
INDUCING_POINTS, TRIALS, PROTOCOL = (200, 400), (0, 1), "few_shot_20"


def measure(folder: Path) -> list[Measurement]:
    """NLL and RMSE of fits from scratch to the tasks that two strategies ended with, means over trials."""
    rows = []
    for experiment in EXPERIMENTS:
        test = test_tasks(folder, experiment)
        for points in INDUCING_POINTS:
            ours, theirs = (
                np.mean(
                    [
                        scores(last_tasks(folder, experiment, name, it), test, points)
                        for it in TRIALS
                    ],
                    axis=0,
                )
                for name in ("paml", "uniform")
            )
            rows.append(
                Measurement(
                    f"{experiment}, M = {points}",
                    "PAML's tasks: " + words(ours),
                    "uniform tasks: " + words(theirs),
                    f"{theirs[0] - ours[0]:+.2f} nats, RMSE {ours[1] / theirs[1]:.2f} x",
                )
            )
    return rows


def test_tasks(folder: Path, experiment: str) -> ShuffledTasks:
    """The test tasks of a study; the steps that are known are drawn here."""
    path = folder / "data" / experiment / "test_tasks.h5"
    tasks = TaskSet.from_datasets(store.read(path, "test_tasks").datasets)
    rng = np.random.default_rng(0)
    return ShuffledTasks(tasks, np.concatenate([rng.permutation(n) for n in tasks.lengths]))


def last_tasks(folder: Path, experiment: str, strategy: str, trial: int) -> TaskSet:
    """The tasks of the last round of a trial."""
    path = folder / "results" / experiment / strategy / f"trial_{trial:02d}" / "round_15.h5"
    return TaskSet.from_datasets(store.read(path, "round").datasets)


def scores(tasks: TaskSet, test: ShuffledTasks, points: int) -> tuple[float, float]:
    """NLL and RMSE over all test tasks."""
    from pamlflow.models.latent_gp.fit.training import train
    from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings

    settings = ModelSettings(inducing_points=points)
    rng = np.random.default_rng(0)
    model, _ = train(tasks, settings, TrainingSettings(), rng)
    found = evaluate(model, test, parse_protocol(PROTOCOL), "predictive")
    return float(found.nll.mean()), float(np.sqrt(found.squared_error.mean()))


def words(cell: np.ndarray) -> str:
    """One cell of the table."""
    return f"NLL {cell[0]:.2f}, RMSE {cell[1]:.3f}"


if __name__ == "__main__":
    setup()
    study = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    try:
        keep("capacity", measure(study))
    except store.StoreError as error:
        print(error, file=sys.stderr)
