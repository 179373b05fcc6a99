"""How the actuators of a model are driven, and where a run starts."""

from collections.abc import Mapping

import mujoco
import numpy as np

from pamlflow.domains.base import Excitation
from pamlflow.domains.mjcf.elements import matching, names
from pamlflow.domains.mjcf.options import Control, MjcfOptions, Start
from pamlflow.domains.policies import draw_signals
from pamlflow.settings import SettingError
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray, IntArray

ONE_POSITION = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


class Drive:
    """What is done to each task of a model: the controls of some actuators, from a start near rest.

    Raises SettingError of an option that the file does not go together with.
    """

    def __init__(
        self, spec: mujoco.MjSpec, model: mujoco.MjModel, options: MjcfOptions, noise: float
    ) -> None:
        self._model, self._noise, self._policy = model, noise, options.policy
        known = names(spec, "actuator")
        chosen = _chosen(known, options.controls)
        self.actuators: IntArray = np.array(list(chosen), dtype=np.int64)
        self.variables = tuple(
            Variable(f"{known[actuator]}_control", control.unit)
            for actuator, (_, control) in chosen.items()
        )
        ranges = [
            _range(model, actuator, known[actuator], *each) for actuator, each in chosen.items()
        ]
        self._low, self._high = np.array(ranges).reshape(-1, 2).T
        self._start = start(spec, model, options.start)

    def excitation(self, steps: int, rng: np.random.Generator) -> Excitation:
        """Draw controls [K, U] and an initial state [E]: positions, velocities and activations."""
        signals = draw_signals(self._policy, steps, len(self.actuators), rng)
        middle, half = (self._high + self._low) / 2.0, (self._high - self._low) / 2.0
        drawn = np.clip(middle + half * signals, self._low, self._high)  # rounding may leave it
        positions, velocities = self._start.qpos.copy(), self._start.qvel.copy()
        offsets = self._noise * rng.standard_normal((2, self._model.nv))
        # Angles of balls and free bodies are quaternions, to which no noise can be added.
        mujoco.mj_integratePos(self._model, positions, offsets[0], 1.0)
        velocities += offsets[1]
        return Excitation(drawn, np.concatenate([positions, velocities, self._start.act]))

    def controls(self, driven: FloatArray) -> FloatArray:
        """Return the controls of all actuators [K, nu] for those of the driven ones [K, U]."""
        all_controls = np.tile(self._start.ctrl, (len(driven), 1))
        all_controls[:, self.actuators] = driven
        return all_controls


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


def _chosen(
    known: list[str], controls: Mapping[str, Control]
) -> dict[int, tuple[str | None, Control]]:
    """The driven actuators in the order of the file, each with its settings and the name of these."""
    if not controls:
        return {actuator: (None, Control()) for actuator in range(len(known))}
    found: dict[int, tuple[str | None, Control]] = {}
    for pattern, control in controls.items():
        for actuator in matching(known, pattern, ("controls", pattern), "actuator"):
            found[actuator] = pattern, control
    return dict(sorted(found.items()))


def _range(
    model: mujoco.MjModel, actuator: int, name: str, pattern: str | None, control: Control
) -> tuple[float, float]:
    """Lowest and highest control of an actuator, by default those of the file."""
    given, is_limited = (control.low, control.high), bool(model.actuator_ctrllimited[actuator])
    least, most = model.actuator_ctrlrange[actuator] if is_limited else (-np.inf, np.inf)
    key = ("controls",) if pattern is None else ("controls", pattern)
    low, high = (
        float(bound if own is None else own)
        for own, bound in zip(given, (least, most), strict=True)
    )
    if not np.isfinite([low, high]).all():
        text = f"actuator '{name}' has no ctrlrange in the file"
        raise SettingError(key, f"{text}; give its range, as {{low: -1, high: 1}}")
    if not least <= low < high <= most:
        text = f"actuator '{name}': expected low < high"
        within = f", within the {least:g} to {most:g} of the file" if is_limited else ""
        raise SettingError(key, f"{text}{within}, found {low:g} and {high:g}")
    return low, high
