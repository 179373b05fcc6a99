"""Which files of a study say that they were made from something else than the configuration asks for.

Snakemake knows what it gave a job from its own notes, in `.snakemake`. Those get lost when a folder is
copied or cleaned; the files remain, and say themselves what they were made from.
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
"""Threads that read files: on a network file system most of the time is waiting."""

NAMED = 5
"""Files that a message names."""

CLOCKS = 60.0
"""Seconds by which the clocks of the machines that share a folder may differ."""

UNSAID_VERSIONS = {"round": 8, "metrics": 5}
"""The versions of training and evaluation behind files that do not say theirs."""


class Disagreement(NamedTuple):
    """A file that does not agree with the configuration, the rule that makes it, and why.

    One that is damaged says nothing that could disagree.
    """

    path: str
    rule: str
    reason: str
    damaged: bool = False


class Verdict(NamedTuple):
    """The files that are to be made again, and what a user should know."""

    again: list[str]
    warnings: list[str]


def needed(study: Study, targets: Iterable[str] = ("all",)) -> dict[str, Origin]:
    """Return what each file is to be made from, of `targets`, files or `all`, and all that they come from."""
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
    """Return those of `files`, in the working folder, that disagree with what they are to be made from.

    A file that is not there cannot disagree. One that follows from such a file is not listed unless it
    disagrees itself.
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
    """Return what is to be made again of `files`, in the working folder, and what there is to say of them.

    Where `allowed_rules` are named, other rules keep their files. What is damaged is left for a user to
    look at: a disk may be failing.
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
    """Say which of `files` are dated ahead of the clock; None where there are none.

    Snakemake goes by dates, and makes what follows from such a file again in every run.
    """
    latest = time.time() + CLOCKS
    paths = [path for path in files if Path(path).exists() and Path(path).stat().st_mtime > latest]
    if not paths:
        return None
    remedy = "`snakemake --cores 1 --touch --forceall` (add your --configfile, if any)"
    head = (
        "files dated ahead of this machine's clock, so that what follows from them is made again in every"
        f" run until it gets there; set the clock, or date all files anew with {remedy}: {len(paths)}"
    )
    return _listed(head, paths)


def _listed(head: str, lines: list[str]) -> str:
    more = [f"... and {len(lines) - NAMED} more"] * (len(lines) > NAMED)
    return "\n    ".join([head, *lines[:NAMED], *more])


def _says(path: str, made_from: Origin) -> Note | OSError | ValueError:
    """What the file says, or what is wrong with that."""
    try:
        return notes.read(Path(path), made_from.schema)
    except (OSError, ValueError) as error:
        return error


def _reason(
    says: Note | OSError | ValueError, made_from: Origin, known: Mapping[str, str]
) -> str | None:
    """In what a file disagrees with what it is to be made from; None where it agrees or is not there."""
    if isinstance(says, FileNotFoundError):
        return None
    if isinstance(says, Exception):
        return str(says)
    # Tasks that exist did not fail, so nothing depends on what was to be done if they had.
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
