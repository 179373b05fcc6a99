"""The world of an experiment, in which tasks are asked for by descriptor and run."""

import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from pamlflow.arrays import read_only
from pamlflow.descriptors import NO_BOX, Descriptors, make_view
from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation, SimulationError, TaskDomain
from pamlflow.domains.fixed import fix_parameters
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet, with_units
from pamlflow.types import FloatArray

MAX_REPLACEMENTS = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class World:
    """A domain, what is seen of its parameters, and what becomes of a task that cannot be run.

    `failed_tasks` is "stop" (raise SimulationError) or "replace" (by a task drawn uniformly).
    """

    domain: TaskDomain
    view: Descriptors
    failed_tasks: Literal["stop", "replace"] = "stop"

    @classmethod
    def from_config(cls, settings: Mapping[str, Any]) -> Self:
        """Return the world of `settings.world_settings` of an experiment.

        Raises ValueError when a name is unknown or a value is out of range.
        """
        whole = make_domain(settings["domain"], **settings.get("simulation", {}))
        domain = fix_parameters(whole, settings.get("fixed", {}))
        space = Box.from_config(settings["space"], domain.parameter_variables)
        view = make_view(settings.get("descriptors", {}), space, domain)
        return cls(domain, view, settings.get("failed_tasks", "stop"))

    @property
    def space(self) -> Box:
        """The box of descriptors that a task may be asked for; ValueError where there is none."""
        if self.view.space is None:
            raise ValueError(NO_BOX)
        return self.view.space

    def run(
        self, parameters: FloatArray, descriptors: FloatArray, excitation: Excitation
    ) -> TaskSet:
        """Run the tasks of parameters [N, D], seen as descriptors [N, ..., R], under one excitation.

        Raises SimulationError, naming the parameters, when a task cannot be run.
        """
        parameters = read_only(
            "parameters", parameters
        )  # they are the truth, whatever a domain does
        transitions = [self._transitions(task, excitation) for task in parameters]
        return TaskSet(
            inputs=np.concatenate([inputs for inputs, _ in transitions]),
            outputs=np.concatenate([outputs for _, outputs in transitions]),
            lengths=np.array([len(inputs) for inputs, _ in transitions]),
            descriptors=descriptors,
            parameters=parameters,
            input_variables=self.domain.input_variables,
            output_variables=self.domain.output_variables,
            descriptor_variables=self.view.variables,
            parameter_variables=self.domain.parameter_variables,
        )

    def _transitions(
        self, parameters: FloatArray, excitation: Excitation
    ) -> tuple[FloatArray, FloatArray]:
        """Inputs [K, Dx] and outputs [K, P] of one task; SimulationError where one is not finite."""
        states = self.domain.simulate(parameters, excitation)
        inputs, outputs = map(np.asarray, self.domain.transitions(states, excitation.controls))
        columns = len(self.domain.input_variables), len(self.domain.output_variables)
        if (inputs.shape, outputs.shape) != tuple((len(inputs), number) for number in columns):
            raise ValueError(
                f"the domain's `transitions`: expected inputs [K, {columns[0]}] and outputs [K, "
                f"{columns[1]}], a row for each step and a column for each of its variables, found "
                f"shapes {inputs.shape} and {outputs.shape}"
            )
        spoilt = ~(np.isfinite(inputs).all(axis=1) & np.isfinite(outputs).all(axis=1))
        if spoilt.any():
            task = with_units(self.domain.parameter_variables, parameters)
            text = f"the task with {task} is not finite in step {int(np.argmax(spoilt))}"
            raise SimulationError(f"{text}; change `space` or `simulation` of the experiment")
        return inputs, outputs

    def observe(
        self, descriptors: FloatArray, excitation: Excitation, rng: np.random.Generator
    ) -> TaskSet:
        """Run the tasks that descriptors [N, R] ask for; the world draws what they leave open.

        Where a task failed and was replaced, the descriptors of the result differ from those given.
        Raises SimulationError when a failed task is not to be replaced, or when those
        that took its place, up to 10, failed too.
        """
        parameters = self.view.parameters(descriptors, rng)
        tasks = [
            self._run_or_replace(*task, excitation, rng)
            for task in zip(parameters, descriptors, strict=True)
        ]
        return functools.reduce(TaskSet.append, tasks)

    def _run_or_replace(
        self,
        parameters: FloatArray,
        descriptor: FloatArray,
        excitation: Excitation,
        rng: np.random.Generator,
    ) -> TaskSet:
        """Run one task of parameters [D], or one that takes its place."""
        replacements = MAX_REPLACEMENTS if self.failed_tasks == "replace" else 0
        while True:
            try:
                return self.run(parameters[None], descriptor[None], excitation)
            except SimulationError as error:
                if not replacements:
                    raise
                logger.warning("%s; a task drawn uniformly takes its place", error)
            replacements -= 1
            descriptor = self.space.sample(1, rng)[0]
            parameters = self.view.parameters(descriptor[None], rng)[0]
