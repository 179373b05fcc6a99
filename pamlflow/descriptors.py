"""What is known of a task: views that turn simulator parameters into task descriptors and back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from pamlflow import plugins
from pamlflow.domains.base import Excitation, TaskDomain
from pamlflow.spaces import Box
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray


@runtime_checkable
class DescriptorView(Protocol):
    """How tasks with parameters [N, D] are described by descriptors [N, R]."""

    @property
    def space(self) -> Box:
        """The box of descriptors that a task may be asked for."""

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return what the world makes of chosen descriptors; it draws what they leave open."""

    def describe(self, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the descriptors under which tasks with these parameters are seen."""


@dataclass(frozen=True)
class FullDescriptors:
    """Descriptors that are the parameters themselves, without noise."""

    space: Box

    def parameters(self, descriptors: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the descriptors."""
        return descriptors

    def describe(self, parameters: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the parameters."""
        return parameters


DESCRIPTOR_VIEWS: dict[str, Callable[[Box], DescriptorView]] = {"full": FullDescriptors}


def make_descriptor_view(kind: str, space: Box) -> DescriptorView:
    """Return the view named in the configuration, over a box of simulator parameters.

    Raises ValueError when `kind` is neither in DESCRIPTOR_VIEWS nor a `package.module:Name`.
    """
    return plugins.load(kind, DESCRIPTOR_VIEWS, "descriptor view")(space)


def observe_tasks(
    domain: TaskDomain,
    view: DescriptorView,
    descriptors: FloatArray,
    excitation: Excitation,
    rng: np.random.Generator,
) -> TaskSet:
    """Run the tasks that descriptors [N, R] ask for, all under the same excitation.

    Raises SimulationError when a task cannot be simulated.
    """
    parameters = view.parameters(descriptors, rng)
    transitions = [
        domain.transitions(domain.simulate(task, excitation), excitation.controls)
        for task in parameters
    ]
    return TaskSet(
        inputs=np.concatenate([inputs for inputs, _ in transitions]),
        outputs=np.concatenate([outputs for _, outputs in transitions]),
        lengths=np.array([len(inputs) for inputs, _ in transitions]),
        descriptors=descriptors,
        parameters=parameters,
        input_variables=domain.input_variables,
        output_variables=domain.output_variables,
        descriptor_variables=view.space.variables,
        parameter_variables=domain.parameter_variables,
    )
