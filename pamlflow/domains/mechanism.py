"""What carts and links on hinges share as task domains: settings, excitation, states and transitions."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import mujoco
import numpy as np

from pamlflow.domains import mechanics, rendering
from pamlflow.domains.base import (
    Excitation,
    Transitions,
    change_of,
    cosine_and_sine,
    state_transitions,
)
from pamlflow.domains.controls import alternating_control
from pamlflow.settings import Bounds, Settings
from pamlflow.tasks import Variable, with_units
from pamlflow.types import FloatArray


class Joint(NamedTuple):
    """A coordinate, its rate of change, and its value when the mechanism hangs at rest."""

    coordinate: Variable
    rate: Variable
    rest: float

    @property
    def is_angle(self) -> bool:
        """Whether models are to see the cosine and sine of the coordinate."""
        return self.coordinate.unit == "rad"


def slide(rest: float = 0.0) -> Joint:
    """Return the joint of a cart on its rail."""
    return Joint(Variable("position", "m"), Variable("velocity", "m/s"), rest)


def hinge(prefix: str, rest: float) -> Joint:
    """Return the joint of a link, whose variables are named after `prefix`."""
    angle, speed = f"{prefix}angle", f"{prefix}angular_velocity"
    return Joint(Variable(angle, "rad"), Variable(speed, "rad/s"), rest)


@dataclass(frozen=True)
class Drive(Settings):
    """How hard the driven joint is pushed, in N or Nm.

    Normal noise of standard deviation `control_noise` is added to the control, and the sum is clipped to
    `control_limit`.
    """

    control_limit: Annotated[float, Bounds(1e-3, 1e6)] = 25.0
    control_noise: Annotated[float, Bounds(0.0, 1e6)] = 1.0


@dataclass(frozen=True)
class Mechanism(ABC):
    """A domain of tasks that differ in positive parameters and are driven through one joint.

    States hold the coordinate and rate of each joint in turn, angles unwrapped. A trial starts
    hanging, with normal noise of standard deviation `initial_noise` on each state variable, and
    lasts `steps` control steps of `time_step` seconds, each integrated in `substeps`.
    Raises ValueError when a setting is out of range.
    """

    name: ClassVar[str]
    parameter_variables: ClassVar[tuple[Variable, ...]]
    joints: ClassVar[tuple[Joint, ...]]
    control: ClassVar[Variable]
    control_blocks: ClassVar[int]

    steps: int = 100
    time_step: float = 0.05
    substeps: int = 10
    initial_noise: float = 0.05
    options: Drive = Drive()

    def __post_init__(self) -> None:
        """Check the settings."""
        for setting in ("steps", "time_step", "substeps"):
            if not getattr(self, setting) > 0:
                found = getattr(self, setting)
                raise ValueError(f"{self.name}: {setting} must be positive, found {found}")
        if not self.initial_noise >= 0:
            text = f"initial_noise must be >= 0, found {self.initial_noise}"
            raise ValueError(f"{self.name}: {text}")

    @property
    def input_variables(self) -> tuple[Variable, ...]:
        """The state variables, angles as cosine and sine, then the control."""
        variables: list[Variable] = []
        for joint in self.joints:
            if joint.is_angle:
                variables += cosine_and_sine(joint.coordinate.name)
            else:
                variables.append(joint.coordinate)
            variables.append(joint.rate)
        return (*variables, self.control)

    @property
    def output_variables(self) -> tuple[Variable, ...]:
        """The change of each state variable within a control step."""
        states = [variable for joint in self.joints for variable in joint[:2]]
        return tuple(map(change_of, states))

    @abstractmethod
    def build(self, spec: mujoco.MjSpec, *parameters: float) -> None:
        """Add the bodies of a task to an empty model, its joints in the order of `joints`."""

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """Draw the control [K, 1] and the initial state [E] of a trial."""
        limit, noise = self.options.control_limit, self.options.control_noise
        control = alternating_control(self.steps, self.control_blocks, limit, noise, rng)
        rest = np.array([value for joint in self.joints for value in (joint.rest, 0.0)])
        start = rest + self.initial_noise * rng.standard_normal(rest.size)
        return Excitation(control[:, None], start)

    def run(self, parameters: FloatArray, excitation: Excitation) -> Transitions:
        """Return the transitions of the task with `parameters` [D]; raises what `simulate` raises."""
        states = self.simulate(parameters, excitation)
        angles = {2 * index for index, joint in enumerate(self.joints) if joint.is_angle}
        return state_transitions(states, excitation.controls, angles)

    def simulate(self, parameters: FloatArray, excitation: Excitation) -> FloatArray:
        """Return the states [K + 1, E] of the task with `parameters` [D].

        Raises SimulationError, naming the parameters, when the simulation is unstable.
        """
        spec, task = self._spec(parameters)
        return mechanics.integrate(spec, excitation, self.substeps, task)

    def picture(
        self, parameters: FloatArray, size: int, height: float, renderer: str
    ) -> FloatArray:
        """Return a picture [size, size, 1], in 0..1, of the task with parameters [D], upright.

        Raises ValueError, naming the parameters, when a link reaches the upper edge.
        """
        spec, task = self._spec(parameters)
        picture = rendering.draw(spec, size, height, renderer)
        if picture[0].any():
            text = f"{task}: its picture is cut off above a field of view of {height} m"
            raise ValueError(f"{text}; raise descriptors.pictures.height")
        return picture

    def _spec(self, parameters: FloatArray) -> tuple[mujoco.MjSpec, str]:
        """Return the model of the task with `parameters` [D], and what messages call the task."""
        task = f"{self.name} with {with_units(self.parameter_variables, parameters)}"
        if not np.all(parameters > 0):
            text = f"{task}: parameters must be positive"
            raise ValueError(f"{text}; change `space` or `fixed` of the experiment")
        spec = mechanics.empty_model(self.time_step / self.substeps)
        self.build(spec, *parameters)
        return spec, task
