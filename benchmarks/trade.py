"""What inducing points, iterations and the posterior cost and give: `python -m benchmarks.trade [FOLDER]`.

Fits from scratch to the tasks that PAML and uniform choices ended with in a finished run of the study.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.common import Measurement, keep, setup
from pamlflow.models.interface import Model
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.protocols import parse_protocol
from pamlflow.rounds import read_round
from pamlflow.scoring import ShuffledTasks, evaluate
from pamlflow.storage import store
from pamlflow.tasks import TaskSet

EXPERIMENTS = ("pendubot", "cart_pole")
STRATEGIES = ("paml", "uniform")
TRIAL, PROTOCOL, ALL = 0, "few_shot_20", 5_000
FITS = ((200, 150), (300, 75), (300, 150), (400, 150))
"""Inducing points and iterations."""


class Cell(NamedTuple):
    """Scores of one model: means over the test tasks."""

    nll: float
    rmse: float
    in_half: float
    seconds: float

    def __str__(self) -> str:
        """Return one cell of the table."""
        return f"NLL {self.nll:.2f}, RMSE {self.rmse:.3f}, {100 * self.in_half:.0f}% in 50%"


def measure(folder: Path) -> list[Measurement]:
    """Rows of each fit with three posteriors, for each experiment."""
    rows = []
    for experiment in EXPERIMENTS:
        test = test_tasks(folder, experiment)
        for points, iterations in FITS:
            both = [
                cells(last_tasks(folder, experiment, strategy), test, points, iterations)
                for strategy in STRATEGIES
            ]
            for name, paml, uniform in zip(("training's", "800", "all"), *both, strict=True):
                rows.append(
                    Measurement(
                        f"{experiment}, M = {points}, {iterations} iterations, predictions by {name}",
                        f"PAML's tasks: {paml}",
                        f"uniform tasks: {uniform}",
                        f"{paml.seconds:.0f} and {uniform.seconds:.0f} s of processor",
                    )
                )
    return rows


def cells(tasks: TaskSet, test: ShuffledTasks, points: int, iterations: int) -> list[Cell]:
    """Scores by the points of training, by the default points of predictions, and by all transitions."""
    from pamlflow.models.latent_gp.fit.prediction import prediction_posterior
    from pamlflow.models.latent_gp.fit.training import train

    settings = ModelSettings(inducing_points=points)
    begin = time.process_time()
    model, _ = train(
        tasks, settings, TrainingSettings(first_iterations=iterations), np.random.default_rng(0)
    )
    trained = time.process_time() - begin
    found = model.dynamics
    begin = time.process_time()
    exact = prediction_posterior(
        found.transitions,
        found.values,
        found.latent,
        found.jitter,
        replace(settings, prediction_points=ALL),
    )
    made = time.process_time() - begin
    return [
        scores(replace(model, dynamics=found.search), test, trained),
        scores(model, test, trained),
        scores(replace(model, dynamics=exact), test, trained + made),
    ]


def scores(model: Model, test: ShuffledTasks, seconds: float) -> Cell:
    """One cell; its time is that of the fit and of scoring."""
    begin = time.process_time()
    found = evaluate(model, test, parse_protocol(PROTOCOL), "predictive")
    seconds += time.process_time() - begin
    rmse = np.sqrt(found.squared_error.mean())
    return Cell(float(found.nll.mean()), float(rmse), float(np.mean(found.coverage[0])), seconds)


def test_tasks(folder: Path, experiment: str) -> ShuffledTasks:
    """The test tasks of a study; the steps that are known are drawn here."""
    path = folder / "data" / experiment / "test_tasks.h5"
    tasks = TaskSet.from_datasets(store.read(path, "test_tasks").datasets)
    rng = np.random.default_rng(0)
    return ShuffledTasks(tasks, np.concatenate([rng.permutation(n) for n in tasks.lengths]))


def last_tasks(folder: Path, experiment: str, strategy: str) -> TaskSet:
    """The tasks of the last round of a trial."""
    trial = folder / "results" / experiment / strategy / f"trial_{TRIAL:02d}"
    return read_round(trial / "round_15.h5").tasks


if __name__ == "__main__":
    setup()
    study = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    try:
        keep("trade", measure(study))
    except store.StoreError as error:
        print(error, file=sys.stderr)
