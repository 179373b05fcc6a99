"""What a log holds: its columns of state, angle, control and time, and how transitions are made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pamlflow.domains.base import change_of, cosine_and_sine
from pamlflow.settings import Bounds, SettingError, Settings, problem_in
from pamlflow.tasks import Variable
from pamlflow.wording import shown

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""The length in s of each unit of time."""

SECTIONS = ("states", "angles", "controls")
Times = Annotated[float | None, Bounds(1e-9, 1e9)]
Names = Annotated[tuple[str, ...], "a list of columns"]
Name = Annotated[str | None, "a column"]
Section = Annotated[Mapping[str, Any], "columns and their units, such as `{rate: rad/s}`"]


@dataclass(frozen=True)
class Column(Settings):
    """Where a variable is found, and its unit; a column without a name has that of the variable."""

    unit: str = "1"
    column: str | None = None

    def __post_init__(self) -> None:
        """Check the name of the column, too."""
        super().__post_init__()
        _require_name("column", self.column)


@dataclass(frozen=True)
class AngleColumn(Column):
    """An angle, which `wraps` at the end of a turn unless its record counts turns."""

    unit: Literal["rad", "deg"] = "rad"
    wraps: bool = True


@dataclass(frozen=True)
class LogFormat(Settings):
    """The columns of a log, and how transitions are made of its rows.

    `states`, `angles` and `controls` map the name of each variable to its unit, or to a section of `unit`
    and `column` where the column has another name, and for an angle `wraps`. A control acts from its row to
    the next one. Rows are told apart by a column of `time`, or are `record_step` seconds apart.

    Transitions are `time_step` seconds long; by default as long as it takes from row to row. With
    `resampling` "thin", each n-th row is taken; with "linear", states are on straight lines between rows.
    Either way a control is averaged over the step. No transition leads across a gap of time, which by default
    is one of 1.5 times what it takes from row to row; from one `episode` to another; into a row where one of
    `starts` is true, or out of a row where one of `ends` is true; nor across a row without a value, if
    `missing` is "split". Of a run with more than `most_transitions`, so many are kept, evenly spread.

    Raises SettingError, a ValueError, when a setting means nothing.
    """

    states: Section = field(default_factory=dict)
    angles: Section = field(default_factory=dict)
    controls: Section = field(default_factory=dict)
    time: Name = None
    time_unit: Literal["s", "ms", "us", "ns"] = "s"
    record_step: Times = None
    time_step: Times = None
    resampling: Literal["thin", "linear"] = "thin"
    longest_gap: Times = None
    missing: Literal["refuse", "split"] = "refuse"
    episode: Name = None
    starts: Names = ()
    ends: Names = ()
    most_transitions: Annotated[int | None, Bounds(1, 1_000_000)] = None

    def __post_init__(self) -> None:
        """Check names and sections, too."""
        super().__post_init__()
        for name in ("time", "episode"):
            _require_name(name, getattr(self, name))
        for name in ("starts", "ends"):
            object.__setattr__(self, name, _names(name, getattr(self, name)))
        for section in SECTIONS:
            require_section(section, getattr(self, section), "{rate: rad/s}")
        named: dict[str, tuple[str, str]] = {}
        placed: dict[str, tuple[str, str]] = {}
        for section, name, column in self.entries():
            for known, key in ((named, name), (placed, column.column or name)):
                if key in known:
                    text = f"'{key}' is used by {'.'.join(known[key])}, too; keep one of them"
                    raise SettingError((section, name), text)
                known[key] = (section, name)
        if self.time and self.record_step:
            text = f"rows are told apart by the column '{self.time}' of `time`; keep one of the two"
            raise SettingError(("record_step",), text)

    def require_complete(self) -> None:
        """Raise SettingError unless there is a state, and something that tells when each row was recorded."""
        if not self.states and not self.angles:
            text = "missing, expected columns and their units, such as {rate: rad/s}, here or in `angles`"
            raise SettingError(("states",), text)
        if not self.time and not self.record_step:
            text = "missing, expected the column of time, or the seconds from row to row as `record_step`"
            raise SettingError(("time",), text)

    def entries(self) -> Iterator[tuple[str, str, Column]]:
        """Yield the section, the name and the column of each variable."""
        for section in SECTIONS:
            for name, column in self._columns(section).items():
                yield section, name, column

    @property
    def state_columns(self) -> dict[str, Column]:
        """The columns of the states that are no angles, by variable."""
        return self._columns("states")

    @property
    def angle_columns(self) -> dict[str, AngleColumn]:
        """The columns of angles, by variable."""
        return {n: c for n, c in self._columns("angles").items() if isinstance(c, AngleColumn)}

    @property
    def control_columns(self) -> dict[str, Column]:
        """The columns of controls, by variable."""
        return self._columns("controls")

    @property
    def columns(self) -> list[str]:
        """All columns that are read."""
        others = (self.time, self.episode, *self.starts, *self.ends)
        found = [column.column or name for _, name, column in self.entries()]
        return list(dict.fromkeys([*found, *(name for name in others if name)]))

    @property
    def input_variables(self) -> tuple[Variable, ...]:
        """The states, each angle as cosine and sine, then the controls."""
        states = [Variable(name, column.unit) for name, column in self.state_columns.items()]
        angles = [variable for name in self.angles for variable in cosine_and_sine(name)]
        controls = [Variable(name, column.unit) for name, column in self.control_columns.items()]
        return (*states, *angles, *controls)

    @property
    def output_variables(self) -> tuple[Variable, ...]:
        """The change of each state and of each angle, in rad."""
        states = [Variable(name, column.unit) for name, column in self.state_columns.items()]
        angles = [Variable(name, "rad") for name in self.angles]
        return tuple(map(change_of, (*states, *angles)))

    def _columns(self, section: str) -> dict[str, Column]:
        kind = AngleColumn if section == "angles" else Column
        return columns_of_section(section, getattr(self, section), kind)


def require_section(name: str, found: object, such: str) -> None:
    """Raise SettingError unless a setting maps names to something."""
    if not isinstance(found, Mapping):
        text = f"expected names of variables with a unit each, such as {such}, found {shown(found)}"
        raise SettingError((name,), text)
    for key in found:
        if not isinstance(key, str) or not key.strip() or not key.isprintable():
            raise SettingError((name, str(key)), f"expected the name of a variable, found {key!r}")


def columns_of_section(
    name: str, section: Mapping[str, Any], kind: type[Column]
) -> dict[str, Column]:
    """Return the columns of a section, each given by its unit or by a section of its own.

    Raises SettingError when one of them means nothing.
    """
    columns = {}
    for key, entry in section.items():
        if not isinstance(entry, str | Mapping):
            text = 'expected a unit ("1" where there is none), or a section of `unit` and `column`'
            raise SettingError((name, key), f"{text}, found {shown(entry)}")
        try:
            given = {"unit": entry} if isinstance(entry, str) else entry
            columns[key] = kind.from_config(given)
        except ValueError as error:
            place, text = problem_in((name, key), error)
            raise SettingError(place[:2] if isinstance(entry, str) else place, text) from error
    return columns


def _require_name(key: str, found: object) -> None:
    if found is not None and (not isinstance(found, str) or not found):
        raise SettingError((key,), f"expected the name of a column, found {shown(found)}")


def _names(key: str, found: object) -> tuple[str, ...]:
    """A list of names, or one, as a tuple."""
    names = [found] if isinstance(found, str) else found
    if not isinstance(names, list | tuple):
        raise SettingError((key,), f"expected a list of columns, found {shown(found)}")
    for name in names:
        _require_name(key, name if name is not None else "")
    return tuple(names)
