"""Typed sections of a configuration, which refuse invalid values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_origin, get_type_hints

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

    A field is `Annotated[int, Bounds(1, 8)]`, a plain number or text, a choice (`Literal`), a list of texts
    or numbers (`tuple[str, ...]`), other settings, or numbers, texts, settings or any values (`object`) by
    name (`Mapping[str, float]`). Any other kind of value is `Annotated[kind, "what it is in words"]`, which
    the class checks by itself. Raises ValueError for invalid values.
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

    def files(self) -> Mapping[str, Path]:
        """Return the files, and the folders of files, that are read with these settings, by name.

        Names are those in files and messages, such as relative paths. What is made with the settings depends
        on the content of these files, too. Raises SettingError where it cannot be told which they are.
        """
        return {}

    @classmethod
    def names(cls) -> frozenset[str]:
        """Return the names of the settings."""
        return frozenset(get_type_hints(cls))

    def to_config(self) -> dict[str, Any]:
        """Return the section that `from_config` makes these settings from, with all of its keys."""
        return {
            name: _config_of(getattr(self, name))
            for name in get_type_hints(type(self))  # in order
        }

    def described(self, section: str = "") -> list[tuple[str, str, str]]:
        """Return name, possible values and value of each setting below `section`, as Markdown."""
        rows = []
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value, entries = getattr(self, name), _entries_of(hint)
            if isinstance(value, Settings):
                rows += value.described(f"{section}{name}.")
            elif entries and issubclass(entries, Settings):
                rows += entries().described(f"{section}{name}.<name>.")
            else:
                is_json = value is None or isinstance(value, tuple | bool)
                written = json.dumps(value) if is_json else value
                default = "" if value in ("", (), {}) else f"`{written}`"
                rows.append((f"`{section}{name}`", _said(hint), default))
        return rows

    def __post_init__(self) -> None:
        """Raise SettingError unless names are known, kinds right and numbers within their bounds."""
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            kind, bounds = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, None)
            if isinstance(bounds, str):
                continue
            if get_origin(kind) is Literal:
                if value not in get_args(kind):
                    text = " or ".join(f'"{one}"' for one in get_args(kind))
                    raise SettingError((name,), f"expected {text}, found {value!r}")
            elif get_origin(kind) is tuple:
                object.__setattr__(self, name, _listed(name, get_args(kind)[0], value))
            elif entries := _entries_of(kind):
                object.__setattr__(self, name, _by_name(name, entries, value))
            elif {int, float} & {kind, *get_args(kind)}:
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
    if isinstance(value, Mapping) and (entries := _entries_of(kind)):
        try:
            return {each: _made(str(each), entries, section) for each, section in value.items()}
        except SettingError as error:
            raise SettingError(*problem_in((name,), error)) from error
    if not (isinstance(value, Mapping) and isinstance(kind, type) and issubclass(kind, Settings)):
        return value
    try:
        return kind.from_config(value)
    except ValueError as error:
        raise SettingError(*problem_in((name,), error)) from error


def _config_of(value: Any) -> Any:
    """Return what a configuration says for a value."""
    if isinstance(value, Mapping):
        return {name: _config_of(each) for name, each in value.items()}
    return value.to_config() if isinstance(value, Settings) else value


_BY_NAME: Mapping[Any, str] = {float: "numbers", str: "texts", object: "values"}
_LISTS: Mapping[Any, str] = {float: "numbers", str: "names"}


def _entries_of(kind: Any) -> type | None:
    """The kind of the entries of a mapping from names, one of those in `_BY_NAME` or settings; or None."""
    entries = get_args(kind)[1] if get_origin(kind) is Mapping else None
    is_known = entries in _BY_NAME or (isinstance(entries, type) and issubclass(entries, Settings))
    return entries if is_known else None


def _listed(name: str, kind: type, value: Any) -> tuple[Any, ...]:
    """`value`, a list of texts or numbers in a config file, as a tuple; SettingError unless it is one."""
    if isinstance(value, list | tuple):
        if kind is str and all(isinstance(each, str) for each in value):
            return tuple(value)
        if kind is float and all(_is_number(each) for each in value):
            return tuple(map(float, value))
    raise SettingError((name,), f"expected a list of {_LISTS[kind]}, found {value!r}")


def _by_name(name: str, entries: type, value: Any) -> dict[str, Any]:
    """`value`, entries of this kind by name, as a dict; SettingError unless it is that."""
    if not isinstance(value, Mapping):
        raise SettingError((name,), f"expected a section of names, found {value!r}")
    if entries is float:
        try:
            return {each: _number(each, float, ANY_NUMBER, it) for each, it in value.items()}
        except SettingError as error:
            raise SettingError(*problem_in((name,), error)) from error
    for each, it in value.items():
        if not isinstance(it, entries):
            expected = "a text" if entries is str else "a section of keys"
            raise SettingError((name, str(each)), f"expected {expected}, found {it!r}")
    return dict(value)


def _said(hint: Any) -> str:
    """Return the allowed values of a setting in words."""
    kind, bounds = get_args(hint)[:2] if get_origin(hint) is Annotated else (hint, ANY_NUMBER)
    if isinstance(bounds, str):
        return bounds
    if get_origin(kind) is Literal:
        return " or ".join(f'"{one}"' for one in get_args(kind))
    if get_origin(kind) is tuple:
        return f"a list of {_LISTS[get_args(kind)[0]]}"
    if entries := _entries_of(kind):
        return f"{_BY_NAME[entries]} by name"
    if kind in (str, bool):
        return "a text" if kind is str else "true or false"
    if not {int, float} & {kind, *get_args(kind)}:
        return getattr(kind, "__name__", str(kind))
    number = "whole number" if int in (kind, *get_args(kind)) else "number"
    return f"a {number}{_limits(bounds)}"


def _limits(bounds: Bounds) -> str:
    return "" if bounds == ANY_NUMBER else f" from {bounds.minimum:g} to {bounds.maximum:g}"


def _number(name: str, kind: Any, bounds: Bounds, value: Any) -> int | float | None:
    """`value` as a number of this kind; SettingError unless it is one, within the bounds."""
    if value is None and NoneType in get_args(kind):
        return None
    is_whole = int in (kind, *get_args(kind))
    is_number = _is_number(value)
    if is_whole and is_number:  # 1e3 in a file is a whole number
        is_number = isinstance(value, Integral) or float(value).is_integer()
    if not (is_number and bounds.minimum <= value <= bounds.maximum):
        number = "whole number" if is_whole else "number"
        raise SettingError((name,), f"expected a {number}{_limits(bounds)}, found {value!r}")
    return int(value) if is_whole else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class InferenceSettings(Settings):
    """Section `inference`: how q(h*) of a test task is inferred, and which protocols are scored."""

    objective: Literal["predictive", "elbo"] = "predictive"
    protocols: tuple[str, ...] = ("paper", "few_shot_0", "few_shot_20")
