"""Typed sections of a configuration, which refuse invalid values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from types import NoneType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Self,
    TypeGuard,
    get_args,
    get_origin,
    get_type_hints,
)

from pamlflow.wording import Key, Problem, nearest

WORLD_KEYS = (
    "domain",
    "options",
    "simulation",
    "descriptors",
    "space",
    "failed_tasks",
    "fixed",
    "test_tasks",
)

RUN_DEFAULTS: dict[str, Any] = {"excitation": "shared", "runs": 1}
"""The keys of `simulation` that say how tasks are run; the domain gets the others."""


def is_recorded(experiment: Mapping[str, Any]) -> bool:
    """Whether the tasks of an experiment were recorded: then so many of them are test tasks."""
    return "test_tasks" in experiment


def has_pool(experiment: Mapping[str, Any]) -> bool:
    """Whether tasks are chosen from a pool, as recorded ones always are."""
    return "pool" in experiment or is_recorded(experiment)


def world_settings(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of an experiment that determine its tasks: those of `pamlflow.world.World`.

    Without options where there are none, without a simulation of recorded tasks, and without how tasks are
    run where that is the default: files that do not say it stay valid.
    """
    settings = {key: experiment[key] for key in WORLD_KEYS if key in experiment}
    if not settings.get("options", True):
        del settings["options"]
    if is_recorded(settings):
        settings.pop("simulation", None)  # nothing is
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


class SettingError(ValueError):
    """A setting is unknown or means nothing; `key` is where it stands in its section."""

    def __init__(self, key: Key, text: str) -> None:
        super().__init__(f"{'.'.join(map(str, key))}: {text}" if key else text)
        self.key, self.text = key, text


def problem_in(section: Key, error: ValueError) -> Problem:
    """Return the key below `section` that an error names, and what is wrong with it."""
    if isinstance(error, SettingError):
        return (*section, *error.key), error.text
    return section, str(error)


@dataclass(frozen=True)
class Settings:
    """The base class of all sections: it checks values, and converts numbers to int and float.

    A field is `Annotated[int, Bounds(1, 8)]`, a plain number or text, a choice (`Literal`), other settings, or
    a value, a number, a text or settings for each of some names (`Mapping[str, ...]`).
    Raises ValueError for invalid values.
    """

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> Self:
        """Return the settings of a section, whose subsections are mappings or omitted.

        Raises SettingError, a ValueError, when a key is unknown, or a value means nothing.
        """
        return cls(**_read(cls, section))

    def for_tasks(self, varying: int) -> Self:
        """Return the settings for a model of tasks with `varying` parameters."""
        return self

    def changed(self, section: Mapping[str, Any]) -> Self:
        """Return these settings with those of a config section in their place; raises as `from_config`."""
        return replace(self, **_read(type(self), section))

    @classmethod
    def names(cls) -> frozenset[str]:
        """Return the names of the settings."""
        return frozenset(get_type_hints(cls))

    def to_config(self) -> dict[str, Any]:
        """Return the section that `from_config` makes these settings from, with all of its keys."""
        return {name: _as_config(getattr(self, name)) for name in get_type_hints(type(self))}

    def described(self, within: str = "") -> list[tuple[str, str, str]]:
        """Return name, possible values and value of each setting, as Markdown; those of a section follow it."""
        rows = []
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            if isinstance(value, Settings):
                rows += value.described(f"{within}{name}.")
                continue
            rows.append((f"`{within}{name}`", _said(hint), _default(value)))
            if get_origin(hint) is Mapping and _is_section(get_args(hint)[1]):
                rows += get_args(hint)[1]().described(f"{within}{name}.<name>.")
        return rows

    def __post_init__(self) -> None:
        """Raise SettingError unless names are known, kinds right and numbers within their bounds."""
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            kind, bounds = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, None)
            if get_origin(kind) is Literal:
                if value not in get_args(kind):
                    text = " or ".join(f'"{one}"' for one in get_args(kind))
                    raise SettingError((name,), f"expected {text}, found {value!r}")
            elif get_origin(kind) is Mapping:
                _check_names(name, get_args(kind)[1], value)
            elif {int, float} & {kind, *get_args(kind)} and get_origin(kind) is not tuple:
                number = _number(name, kind, bounds or ANY_NUMBER, value)
                object.__setattr__(self, name, number)
            elif isinstance(kind, type) and not isinstance(value, kind):
                made = f"{kind.__name__}(...)" if issubclass(kind, Settings) else kind.__name__
                raise SettingError((name,), f"expected {made}, found {value!r}")


