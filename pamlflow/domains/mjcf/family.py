"""A model of a file and the parameters in which tasks differ: one model for each task."""

from collections.abc import Mapping

import mujoco
import numpy as np

from pamlflow.domains.mjcf import targets
from pamlflow.domains.mjcf.options import Parameter
from pamlflow.domains.mjcf.source import compiled
from pamlflow.settings import SettingError
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray


class Family:
    """The models of a `spec` that differ in D parameters.

    Raises SettingError of the option `parameters` where one has nothing to change, changes nothing, or two
    set the same number.
    """

    def __init__(self, spec: mujoco.MjSpec, parameters: Mapping[str, Parameter]) -> None:
        self.spec = spec
        self.variables = tuple(Variable(name, each.unit) for name, each in parameters.items())
        if not parameters:
            text = "missing, expected a section for each of them, such as"
            raise SettingError(("parameters",), f"{text} `mass: {{unit: kg, sets: body:arm.mass}}`")
        planned = [
            change
            for number, (name, parameter) in enumerate(parameters.items())
            for change in self._changes(number, name, parameter)
        ]
        self._planned = sorted(planned, key=lambda change: (change.stage, change.is_scaled))
        self._require_one_setter()
        self._require_effects()

    def model(self, values: FloatArray) -> mujoco.MjModel:
        """Return the model of the task with parameters [D].

        Raises ValueError, with what MuJoCo says, where there is no such model.
        """
        spec = self.spec.copy()
        targets.apply(spec, self._planned, values)
        return compiled(spec)

    def _changes(self, number: int, name: str, parameter: Parameter) -> list[targets.Change]:
        found: list[targets.Change] = []
        for way in ("sets", "scales"):
            for target, factor in getattr(parameter, way).items():
                key = ("parameters", name, way)
                if factor == 0:
                    raise SettingError(key, f"'{target}': expected a factor other than 0")
                scaled = way == "scales"
                found += targets.changes(self.spec, number, target, factor, scaled, key)
        if not found:
            text = "expected what it `sets` or `scales`, such as `sets: body:arm.mass`"
            raise SettingError(("parameters", name), text)
        return found

    def _require_one_setter(self) -> None:
        setters: dict[object, targets.Change] = {}
        for change in self._planned:
            if change.is_scaled:
                continue
            other = setters.setdefault(change.place, change)
            if other is not change:
                one, two = (self.variables[it.parameter].name for it in (other, change))
                text = f"'{change.target}' sets what '{other.target}' of {one} sets, too"
                raise SettingError(("parameters", two, "sets"), text)

    def _require_effects(self) -> None:
        """Each parameter must change something of the compiled model."""
        nominal = _content(compiled(self.spec.copy()))
        for number, variable in enumerate(self.variables):
            own = [change for change in self._planned if change.parameter == number]
            spec, values = self.spec.copy(), np.ones(len(self.variables))
            values[number] = _other_value(spec, own[0])
            try:
                targets.apply(spec, own, values)
                changed = _content(compiled(spec))
            except ValueError:  # it has an effect
                continue
            if changed == nominal:
                listed = ", ".join(sorted({change.target for change in own}))
                text = (
                    f"changes nothing of the model: {listed}; what is 0 stays 0 when it is scaled"
                )
                reason = "and other numbers of the file may take the place of this one"
                raise SettingError(("parameters", variable.name), f"{text}, {reason}")


def _other_value(spec: mujoco.MjSpec, change: targets.Change) -> float:
    """A value of a parameter with which a change is one."""
    if change.is_scaled:
        return 1.1 / change.factor
    return (1.1 * targets.value_now(spec, change) or 0.1) / change.factor


def _content(model: mujoco.MjModel) -> bytes:
    buffer = np.empty(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()
