"""The paths of the files of a study: what a path says of its file, and the path of a file."""

import os
import re
from pathlib import Path
from typing import NamedTuple, Self

from pamlflow.names import INITIAL, ORACLE
from pamlflow.storage.schemas import SCHEMAS

_NUMBERED = ("trial", "round")


class Place(NamedTuple):
    """What the path of a file says: the folder of the study, the schema, and whose file it is."""

    root: str
    schema: str
    experiment: str
    strategy: str = ""
    trial: str = ""
    round: str = ""

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """Return what `path` says; None if no stage writes a file of this name."""
        for schema, pattern in _PATTERNS.items():
            if found := pattern.fullmatch(os.path.abspath(path)):
                return cls(schema=schema, **found.groupdict())
        return None

    @property
    def path(self) -> Path:
        """The path, in the form of `plain`."""
        return plain(Path(self.root, SCHEMAS[self.schema].location.format(**self._asdict())))

    @property
    def number(self) -> int:
        """The number of the round, or 0 if there is none."""
        return int(self.round or 0)

    @property
    def has_one_round(self) -> bool:
        """Whether its folder has only round 00, in which no task was chosen."""
        return self.strategy in (INITIAL, ORACLE)

    def at(self, number: int) -> Self:
        """Return another round of the same trial; all strategies except the oracle share round 0."""
        strategy = self.strategy if number or self.has_one_round else INITIAL
        return self._replace(schema="round", strategy=strategy, round=f"{number:02d}")

    def before(self) -> Self:
        """Return the file that a round continues: the round before, or its initial or test tasks."""
        if self.number:
            return self.at(self.number - 1)
        return self._replace(schema="test_tasks" if self.strategy == ORACLE else "initial_tasks")


def plain(path: Path) -> Path:
    """Return the canonical form of a path: relative to the working folder, without `..` inside.

    Symbolic links are kept, since files name their parents as Snakemake does.
    """
    return Path(os.path.relpath(path))


def study_of(path: Path) -> Path | None:
    """Return the folder of the study that `path` belongs to; None if no stage writes such a file."""
    absolute = os.path.abspath(path)
    patterns = [*_PATTERNS.values(), _TABLE]
    found = next((match for each in patterns if (match := each.fullmatch(absolute))), None)
    return Path(found["root"] or "/") if found else None


def _pattern(location: str) -> re.Pattern[str]:
    """Return a pattern for paths at `location`, such as `data/{experiment}/test_tasks.h5`, in any study."""

    def wildcard(found: re.Match[str]) -> str:
        characters = "[0-9]{2}" if found[1] in _NUMBERED else "[^/]+"
        return f"(?P<{found[1]}>{characters})"

    return re.compile("(?P<root>(?s:.*))/" + re.sub(r"\\{(\w+)\\}", wildcard, re.escape(location)))


_PATTERNS = {schema.name: _pattern(schema.location) for schema in SCHEMAS.values()}

_TABLE = _pattern("results/{experiment}/{table}.csv")
