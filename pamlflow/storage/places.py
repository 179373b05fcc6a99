"""Where the files of a study belong: from a path to what it says, and back."""

import os
import re
from pathlib import Path
from typing import NamedTuple, Self

from pamlflow.names import INITIAL, ORACLE
from pamlflow.storage.schemas import SCHEMAS

_NUMBERED = ("trial", "round")


class Place(NamedTuple):
    """What the path of a file says: the folder of the study, its schema, and whose file it is."""

    root: str
    schema: str
    experiment: str
    strategy: str = ""
    trial: str = ""
    round: str = ""

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return what `path` says; None if no stage writes a file of such a name."""
        for schema, pattern in _PATTERNS.items():
            if found := pattern.fullmatch(os.path.abspath(path)):
                return cls(schema=schema, **found.groupdict())
        return None

    @property
    def path(self) -> Path:
        """The path that says this, as `plain` writes it."""
        return plain(Path(self.root, SCHEMAS[self.schema].location.format(**self._asdict())))

    @property
    def number(self) -> int:
        """The round as a number, 0 where there is none."""
        return int(self.round or 0)

    @property
    def has_one_round(self) -> bool:
        """Whether its folder holds round 00 alone, which chooses no task."""
        return self.strategy in (INITIAL, ORACLE)

    def at(self, number: int) -> Self:
        """Another round of the same trial; round 0 is the same for all strategies but the oracle."""
        strategy = self.strategy if number or self.has_one_round else INITIAL
        return self._replace(schema="round", strategy=strategy, round=f"{number:02d}")

    def before(self) -> Self:
        """What a round goes on from: the round before, or the tasks that it starts with."""
        if self.number:
            return self.at(self.number - 1)
        return self._replace(schema="test_tasks" if self.strategy == ORACLE else "initial_tasks")


def plain(path: Path) -> Path:
    """Return the one way to write a path: relative to the working folder, without detours.

    Symbolic links are kept, since files name their parents as Snakemake names them.
    """
    return Path(os.path.relpath(path))


def study_of(path: Path) -> Path | None:
    """Return the folder of the study that `path` belongs to; None if no stage writes such a file."""
    absolute = os.path.abspath(path)
    patterns = [*_PATTERNS.values(), _TABLE]
    found = next((match for each in patterns if (match := each.fullmatch(absolute))), None)
    return Path(found["root"] or "/") if found else None


def _pattern(location: str) -> re.Pattern[str]:
    """The paths of files at `location`, such as `data/{experiment}/test_tasks.h5`, in any study."""

    def wildcard(found: re.Match[str]) -> str:
        characters = "[0-9]{2}" if found[1] in _NUMBERED else "[^/]+"
        return f"(?P<{found[1]}>{characters})"

    return re.compile("(?P<root>(?s:.*))/" + re.sub(r"\\{(\w+)\\}", wildcard, re.escape(location)))


_PATTERNS = {schema.name: _pattern(schema.location) for schema in SCHEMAS.values()}

_TABLE = _pattern("results/{experiment}/{table}.csv")
