"""Scores of every round of one trial on the test tasks, q(h*) inferred from scratch in each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pamlflow.metrics import COVERAGE_LEVELS, Scores, score
from pamlflow.models.evidence import TaskArrays
from pamlflow.models.inference import LatentPosterior
from pamlflow.models.scaling import unit_of
from pamlflow.models.trained import TrainedModel
from pamlflow.protocols import Protocol, held_out_from, parse_protocol
from pamlflow.settings import InferenceSettings
from pamlflow.storage import store
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

logger = logging.getLogger(__name__)


def evaluate_trial(
    *,
    rounds: Sequence[Path],
    test_tasks: Path,
    inference: Mapping[str, Any],
    seed: int,
    output: Path,
) -> None:
    """Score every file in ``rounds`` under every protocol, and write the metrics per test task."""
    store.require_writable(output.parent)
    settings = InferenceSettings(**inference)
    protocols = [parse_protocol(name) for name in settings.protocols]
    test = ShuffledTasks(test_tasks)
    numbers, sizes, scores = [], [], []
    for path in rounds:
        datasets = store.read(path, "round").datasets
        model = TrainedModel.from_datasets(datasets)
        numbers.append(int(datasets["round"]))
        sizes.append(len(datasets["tasks/lengths"]))
        scores.append([evaluate(model, test, protocol, settings) for protocol in protocols])
        for protocol, result in zip(protocols, scores[-1], strict=True):
            rmse = np.sqrt(result.squared_error.mean())
            text = "round %d, %s: NLL %.3f nats, RMSE %.4f"
            logger.info(text, numbers[-1], protocol.name, result.nll.mean(), rmse)
    results: dict[str, Any] = {
        "round": np.array(numbers),
        "num_tasks": np.array(sizes),
        "protocols": list(settings.protocols),
        "coverage_levels": COVERAGE_LEVELS,
        **{
            name: np.array([[getattr(result, name) for result in row] for row in scores])
            for name in Scores._fields
        },
    }
    config = {"inference": {**inference, "protocols": list(settings.protocols)}}
    store.write(output, "metrics", results, seed=seed, config=config, parents=[test_tasks, *rounds])


class ShuffledTasks:
    """The test tasks, padded, each with its steps in its own shuffled order, and the units of the metrics."""

    def __init__(self, path: Path) -> None:
        """Read a file of schema test_tasks."""
        datasets = store.read(path, "test_tasks").datasets
        tasks = TaskSet.from_datasets(datasets)
        inputs, outputs, self.mask = tasks.padded()
        self.lengths = tasks.lengths
        order = np.zeros(self.mask.shape, dtype=np.int64)
        order[self.mask > 0] = datasets["context/order"]
        self.inputs = np.take_along_axis(inputs, order[:, :, None], axis=1) * self.mask[..., None]
        self.outputs = np.take_along_axis(outputs, order[:, :, None], axis=1) * self.mask[..., None]
        self.descriptors = tasks.descriptors
        self.output_scale = unit_of(tasks.outputs)
        self._positions = np.arange(self.mask.shape[1])
        self._held_out_from = np.array([[held_out_from(steps)] for steps in tasks.lengths.tolist()])

    def context(self, size: int | None) -> FloatArray:
        """Mask [N, T] of the transitions that q(h*) may be inferred from; None stands for all.

        The context of a short task ends where its held-out transitions begin.
        """
        if size is None:
            return self.mask
        return self.mask * (self._positions < np.minimum(size, self._held_out_from))

    def query(self, held_out: bool) -> FloatArray:
        """Mask [N, T] of the transitions that are scored."""
        return self.mask * (self._positions >= self._held_out_from) if held_out else self.mask


def infer(
    model: TrainedModel, test: ShuffledTasks, protocol: Protocol, settings: InferenceSettings
) -> LatentPosterior:
    """q(h*) of every test task, as the protocol allows."""
    data = None
    if protocol.context != 0:
        mask = test.context(protocol.context)
        steps = int(mask.any(axis=0).sum())
        data = TaskArrays(test.inputs[:, :steps], test.outputs[:, :steps], mask[:, :steps])
    return model.infer(
        len(test.lengths),
        descriptors=test.descriptors if protocol.descriptor else None,
        data=data,
        objective=protocol.objective or settings.objective,
    )


def evaluate(
    model: TrainedModel, test: ShuffledTasks, protocol: Protocol, settings: InferenceSettings
) -> Scores:
    """Infer, predict and score all test tasks under one protocol."""
    latent = infer(model, test, protocol, settings)
    mask = test.query(protocol.held_out)
    scored = mask.any(axis=0)
    objective = protocol.objective or settings.objective
    mean, variance = model.predict(test.inputs[:, scored], latent, objective)
    scale = test.output_scale
    outputs = test.outputs[:, scored] / scale
    return score(outputs, mean / scale, variance / np.square(scale), mask[:, scored])
