"""What a configuration says of an MJCF file: which one, what varies, is seen, is driven, and how it starts."""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import mujoco

from pamlflow.domains.policies import HELD, Policy
from pamlflow.settings import SettingError, Settings
from pamlflow.wording import nearest


@dataclass(frozen=True)
class Parameter(Settings):
    """What a parameter changes in the file: it `sets` numbers, or `scales` those that the file has.

    Both name targets such as `body:arm.mass`, each with a factor of its own: a target is set to, or
    multiplied by, factor times parameter. A text or a list of texts stands for factors of 1.
    """

    unit: str = "1"
    sets: Mapping[str, float] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write out texts and lists."""
        for name in ("sets", "scales"):
            value = getattr(self, name)
            if isinstance(value, str):
                value = [value]
            if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
                object.__setattr__(self, name, dict.fromkeys(value, 1.0))
            elif not isinstance(value, Mapping):
                text = "expected targets such as body:arm.mass, or a factor for each of them, found"
                raise SettingError((name,), f"{text} {value!r}")
        super().__post_init__()


@dataclass(frozen=True)
class Control(Settings):
    """The control of an actuator: its unit, and its range, by default the `ctrlrange` of the file."""

    unit: str = "1"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Start(Settings):
    """Where tasks start: at a `keyframe` of the file, or at rest, with the `positions` of some joints.

    Positions are in rad and m.
    """

    keyframe: str = ""
    positions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MjcfOptions(Settings):
    """The options of the domain `mjcf`.

    `file` is relative to the working directory of the run, or to the folder of an installed `package`.
    `controls` are those of the actuators that are driven, by name or pattern; by default all are.
    """

    file: str = ""
    package: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    observed: tuple[str, ...] = ("joint:*", "actuator:*")
    controls: Mapping[str, Control] = field(default_factory=dict)
    policy: Policy = HELD
    start: Start = Start()

    @property
    def path(self) -> Path:
        """The MJCF file. Raises SettingError where there is none."""
        if not self.file:
            text = "missing, expected an MJCF file, relative to the working directory"
            raise SettingError(("file",), f"{text}, or to the folder of a `package`")
        folder = _folder(self.package) if self.package else Path.cwd()
        path = folder / self.file
        if not path.is_file():
            there = [str(each.relative_to(folder)) for each in sorted(path.parent.glob("*.xml"))]
            text = f"no such file: {path}{nearest(self.file, there)}"
            raise SettingError(("file",), text)
        return path

    def files(self) -> Mapping[str, Path]:
        """Return the file, and those that it includes and needs, by their paths from its folder."""
        path = self.path
        try:
            found = [Path(name) for name in mujoco.mju_getXMLDependencies(os.fspath(path))]
        except mujoco.FatalError as error:
            raise SettingError(("file",), f"{path}: {' '.join(str(error).split())}") from error
        missing = [each for each in found if not each.is_file()]
        if missing:
            text = f"{path}: needs {missing[0]}, and there is no such file"
            raise SettingError(("file",), text)
        return {Path(os.path.relpath(each, path.parent)).as_posix(): each for each in found}


NOTHING_SAID = MjcfOptions()


def _folder(package: str) -> Path:
    """The folder of an installed package, which is not imported; SettingError where there is none."""
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.submodule_search_locations:
        text = f"no package '{package}' is installed here"
        raise SettingError(("package",), f"{text}; install it: pip install {package}")
    return Path(next(iter(found.submodule_search_locations)))
