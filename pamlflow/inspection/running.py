"""The files that a running study is still to make."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from pamlflow.storage.places import plain

_TEMPORARY_TAIL = r"\.[0-9a-f]{32}\.tmp"


def being_made(folders: Iterable[Path]) -> set[Path]:
    """Return the files that a running Snakemake is to make in the studies that contain `folders`.

    Snakemake lists them in a lock file while it runs; a Snakemake that was killed leaves its lock.
    """
    paths = [Path(os.path.abspath(folder)) for folder in folders]
    above = {parent for path in paths for parent in (path, *path.parents)}
    studies = [path for path in above if os.path.isdir(path / ".snakemake" / "locks")]
    made = set()
    for study in studies:
        for lock in (study / ".snakemake" / "locks").glob("*.output.lock"):
            try:
                names = lock.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
            except OSError:  # the run has just ended, or the lock is not readable
                continue
            made |= {plain(study / name) for name in names if name}
    return made


def is_awaited(path: Path, made: set[Path]) -> bool:
    """Return whether `path` is one of the files `made`, its temporary file, or a folder above one."""
    whole = re.sub(_TEMPORARY_TAIL, "", path.name.removeprefix("."))
    return (
        path in made or path.with_name(whole) in made or any(path in each.parents for each in made)
    )
