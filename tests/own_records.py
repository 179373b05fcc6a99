"""A domain of tasks that were recorded: sixteen decays, of different lengths, all pushed in the same way."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from pamlflow.domains.base import state_transitions
from pamlflow.settings import Bounds, Settings
from pamlflow.tasks import TaskSet, Variable


@dataclass(frozen=True)
class Shelf(Settings):
    number: Annotated[int, Bounds(1, 100)] = 16


@dataclass(frozen=True)
class Decays:
    options: Shelf = Shelf()

    @property
    def tasks(self):
        rng = np.random.default_rng(5)
        known = rng.uniform([0.1, 1.0], [0.9, 2.0], size=(self.options.number, 2))
        runs = []
        for task, (rate, gain) in enumerate(known):
            forces = rng.standard_normal((20 + task % 3, 1))
            states = [np.zeros(1)]
            for force in forces:
                states.append((1.0 - rate) * states[-1] + gain * force)
            runs.append(state_transitions(states, forces, ()))
        return TaskSet(
            inputs=np.concatenate([run.inputs for run in runs]),
            outputs=np.concatenate([run.outputs for run in runs]),
            lengths=[len(run.inputs) for run in runs],
            descriptors=known,
            parameters=np.empty((len(known), 0)),
            input_variables=(Variable("level", "m"), Variable("force", "N")),
            output_variables=(Variable("level_change", "m"),),
            descriptor_variables=(Variable("rate", "1/s"), Variable("gain", "m/N")),
            parameter_variables=(),
        )
