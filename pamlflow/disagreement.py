"""Find files of a study that disagree with the configuration, by the provenance that they record.

Snakemake keeps its own records in `.snakemake`, which are lost when a folder is copied or cleaned. The
provenance in the files remains.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from pamlflow.origins import Origin, origin
from pamlflow.storage import notes
from pamlflow.storage.notes import DamageError, Note
from pamlflow.storage.places import plain
from pamlflow.study import Study

READERS = 16
"""Number of threads that read files; on a network file system, reading is mostly waiting."""

NAMED = 5
"""Largest number of files named in a message."""

CLOCKS = 60.0
"""Tolerance in seconds between the clocks of machines that share a folder."""

UNSAID_VERSIONS = {"round": 8, "metrics": 5}
"""Versions of training and evaluation of files without a recorded version."""


class Disagreement(NamedTuple):
    """A file that disagrees with the configuration, the rule that makes it, and the reason.

    A `damaged` file has no readable provenance.
    """

    path: str
    rule: str
    reason: str
    damaged: bool = False


class Verdict(NamedTuple):
    """The files to be made again, and warnings for the user."""

    again: list[str]
    warnings: list[str]


def needed(study: Study, targets: Iterable[str] = ("all",)) -> dict[str, Origin]:
    """Return the origin of each of `targets` (files, or `all`) and of all files they are made from."""
    everything = [path for name in study.experiments for path in study.products(name)]
    everything += study.overviews()
    ahead = [
        str(plain(Path(path)))
        for target in targets
        for path in (everything if target == "all" else [target])
    ]
    found: dict[str, Origin] = {}
    while ahead:
        path = ahead.pop()
        made_from = None if path in found else origin(study, path)
        if made_from is not None:
            found[path] = made_from
            ahead += made_from.parents
    return dict(sorted(found.items()))


def disagreements(files: Mapping[str, Origin]) -> list[Disagreement]:
    """Return the `files` in the working folder that disagree with their origins.

    Missing files do not disagree. A file made from one that disagrees is listed only if it disagrees itself.
    """
    with ThreadPoolExecutor(READERS) as pool:
        says = dict(zip(files, pool.map(_says, files, files.values()), strict=True))
    known = {path: it.sha256 for path, it in says.items() if isinstance(it, Note)}
    return [
        Disagreement(path, files[path].rule, reason, isinstance(it, DamageError))
        for path, it in says.items()
        if (reason := _reason(it, files[path], known))
    ]


def judge(files: Mapping[str, Origin], allowed_rules: Collection[str] = ()) -> Verdict:
    """Return which `files` in the working folder are to be made again, and warnings about them.

    With `allowed_rules`, the files of other rules are kept. Damaged files are left for the user to examine,
    since a disk may be failing.
    """
    differ = "files that do not agree with the configuration"
    again = f"{differ}, to be made again with what follows from them"
    kept = f"{differ}, kept since --allowed-rules leaves them out"
    damaged = "damaged files; `pamlflow check results` says what to do"
    those: dict[str, list[Disagreement]] = {again: [], kept: [], damaged: []}
    for it in disagreements(files):
        allowed = not allowed_rules or it.rule in allowed_rules
        those[damaged if it.damaged else again if allowed else kept].append(it)
    warnings = [
        _listed(f"{head}: {len(found)}", [f"{it.path}: {it.reason}" for it in found])
        for head, found in those.items()
        if found
    ]
    if ahead := dated_ahead(files):
        warnings.append(ahead)
    return Verdict([it.path for it in those[again]], warnings)


def dated_ahead(files: Iterable[str]) -> str | None:
    """Return a warning about `files` dated ahead of the clock; None without such files.

    Snakemake compares dates, and remakes the files made from such a file in every run.
    """
    latest = time.time() + CLOCKS
    paths = [path for path in files if Path(path).exists() and Path(path).stat().st_mtime > latest]
    if not paths:
        return None
    remedy = "`snakemake --cores 1 --touch --forceall` (add your --configfile, if any)"
    head = (
        "files dated ahead of this machine's clock; until then, every run remakes the files made from them;"
        f" set the clock, or date all files again with {remedy}: {len(paths)}"
    )
    return _listed(head, paths)


def _listed(head: str, lines: list[str]) -> str:
    more = [f"... and {len(lines) - NAMED} more"] * (len(lines) > NAMED)
    return "\n    ".join([head, *lines[:NAMED], *more])


def _says(path: str, made_from: Origin) -> Note | OSError | ValueError:
    """Return the note of a file, or the error in reading it."""
    try:
        return notes.read(Path(path), made_from.schema)
    except (OSError, ValueError) as error:
        return error


def _reason(
    says: Note | OSError | ValueError, made_from: Origin, known: Mapping[str, str]
) -> str | None:
    """Return how a file disagrees with its origin; None if it agrees or is missing."""
    if isinstance(says, FileNotFoundError):
        return None
    if isinstance(says, Exception):
        return str(says)
    # Existing tasks did not fail, so nothing depends on the handling of failures.
    config = {key: value for key, value in says.config.items() if key != "failed_tasks"}
    if made_from.schema in UNSAID_VERSIONS:
        config.setdefault("version", UNSAID_VERSIONS[made_from.schema])
    if text := notes.difference(config, made_from.config):
        return text
    if text := notes.difference(says.seed, made_from.seed, "seed"):
        return text
    for parent in sorted(says.parents.keys() ^ set(made_from.parents)):
        had = "was not made from" if parent in made_from.parents else "was made from"
        return f"{had} {parent}"
    for parent, sha256 in sorted(says.parents.items()):
        if known.get(parent, sha256) != sha256:
            return f"was made from another {parent}"
    return None
