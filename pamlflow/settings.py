"""Typed sections of a configuration, which refuse invalid values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_origin, get_type_hints

from pamlflow.wording import nearest

WORLD_KEYS = ("domain", "simulation", "descriptors", "space", "failed_tasks", "fixed")


RUN_DEFAULTS: dict[str, Any] = {"excitation": "shared", "runs": 1}
"""The keys of `simulation` that say how tasks are run; the domain gets the others."""


def world_settings(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an experiment that determine its tasks: those of `pamlflow.world.World`.

    Defaults of RUN_DEFAULTS are omitted, so files without these keys stay valid.
    """
    settings = {key: experiment[key] for key in WORLD_KEYS if key in experiment}
    if "simulation" in settings:
        section = settings["simulation"]
        settings["simulation"] = {
            key: value
            for key, value in section.items()
            if key not in RUN_DEFAULTS or value != RUN_DEFAULTS[key]
        }
    return settings


def whole_number(name: str, value: object, least: int = 1, most: int | None = None) -> int:
    """Return `value`, which may be an integer of NumPy, as an int.

    Raises TypeError if it is not an integer (2.0 and True are not), and ValueError if it is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}: expected a whole number, found {value!r}")
    number = int(value)
    if number < least or (most is not None and number > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name}: expected a whole number {bounds}, found {number}")
    return number


class Bounds(NamedTuple):
    """The smallest and the largest value of a setting; the schema of a study has the same."""

    minimum: float
    maximum: float


ANY_NUMBER = Bounds(-math.inf, math.inf)


@dataclass(frozen=True)
class Settings:
    """The base class of all sections: it checks values, and converts numbers to int and float.

    A field is `Annotated[int, Bounds(1, 8)]`, a plain number or text, a choice (`Literal`), or other settings.
    Raises ValueError for invalid values.
    """

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> Self:
        """Return the settings of a section, whose subsections are mappings or omitted.

        Raises ValueError for an unknown key or an invalid value.
        """
        hints = get_type_hints(cls)
        for name in section.keys() - hints.keys():
            text = f"{name}: unknown key{nearest(str(name), hints)}"
            raise ValueError(f"{text} (known here: {', '.join(hints) or 'none'})")
        made = {
            name: hints[name].from_config(value) if isinstance(value, Mapping) else value
            for name, value in section.items()
        }
        return cls(**made)

    def for_tasks(self, varying: int) -> Self:
        """Return the settings for a model of tasks with `varying` parameters."""
        return self

    @classmethod
    def described(cls) -> list[tuple[str, str, str]]:
        """Return name, possible values and default of each setting, as Markdown."""
        hints = get_type_hints(cls, include_extras=True)
        return [
            (f"`{name}`", _said(hint), f"`{getattr(cls, name)}`") for name, hint in hints.items()
        ]

    def __post_init__(self) -> None:
        """Raise ValueError unless names are known, kinds right and numbers within their bounds."""
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            kind, bounds = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, None)
            if get_origin(kind) is Literal:
                if value not in get_args(kind):
                    text = " or ".join(f'"{one}"' for one in get_args(kind))
                    raise ValueError(f"{name}: expected {text}, found {value!r}")
            elif {int, float} & {kind, *get_args(kind)} and get_origin(kind) is not tuple:
                number = _number(name, kind, bounds or ANY_NUMBER, value)
                object.__setattr__(self, name, number)
            elif isinstance(kind, type) and not isinstance(value, kind):
                made = f"{kind.__name__}(...)" if issubclass(kind, Settings) else kind.__name__
                raise ValueError(f"{name}: expected {made}, found {value!r}")


def _said(hint: Any) -> str:
    """Return the allowed values of a setting in words."""
    kind, bounds = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, ANY_NUMBER)
    if get_origin(kind) is Literal:
        return " or ".join(f'"{one}"' for one in get_args(kind))
    if not {int, float} & {kind, *get_args(kind)}:
        return getattr(kind, "__name__", str(kind))
    number = "whole number" if int in (kind, *get_args(kind)) else "number"
    return f"a {number}{_limits(bounds)}"


def _limits(bounds: Bounds) -> str:
    return "" if bounds == ANY_NUMBER else f" from {bounds.minimum:g} to {bounds.maximum:g}"


def _number(name: str, kind: Any, bounds: Bounds, value: Any) -> int | float | None:
    """Return `value` as a number of this type. Raises ValueError for another type or out of bounds."""
    if value is None and NoneType in get_args(kind):
        return None
    is_whole = int in (kind, *get_args(kind))
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if is_whole and is_number:  # 1e3 in a file is a whole number
        is_number = isinstance(value, Integral) or float(value).is_integer()
    if not (is_number and bounds.minimum <= value <= bounds.maximum):
        number = "whole number" if is_whole else "number"
        raise ValueError(f"{name}: expected a {number}{_limits(bounds)}, found {value!r}")
    return int(value) if is_whole else float(value)


@dataclass(frozen=True)
class InferenceSettings(Settings):
    """Section `inference`: how q(h*) of a test task is inferred, and which protocols are scored."""

    objective: Literal["predictive", "elbo"] = "predictive"
    protocols: tuple[str, ...] = ("paper", "few_shot_0", "few_shot_20")

    def __post_init__(self) -> None:
        """Turn the list of a config file into a tuple."""
        super().__post_init__()
        if isinstance(self.protocols, str):
            raise ValueError(f"protocols: expected a list of names, found {self.protocols!r}")
        object.__setattr__(self, "protocols", tuple(self.protocols))
