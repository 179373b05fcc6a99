"""Scores of all rounds of a trial on the test tasks; each round infers q(h*) from scratch."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.doubts import curves, rises, worse_than_the_mean
from pamlflow.metrics import COVERAGE_LEVELS, Scores
from pamlflow.protocols import parse_protocol
from pamlflow.rounds import read_round
from pamlflow.scoring import ShuffledTasks, evaluate, evaluate_mean
from pamlflow.settings import InferenceSettings
from pamlflow.stages.unchanged import require_same_files
from pamlflow.storage import store
from pamlflow.tasks import TaskSet
from pamlflow.versions import EVALUATION_VERSION

logger = logging.getLogger(__name__)


def evaluate_trial(
    *,
    rounds: Sequence[Path],
    test_tasks: Path,
    inference: Mapping[str, Any],
    seed: int,
    output: Path,
) -> None:
    """Score every file in `rounds` under every protocol, and write the metrics per test task.

    The log warns of rounds that score worse than predicting the mean, and of curves that rise.
    """
    store.require_writable(output.parent)
    settings = InferenceSettings(**inference)
    protocols = [parse_protocol(name) for name in settings.protocols]
    require_same_files(store.read_provenance(test_tasks).config, rounds)
    known = store.read(test_tasks, "test_tasks").datasets
    test = ShuffledTasks(TaskSet.from_datasets(known), known["context/order"])
    numbers, sizes, scores = [], [], []
    for path in rounds:
        number, tasks, model, _ = read_round(path)
        numbers.append(number)
        sizes.append(tasks.num_tasks)
        scores.append([evaluate(model, test, it, settings.objective) for it in protocols])
        for protocol, result in zip(protocols, scores[-1], strict=True):
            rmse = np.sqrt(result.squared_error.mean())
            text = "round %d, %s: NLL %.3f nats, RMSE %.4f"
            logger.info(text, numbers[-1], protocol.name, result.nll.mean(), rmse)
    trivial = [evaluate_mean(test, protocol) for protocol in protocols]
    results: dict[str, Any] = {
        "round": np.array(numbers),
        "num_tasks": np.array(sizes),
        "protocols": list(settings.protocols),
        "coverage_levels": COVERAGE_LEVELS,
        **{
            name: np.array([[getattr(result, name) for result in row] for row in scores])
            for name in Scores._fields
        },
        "trivial/nll": np.array([result.nll for result in trivial]),
        "trivial/squared_error": np.array([result.squared_error for result in trivial]),
    }
    for curve in curves(results):
        for doubt in filter(None, (worse_than_the_mean(curve), rises(curve))):
            logger.warning(doubt)
    config = {
        "inference": {**inference, "protocols": list(settings.protocols)},
        "version": EVALUATION_VERSION,
    }
    store.write(output, "metrics", results, seed=seed, config=config, parents=[test_tasks, *rounds])
