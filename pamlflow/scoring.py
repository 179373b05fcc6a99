"""Scoring of a model on test tasks under a test protocol."""

from __future__ import annotations

import numpy as np

from pamlflow.arrays import check_shape, numbers, whole_numbers
from pamlflow.metrics import Scores, score
from pamlflow.models.interface import Belief, Model, Objective, TaskArrays
from pamlflow.numerics import default_error_state
from pamlflow.protocols import ScoringProtocol, held_out_from
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray, IntArray
from pamlflow.units import unit_of


class ShuffledTasks:
    """Test tasks, padded and with shuffled steps, and the units of the metrics."""

    def __init__(
        self, tasks: TaskSet, steps: IntArray, output_scale: FloatArray | None = None
    ) -> None:
        """Shuffle tasks by `steps` [S], a permutation of the steps of each task.

        `output_scale` [P] are the units of the metrics, by default the standard deviations of the outputs.
        Raises ValueError if `steps` are not such permutations, or there is not one positive unit for each
        output.
        """
        inputs, outputs, self.mask = tasks.padded()
        steps = whole_numbers("steps", steps)
        check_shape("steps", steps, (len(tasks.inputs),))
        first = np.repeat(np.cumsum(tasks.lengths) - tasks.lengths, tasks.lengths)
        if (steps < 0).any() or not np.array_equal(np.sort(first + steps), np.arange(len(steps))):
            raise ValueError("steps: expected of each task its own steps 0, 1, ..., in any order")
        order = np.zeros(self.mask.shape, dtype=np.int64)
        order[self.mask > 0] = steps
        self.inputs = np.take_along_axis(inputs, order[:, :, None], axis=1) * self.mask[..., None]
        self.outputs = np.take_along_axis(outputs, order[:, :, None], axis=1) * self.mask[..., None]
        self.descriptors = tasks.descriptors
        self.output_mean, self.output_unit = tasks.outputs.mean(axis=0), unit_of(tasks.outputs)
        scale = self.output_unit if output_scale is None else output_scale
        self.output_scale = numbers("output_scale", scale)
        check_shape("output_scale", self.output_scale, (tasks.outputs.shape[1],))
        if not (self.output_scale > 0.0).all():
            raise ValueError(f"output_scale: expected numbers above 0, found {self.output_scale}")
        self._positions = np.arange(self.mask.shape[1])
        self._held_out_from = np.array([[held_out_from(steps)] for steps in tasks.lengths.tolist()])

    def context(self, size: int | None) -> FloatArray:
        """Return the mask [N, T] of the first `size` transitions, from which q(h*) is inferred; None for all.

        The context never includes held-out transitions, unless it is all.
        """
        if size is None:
            return self.mask
        return self.mask * (self._positions < np.minimum(size, self._held_out_from))

    def query(self, held_out: bool) -> FloatArray:
        """Return the mask [N, T] of the transitions that are scored."""
        return self.mask * (self._positions >= self._held_out_from) if held_out else self.mask


def infer_by_protocol(
    model: Model, test: ShuffledTasks, protocol: ScoringProtocol, objective: Objective
) -> Belief:
    """q(h*) of every task, as the protocol allows; `objective` holds where it leaves that open."""
    descriptors = test.descriptors if protocol.descriptor else None
    mask = test.context(protocol.context)
    steps = int(mask.any(axis=0).sum())
    if steps == 0 and descriptors is None:
        return model.prior(len(mask))
    data = TaskArrays(test.inputs[:, :steps], test.outputs[:, :steps], mask[:, :steps])
    return model.infer(
        descriptors=descriptors,
        data=data if steps else None,
        objective=protocol.objective or objective,
    )


@default_error_state()
def evaluate(
    model: Model, test: ShuffledTasks, protocol: ScoringProtocol, objective: Objective
) -> Scores:
    """Infer, predict and score all tasks under one protocol."""
    latent = infer_by_protocol(model, test, protocol, objective)
    mask = test.query(protocol.held_out)
    scored = mask.any(axis=0)
    mean, variance = model.predict(test.inputs[:, scored], latent, protocol.objective or objective)
    scale = test.output_scale
    outputs = test.outputs[:, scored] / scale
    return score(outputs, mean / scale, variance / np.square(scale), mask[:, scored])


@default_error_state()
def evaluate_mean(test: ShuffledTasks, protocol: ScoringProtocol) -> Scores:
    """Score what needs no model: the mean and the variance of all outputs of the tasks, for every transition.

    A model that scores worse is worse than none (Rasmussen and Williams, *Gaussian Processes for Machine
    Learning*, 2006, section 2.5). A constant output has its unit as standard deviation.
    """
    scale = test.output_scale
    variance = np.square(test.output_unit / scale)
    shape = test.outputs.shape
    return score(
        test.outputs / scale,
        np.broadcast_to(test.output_mean / scale, shape),
        np.broadcast_to(variance, shape),
        test.query(protocol.held_out),
    )