def _read(kind: type[Settings], section: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in a config section; SettingError where there is no such setting."""
    hints = get_type_hints(kind)
    for name in section.keys() - hints.keys():
        text = f"unknown key{nearest(str(name), hints)}"
        raise SettingError((name,), f"{text} (known here: {', '.join(hints) or 'none'})")
    return {name: _made(name, hints[name], value) for name, value in section.items()}


def _made(name: str, kind: Any, value: Any) -> Any:
    """The value of a setting, of which a section is made into the settings that it stands for."""
    if not isinstance(value, Mapping):
        return value
    try:
        if get_origin(kind) is Mapping:
            return {key: _made(key, get_args(kind)[1], each) for key, each in value.items()}
        return kind.from_config(value) if _is_section(kind) else value
    except ValueError as error:
        raise SettingError(*problem_in((name,), error)) from error


def _is_section(kind: Any) -> TypeGuard[type[Settings]]:
    return isinstance(kind, type) and issubclass(kind, Settings)


def _check_names(name: str, kind: Any, value: Any) -> None:
    """SettingError unless `value` has one of this kind, or anything if that is Any, under each of its names."""
    if not isinstance(value, Mapping):
        raise SettingError((name,), f"expected {_names_of(kind)}, found {value!r}")
    for key, each in value.items():
        if not isinstance(key, str):
            raise SettingError((name, str(key)), f"expected a name, found {key!r}")
        if kind is float:
            _number(key, kind, ANY_NUMBER, each, within=(name,))
        elif kind is not Any and not isinstance(each, kind):
            expected = "a text" if kind is str else _keys_of(kind)
            raise SettingError((name, key), f"expected {expected}, found {each!r}")


def _names_of(kind: Any) -> str:
    """What a field of names holds, in words."""
    if kind is Any:
        return "names, each with a value"
    each = {float: "a number", str: "a text"}.get(kind) or _keys_of(kind)
    return f"names, each with {each}"


def _keys_of(kind: type[Settings]) -> str:
    return f"some of the keys {', '.join(get_type_hints(kind))}"


def _as_config(value: Any) -> Any:
    """A value of a setting as a config section has it."""
    if isinstance(value, Mapping):
        return {key: _as_config(each) for key, each in value.items()}
    return value.to_config() if isinstance(value, Settings) else value


def _said(hint: Any) -> str:
    """Return the allowed values of a setting in words."""
    kind, bounds = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, ANY_NUMBER)
    if get_origin(kind) is Literal:
        return " or ".join(f'"{one}"' for one in get_args(kind))
    if get_origin(kind) is Mapping:
        each = get_args(kind)[1]
        return "a section for each name" if _is_section(each) else _names_of(each)
    if get_origin(kind) is tuple:
        return f"a list, each {_said(get_args(kind)[0])}"
    if not {int, float} & {kind, *get_args(kind)}:
        words = {str: "a text", bool: "true or false"}
        return str(words.get(kind) or getattr(kind, "__name__", kind))
    number = "whole number" if int in (kind, *get_args(kind)) else "number"
    return f"a {number}{_limits(bounds)}"


def _default(value: Any) -> str:
    """A default as a configuration has it, in Markdown; nothing where it is nothing."""
    if value is None or value in ("", ()) or value == {}:
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _limits(bounds: Bounds) -> str:
    return "" if bounds == ANY_NUMBER else f" from {bounds.minimum:g} to {bounds.maximum:g}"


def _number(
    name: str, kind: Any, bounds: Bounds, value: Any, within: Key = ()
) -> int | float | None:
    """`value` as a number of this kind; SettingError unless it is one, within the bounds."""
    if value is None and NoneType in get_args(kind):
        return None
    is_whole = int in (kind, *get_args(kind))
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if is_whole and is_number:  # 1e3 in a file is a whole number
        is_number = isinstance(value, Integral) or float(value).is_integer()
    if not (is_number and bounds.minimum <= value <= bounds.maximum):
        number = "whole number" if is_whole else "number"
        raise SettingError(
            (*within, name), f"expected a {number}{_limits(bounds)}, found {value!r}"
        )
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
            text = f"expected a list of names, found {self.protocols!r}"
            raise SettingError(("protocols",), text)
        object.__setattr__(self, "protocols", tuple(self.protocols))
