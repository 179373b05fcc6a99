"""Any MJCF file as a task domain."""

import math
from dataclasses import dataclass, field

import mujoco
import numpy as np

from pamlflow.domains import stepping
from pamlflow.domains.base import Excitation, SimulationError, Transitions
from pamlflow.domains.mjcf import source
from pamlflow.domains.mjcf.drive import Drive
from pamlflow.domains.mjcf.family import Family
from pamlflow.domains.mjcf.observed import Quantity, quantities
from pamlflow.domains.mjcf.options import NOTHING_SAID, MjcfOptions
from pamlflow.domains.policies import require_policy
from pamlflow.tasks import Variable, with_units
from pamlflow.types import FloatArray

ROUNDING = 1e-9  # of a step, relative to its length


@dataclass(frozen=True)
class Mjcf:
    """Tasks of one MJCF file, which differ in what `options.parameters` change.

    A task lasts `steps` control steps of `time_step` seconds, each integrated in `substeps` by the
    integrator of the file, with its contacts and limits. It starts as `options.start` says, with normal
    noise of standard deviation `initial_noise` on each velocity and in each direction of movement.

    Raises SettingError where the file and the options do not go together, and ValueError when a setting is
    out of range or steps are longer than those of the file.
    """

    steps: int = 100
    time_step: float = 0.05
    substeps: int = 10
    initial_noise: float = 0.05
    options: MjcfOptions = NOTHING_SAID

    _family: Family = field(init=False, repr=False, compare=False)
    _observed: tuple[Quantity, ...] = field(init=False, repr=False, compare=False)
    _drive: Drive = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the settings, and read the file."""
        for setting in ("steps", "time_step", "substeps"):
            if not getattr(self, setting) > 0:
                raise ValueError(f"{setting} must be positive, found {getattr(self, setting)}")
        if not self.initial_noise >= 0:
            raise ValueError(f"initial_noise must be >= 0, found {self.initial_noise}")
        self.options.files()  # names what is missing
        spec = source.read(self.options.path)
        self._set_time(spec)
        model = spec.compile()
        for name, value in (
            ("_family", Family(spec, self.options.parameters)),
            ("_observed", quantities(spec, model, self.options.observed)),
            ("_drive", Drive(spec, model, self.options, self.initial_noise)),
        ):
            object.__setattr__(self, name, value)
        require_policy(self.options.policy, self.steps, len(self._drive.variables))

    @property
    def parameter_variables(self) -> tuple[Variable, ...]:
        """The parameters of the options, in their order."""
        return self._family.variables

    @property
    def input_variables(self) -> tuple[Variable, ...]:
        """What is observed, angles as cosine and sine, then the controls."""
        seen = [variable for quantity in self._observed for variable in quantity.inputs]
        return (*seen, *self._drive.variables)

    @property
    def output_variables(self) -> tuple[Variable, ...]:
        """The change of what is observed within a control step."""
        return tuple(variable for quantity in self._observed for variable in quantity.outputs)

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """Draw controls [K, U] of the driven actuators and an initial state: qpos, qvel and act."""
        return self._drive.excitation(self.steps, rng)

    def run(self, parameters: FloatArray, excitation: Excitation) -> Transitions:
        """Return the transitions of the task with `parameters` [D].

        Raises SimulationError, naming the parameters, when MuJoCo refuses their model, or the simulation is
        unstable.
        """
        states = self.simulate(parameters, excitation)
        seen = [quantity.seen(states[:-1]) for quantity in self._observed]
        changes = [quantity.changes(states) for quantity in self._observed]
        inputs = np.concatenate([*seen, excitation.controls], axis=1)
        return Transitions(inputs, np.concatenate(changes, axis=1))

    def simulate(self, parameters: FloatArray, excitation: Excitation) -> FloatArray:
        """Return the states [K + 1, S] of a task: qpos, qvel, act and sensordata; raises as `run`."""
        task = f"the task with {with_units(self.parameter_variables, parameters)}"
        try:
            model = self._family.model(parameters)
        except ValueError as error:
            raise SimulationError(f"{task}: {error}") from error
        data, sensed = mujoco.MjData(model), mujoco.MjData(model)
        ends = np.cumsum([model.nq, model.nv, model.na])
        drive, start = self._drive, excitation.initial_state
        if excitation.controls.shape[1] != len(drive.variables) or start.shape != (ends[-1],):
            raise ValueError(
                f"excitation: expected controls [K, {len(drive.variables)}] and an initial state "
                f"[{ends[-1]}], found shapes {excitation.controls.shape} and {start.shape}"
            )
        data.qpos[:], data.qvel[:], data.act[:] = np.split(start, ends[:-1])
        controls = drive.controls(excitation.controls)
        states = [_state(model, data, sensed)]
        for _ in stepping.driven(model, data, controls, self.substeps, task):
            states.append(_state(model, data, sensed))
        return np.array(states)

    def _set_time(self, spec: mujoco.MjSpec) -> None:
        """Let the steps of a model be those of the settings; ValueError if they are too long."""
        step, longest = self.time_step / self.substeps, spec.option.timestep
        if step > longest * (1 + ROUNDING):
            enough = math.ceil(self.time_step / longest * (1 - ROUNDING))
            text = f"steps of {step:g} s (time_step / substeps) are longer than the {longest:g} s"
            raise ValueError(f"{text} that the file is made for; set substeps: {enough}")
        spec.option.timestep = step
        spec.option.disableflags |= int(stepping.NO_RESET)


def _state(model: mujoco.MjModel, data: mujoco.MjData, sensed: mujoco.MjData) -> FloatArray:
    """The state [S] of a model, with what sensors would show in it."""
    if model.nsensordata:  # in `data`, they are those of one step before
        sensed.qpos[:], sensed.qvel[:], sensed.act[:] = data.qpos, data.qvel, data.act
        sensed.ctrl[:], sensed.time = data.ctrl, data.time
        mujoco.mj_forward(model, sensed)
    return np.concatenate([data.qpos, data.qvel, data.act, sensed.sensordata])
