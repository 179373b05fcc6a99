"""How the actuators of a model are driven, and where a run starts."""

import mujoco
import numpy as np

from pamlflow.domains import controls
from pamlflow.domains.base import Excitation
from pamlflow.domains.mjcf.elements import matching, names
from pamlflow.domains.mjcf.options import MjcfOptions, Start
from pamlflow.settings import SettingError
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray, IntArray

POLICIES = {
    "held": controls.held_controls,
    "alternating": controls.alternating_controls,
    "waves": controls.wave_controls,
}

ONE_POSITION = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


class Drive:
    """What is done to each task of a model: the controls of some actuators, from a start near rest.

    Raises SettingError of an option that the file does not go together with.
    """

    def __init__(
        self, spec: mujoco.MjSpec, model: mujoco.MjModel, options: MjcfOptions, noise: float
    ) -> None:
        self._model, self._noise = model, noise
        self._settings = options.controls
        known = names(spec, "actuator")
        chosen = {
            index
            for place, pattern in enumerate(options.actuators)
            if known or pattern != "*"
            for index in matching(known, pattern, ("actuators", place), "actuator")
        }
        self.actuators: IntArray = np.array(sorted(chosen), dtype=np.int64)
        self.variables = tuple(Variable(f"{known[each]}_control", "1") for each in self.actuators)
        self._low, self._high = self._ranges(known)
        self._start = start(spec, model, options.start)

    def excitation(self, steps: int, rng: np.random.Generator) -> Excitation:
        """Draw controls [K, U] and an initial state [E]: positions, velocities and activations."""
        settings, model = self._settings, self._model
        shape = (steps, len(self.actuators))
        signals = POLICIES[settings.policy](steps, settings.hold, shape[1], rng)
        signals = signals + settings.noise * rng.standard_normal(shape)
        middle, half = (self._high + self._low) / 2, settings.share * (self._high - self._low) / 2
        drawn = middle + half * np.clip(signals, -1.0, 1.0)
        positions, velocities = self._start.qpos.copy(), self._start.qvel.copy()
        offsets = self._noise * rng.standard_normal((2, model.nv))
        # Angles of balls and free bodies are quaternions, to which no noise can be added.
        mujoco.mj_integratePos(model, positions, offsets[0], 1.0)
        velocities += offsets[1]
        return Excitation(drawn, np.concatenate([positions, velocities, self._start.act]))

    def controls(self, driven: FloatArray) -> FloatArray:
        """Return the controls of all actuators [K, nu] for those of the driven ones [K, U]."""
        all_controls = np.tile(self._start.ctrl, (len(driven), 1))
        all_controls[:, self.actuators] = driven
        return all_controls

    def _ranges(self, known: list[str]) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest control [U] of each driven actuator."""
        model, limit = self._model, self._settings.limit
        ranges = model.actuator_ctrlrange.copy()
        for index in self.actuators:
            if not model.actuator_ctrllimited[index]:
                if limit is None:
                    text = f"missing, actuator '{known[index]}' has no ctrlrange in the file"
                    raise SettingError(("controls", "limit"), f"{text}; give the largest control")
                ranges[index] = -limit, limit
        return ranges[self.actuators, 0], ranges[self.actuators, 1]


def start(spec: mujoco.MjSpec, model: mujoco.MjModel, settings: Start) -> mujoco.MjData:
    """Return the state and controls in which tasks start; SettingError where the file has no such."""
    data = mujoco.MjData(model)
    if settings.keyframe:
        known, key = names(spec, "key"), ("start", "keyframe")
        (number, *more) = matching(known, settings.keyframe, key, "keyframe")
        if more:
            raise SettingError(key, f"expected one keyframe, found that several match, {known}")
        mujoco.mj_resetDataKeyframe(model, data, number)
    joints = names(spec, "joint")
    for pattern, value in settings.positions.items():
        place = ("start", "positions", pattern)
        for joint in matching(joints, pattern, place, "joint"):
            if mujoco.mjtJoint(int(model.jnt_type[joint])) not in ONE_POSITION:
                text = f"joint '{joints[joint]}' has more than one position; use a keyframe"
                raise SettingError(place, text)
            data.qpos[model.jnt_qposadr[joint]] = value
    return data
