"""What is seen of a model's motion, as inputs of a dynamics model and as their changes.

Angles are seen as cosine and sine, and change unwrapped. Where a ball or free joint has turned to is seen as
the x and y axes of its body, which are continuous as quaternions and Euler angles are not, and changes by a
rotation vector in the axes of the body.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from pamlflow.domains.base import change_of, cosine_and_sine
from pamlflow.domains.mjcf.elements import matching, names
from pamlflow.settings import SettingError
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray
from pamlflow.wording import Key, quoted

FORM = re.compile(r"(?P<kind>joint|sensor|actuator):(?P<name>.+?)(\.(?P<part>position|velocity))?")
EXPECTED = "expected joint:<name>, joint:<name>.position, joint:<name>.velocity, sensor:<name> or"
EXPECTED += " actuator:<name>"

HINGE, SLIDE = mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE
FREE = mujoco.mjtJoint.mjJNT_FREE
ACCELERATION = int(mujoco.mjtStage.mjSTAGE_ACC)
AXES = "xyz"

SENSOR_UNITS = {
    "TENDONPOS": "m",
    "TENDONVEL": "m/s",
    "VELOCIMETER": "m/s",
    "GYRO": "rad/s",
    "RANGEFINDER": "m",
    "BALLANGVEL": "rad/s",
    "FRAMEPOS": "m",
    "FRAMELINVEL": "m/s",
    "FRAMEANGVEL": "rad/s",
    "SUBTREECOM": "m",
    "SUBTREELINVEL": "m/s",
    "SUBTREEANGMOM": "kg m^2/s",
    "GEOMDIST": "m",
    "GEOMFROMTO": "m",
    "E_POTENTIAL": "J",
    "E_KINETIC": "J",
    "CLOCK": "s",
}
"""By the kind of a sensor the unit of its numbers; 1 where there is none."""


class Quantity(Protocol):
    """A part of the state: its columns among the inputs and outputs, made from states [K + 1, S]."""

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """What a dynamics model sees of it."""

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """Its change within a control step."""

    def seen(self, states: FloatArray) -> FloatArray:
        """Return the inputs for each state."""

    def changes(self, states: FloatArray) -> FloatArray:
        """Return the outputs from each state to the next."""


@dataclass(frozen=True)
class Number:
    """A number in one column of the states."""

    variable: Variable
    column: int

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """The number."""
        return (self.variable,)

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """Its change."""
        return (change_of(self.variable),)

    def seen(self, states: FloatArray) -> FloatArray:
        """The number [K + 1, 1]."""
        return states[:, [self.column]]

    def changes(self, states: FloatArray) -> FloatArray:
        """Its difference [K, 1]."""
        return np.diff(states[:, [self.column]], axis=0)


@dataclass(frozen=True)
class Angle(Number):
    """An unwrapped angle in one column of the states."""

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """Cosine and sine."""
        return cosine_and_sine(self.variable.name)

    def seen(self, states: FloatArray) -> FloatArray:
        """Cosine and sine [K + 1, 2]."""
        angle = states[:, self.column]
        return np.column_stack([np.cos(angle), np.sin(angle)])


@dataclass(frozen=True)
class Turned:
    """The direction in which a body looks: a quaternion in four columns of the states, w first."""

    name: str
    column: int

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """The components of the x and y axes of the body."""
        pairs = [(axis, component) for axis in "xy" for component in AXES]
        return tuple(Variable(f"{self.name}_{axis}_axis_{each}", "1") for axis, each in pairs)

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """The rotation about the axes of the body."""
        return tuple(Variable(f"{self.name}_rotation_{axis}", "rad") for axis in AXES)

    def seen(self, states: FloatArray) -> FloatArray:
        """The first two columns of the rotation matrices [K + 1, 6]."""
        matrices = self._rotations(states).as_matrix()
        return np.concatenate([matrices[:, :, 0], matrices[:, :, 1]], axis=1)

    def changes(self, states: FloatArray) -> FloatArray:
        """The rotation vectors [K, 3] from each state to the next."""
        turned = self._rotations(states)
        vectors: FloatArray = (turned[:-1].inv() * turned[1:]).as_rotvec()
        return vectors

    def _rotations(self, states: FloatArray) -> Rotation:
        return Rotation.from_quat(states[:, self.column : self.column + 4], scalar_first=True)


def quantities(
    spec: mujoco.MjSpec, model: mujoco.MjModel, observed: Sequence[str]
) -> tuple[Quantity, ...]:
    """Return what the option `observed` asks for, each once, of states qpos, qvel, act and sensordata.

    Raises SettingError where the file has it not.
    """
    found: dict[Quantity, None] = {}
    for place, text in enumerate(observed):
        key = ("observed", place)
        read = FORM.fullmatch(text)
        if not read or (read["part"] and read["kind"] != "joint"):
            raise SettingError(key, f"{EXPECTED}, found {quoted(text)}")
        of_kind = {"joint": _joints, "sensor": _sensors, "actuator": _activations}[read["kind"]]
        found |= dict.fromkeys(of_kind(spec, model, read["name"], read["part"], key))
    if not any(quantity.inputs for quantity in found):
        raise SettingError(("observed",), f"nothing of the state is seen; {EXPECTED}")
    variables = [it.name for quantity in found for it in quantity.inputs]
    if twice := sorted({name for name in variables if variables.count(name) > 1}):
        text = f"two of these would be called {twice[0]}; give them other names in the file"
        raise SettingError(("observed",), text)
    return tuple(found)


def _joints(
    spec: mujoco.MjSpec, model: mujoco.MjModel, pattern: str, part: str | None, key: Key
) -> Iterator[Quantity]:
    known = names(spec, "joint")
    for joint in matching(known, pattern, key, "joint"):
        kind, name = mujoco.mjtJoint(int(model.jnt_type[joint])), known[joint]
        position = int(model.jnt_qposadr[joint])
        velocity = model.nq + int(model.jnt_dofadr[joint])
        if part != "velocity":
            yield from _positions(kind, name, position)
        if part != "position":
            yield from _velocities(kind, name, velocity)


def _positions(kind: mujoco.mjtJoint, name: str, column: int) -> Iterator[Quantity]:
    if kind == HINGE:
        yield Angle(Variable(name, "rad"), column)
    elif kind == SLIDE:
        yield Number(Variable(name, "m"), column)
    else:
        if kind == FREE:
            yield from _vector(name, "m", column)
            column += 3
        yield Turned(name, column)


def _velocities(kind: mujoco.mjtJoint, name: str, column: int) -> Iterator[Quantity]:
    if kind in (HINGE, SLIDE):
        unit = "rad/s" if kind == HINGE else "m/s"
        yield Number(Variable(f"{name}_velocity", unit), column)
        return
    if kind == FREE:
        yield from _vector(f"{name}_velocity", "m/s", column)
        column += 3
    yield from _vector(f"{name}_angular_velocity", "rad/s", column)


def _vector(name: str, unit: str, column: int) -> Iterator[Number]:
    for offset, axis in enumerate(AXES):
        yield Number(Variable(f"{name}_{axis}", unit), column + offset)


def _activations(
    spec: mujoco.MjSpec, model: mujoco.MjModel, pattern: str, _: str | None, key: Key
) -> Iterator[Quantity]:
    """The activations of those actuators that have any."""
    known = names(spec, "actuator")
    if not known and pattern == "*":
        return
    for actuator in matching(known, pattern, key, "actuator"):
        first, count = model.actuator_actadr[actuator], model.actuator_actnum[actuator]
        for number in range(count):
            name = f"{known[actuator]}_activation" + (f"_{number + 1}" if count > 1 else "")
            yield Number(Variable(name, "1"), int(model.nq + model.nv + first + number))


def _sensors(
    spec: mujoco.MjSpec, model: mujoco.MjModel, pattern: str, _: str | None, key: Key
) -> Iterator[Quantity]:
    known = names(spec, "sensor")
    for sensor in matching(known, pattern, key, "sensor"):
        name, kind = known[sensor], mujoco.mjtSensor(int(model.sensor_type[sensor]))
        if model.sensor_needstage[sensor] == ACCELERATION:
            text = f"sensor '{name}' depends on the control, not on the state alone"
            raise SettingError(key, f"{text}; observe positions and velocities")
        if model.sensor_history[sensor].any():
            raise SettingError(key, f"sensor '{name}' has a delay; observe what has none")
        column = model.nq + model.nv + model.na + int(model.sensor_adr[sensor])
        size, of = int(model.sensor_dim[sensor]), model.sensor_objid[sensor]
        is_hinge = "JOINT" in kind.name and model.jnt_type[of] == int(HINGE)
        if is_hinge and kind == mujoco.mjtSensor.mjSENS_JOINTPOS:
            yield Angle(Variable(name, "rad"), column)
            continue
        unit = SENSOR_UNITS.get(kind.name.removeprefix("mjSENS_"), "1")
        if kind in (mujoco.mjtSensor.mjSENS_JOINTPOS, mujoco.mjtSensor.mjSENS_JOINTVEL):
            length = "rad" if is_hinge else "m"
            unit = length if kind == mujoco.mjtSensor.mjSENS_JOINTPOS else f"{length}/s"
        for offset in range(size):
            suffix = "" if size == 1 else f"_{AXES[offset] if size == 3 else offset + 1}"
            yield Number(Variable(f"{name}{suffix}", unit), column + offset)
