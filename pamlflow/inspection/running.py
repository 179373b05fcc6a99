"""What a study that is still running has not made yet."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from pamlflow.storage.places import plain

_TEMPORARY_TAIL = r"\.[0-9a-f]{32}\.tmp"


def being_made(folders: Iterable[Path]) -> set[Path]:
    """Return the files that a Snakemake is to make in the studies that `folders` are parts of.

    It lists them in a lock when it begins, which it removes at its end; one that was killed leaves it.
    """
    paths = [Path(os.path.abspath(folder)) for folder in folders]
    above = {parent for path in paths for parent in (path, *path.parents)}
    studies = [path for path in above if os.path.isdir(path / ".snakemake" / "locks")]
    made = set()
    for study in studies:
        for lock in (study / ".snakemake" / "locks").glob("*.output.lock"):
            try:
                names = lock.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
            except OSError:  # it ended just now, or is somebody else's
                continue
            made |= {plain(study / name) for name in names if name}
    return made


def is_awaited(path: Path, made: set[Path]) -> bool:
    """Whether `path` is among what is `made`, the unfinished file of one, or a folder for some."""
    whole = re.sub(_TEMPORARY_TAIL, "", path.name.removeprefix("."))
    return (
        path in made or path.with_name(whole) in made or any(path in each.parents for each in made)
    )
