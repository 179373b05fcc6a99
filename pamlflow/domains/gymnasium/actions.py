"""What controls an environment of gymnasium, and the signals that excite it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pamlflow.domains.gymnasium.options import Control
from pamlflow.settings import SettingError
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray


@dataclass(frozen=True, eq=False)
class Actions:
    """The actions of a space of gymnasium: a Box of U controls, or a Discrete one that has one control."""

    space: Any
    variables: tuple[Variable, ...]
    low: FloatArray  # [U]
    high: FloatArray
    values: FloatArray  # of the control for each action of a discrete space; none of a Box

    @classmethod
    def of(cls, space: Any, controls: Mapping[str, Control]) -> Self:
        """Return the actions of a space whose controls have these settings, by default its own.

        Raises SettingError when they do not go together.
        """
        kind = type(space).__name__
        if kind not in ("Box", "Discrete"):
            text = "expected an environment with actions that are a Box or Discrete"
            raise SettingError(
                ("environment",), f"{text}, found {kind}; wrap it in one of your own"
            )
        number = int(np.prod(space.shape, dtype=int)) if kind == "Box" else 1
        if not controls:
            names = ["action"] if number == 1 else [f"action_{index}" for index in range(number)]
            controls = dict.fromkeys(names, Control())
        if len(controls) != number:
            text = f"expected {number} name{'s' * (number > 1)}, as many as an action has numbers"
            raise SettingError(("controls",), f"{text}, found {', '.join(controls)}")
        variables = tuple(Variable(name, control.unit) for name, control in controls.items())
        if kind == "Discrete":
            ((name, control),) = controls.items()
            values = _choices(name, control, int(space.n), int(space.start))
            return cls(
                space, variables, values.min(keepdims=True), values.max(keepdims=True), values
            )
        low, high = np.transpose(
            [
                _range(name, control, float(least), float(most))
                for (name, control), least, most in zip(
                    controls.items(), space.low.ravel(), space.high.ravel(), strict=True
                )
            ]
        )
        return cls(space, variables, low, high, np.empty(0))

    def controls(self, signals: FloatArray) -> FloatArray:
        """Return the controls [K, U] of signals [K, U] from -1 to 1, rounded to what the environment takes."""
        if self.values.size:
            choice = np.floor((signals + 1.0) / 2.0 * self.values.size).astype(int)
            chosen: FloatArray = np.sort(self.values)[choice.clip(0, self.values.size - 1)]
            return chosen
        controls = self.low + (signals + 1.0) / 2.0 * (self.high - self.low)
        if not np.issubdtype(self.space.dtype, np.floating):
            controls = np.rint(controls)
        return controls.astype(self.space.dtype).astype(np.float64)

    def action(self, control: FloatArray) -> Any:
        """Return what the environment takes for controls [U]."""
        if self.values.size:
            return int(self.space.start) + int(np.argmin(np.abs(self.values - control)))
        return control.reshape(self.space.shape).astype(self.space.dtype)


def _choices(name: str, control: Control, number: int, start: int) -> FloatArray:
    """The value of each of the actions, which by default are counted."""
    for key in ("low", "high"):
        if getattr(control, key) is not None:
            text = "actions are discrete: give `values`, one for each of them, in its place"
            raise SettingError(("controls", name, key), text)
    values = np.array(control.values or range(start, start + number), dtype=np.float64)
    if values.size != number or np.unique(values).size != number:
        text = f"expected {number} different numbers, one for each action in its order"
        raise SettingError(("controls", name, "values"), f"{text}, found {list(control.values)}")
    return values


def _range(name: str, control: Control, least: float, most: float) -> tuple[float, float]:
    """The range of a control, by default that of the environment."""
    if control.values:
        text = "actions are numbers from a range: give `low` and `high` in its place"
        raise SettingError(("controls", name, "values"), text)
    low = least if control.low is None else control.low
    high = most if control.high is None else control.high
    for key, bound in (("low", low), ("high", high)):
        if not np.isfinite(bound):
            raise SettingError(
                ("controls", name, key), "missing, the environment has no such bound"
            )
        if not least <= bound <= most:
            text = f"expected a number within the environment's {least:g} to {most:g}"
            raise SettingError(("controls", name, key), f"{text}, found {bound:g}")
    if not low < high:
        text = f"expected more than `low`, which is {low:g}"
        raise SettingError(("controls", name, "high"), f"{text}, found {high:g}")
    return low, high
