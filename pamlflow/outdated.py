"""Which files of a study say that they were made from something else than the configuration asks for.

Snakemake knows what it gave a job from its own notes, in `.snakemake`. Those get lost when a folder is
copied or cleaned; the files remain, and say themselves what they were made from.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from pamlflow.origins import Origin, origin
from pamlflow.storage import provenance
from pamlflow.storage.places import plain
from pamlflow.storage.provenance import Provenance
from pamlflow.study import Study

READERS = 16
"""Threads that read files: on a network file system most of the time is waiting."""

NAMED = 5
"""Files that a message names."""

CLOCKS = 60.0
"""Seconds by which the clocks of the machines that share a folder may differ."""

UNSAID_VERSIONS = {"round": 8, "metrics": 5}
"""The versions of training and evaluation behind files that do not say theirs."""


class Outdated(NamedTuple):
    """A file that is to be made anew, the rule that makes it, and why."""

    path: str
    rule: str
    reason: str


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


def outdated(files: Mapping[str, Origin]) -> list[Outdated]:
    """Return those of `files`, in the working folder, that disagree with what they are to be made from.

    A file that is not there cannot disagree. One that follows from an outdated file is not listed unless
    it disagrees itself.
    """
    with ThreadPoolExecutor(READERS) as pool:
        says = dict(zip(files, pool.map(_says, files, files.values()), strict=True))
    known = {path: it.sha256 for path, it in says.items() if isinstance(it, Provenance)}
    reasons = {path: _reason(says[path], files[path], known) for path in files}
    return [Outdated(path, files[path].rule, why) for path, why in reasons.items() if why]


def in_words(found: Sequence[Outdated], fate: str) -> str:
    """Say which files disagree with the configuration, the first by name, and what becomes of them."""
    number = f"{len(found)} files do" if len(found) > 1 else "1 file does"
    head = f"{number} not agree with the configuration; {fate}:"
    return "\n    ".join([head, *_first([f"{it.path}: {it.reason}" for it in found])])


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
        "dated ahead of this machine's clock, so that what follows from them is made again in every run"
        f" until it gets there; set the clock, or date all files anew with {remedy}:"
    )
    return "\n    ".join([head, *_first(paths)])


def _first(lines: list[str]) -> Iterator[str]:
    yield from lines[:NAMED]
    if len(lines) > NAMED:
        yield f"... and {len(lines) - NAMED} more"


def _says(path: str, made_from: Origin) -> Provenance | str | None:
    """What the file says, what is wrong with that, or None where there is no file."""
    try:
        return provenance.read(Path(path), made_from.schema)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return str(error)


def _reason(
    says: Provenance | str | None, made_from: Origin, known: Mapping[str, str]
) -> str | None:
    """In what a file disagrees with what it is to be made from; None where it agrees or is not there."""
    if says is None or isinstance(says, str):
        return says
    # Tasks that exist did not fail, so nothing depends on what was to be done if they had.
    config = {key: value for key, value in says.config.items() if key != "failed_tasks"}
    if made_from.schema in UNSAID_VERSIONS:
        config.setdefault("version", UNSAID_VERSIONS[made_from.schema])
    if text := provenance.difference(config, made_from.config):
        return text
    if text := provenance.difference(says.seed, made_from.seed, "seed"):
        return text
    for parent in sorted(says.parents.keys() ^ set(made_from.parents)):
        had = "was not made from" if parent in made_from.parents else "was made from"
        return f"{had} {parent}"
    for parent, sha256 in sorted(says.parents.items()):
        if known.get(parent, sha256) != sha256:
            return f"was made from another {parent}"
    return None
