"""The files that a domain reads: what is in them counts as its options do."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pamlflow.domains import DOMAINS, domain_class, own_options
from pamlflow.errors import UserError

MISSING = "missing"
"""What stands for the digest of a file that is not there."""


class ChangedError(UserError):
    """A file that a domain reads is another one than before; the message names it."""


def digests(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each file that the domain `name` reads, as `Settings.files` of its options says.

    It is MISSING of a file that is not there. A domain that cannot be made has no files: why it cannot is told
    by `make_domain`. Nor has one of the library without options, so that it need not be loaded.
    """
    if not options and name in DOMAINS:
        return {}
    try:
        made_with = own_options(name, domain_class(name), options)
        files = [file for settings in made_with.values() for file in settings.files().items()]
    except (Exception, SystemExit):  # a class of a user may raise anything
        return {}
    return {called: digest(path) for called, path in files}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the files in a folder; MISSING if there is none."""
    try:
        if path.is_dir():
            parts = [each for each in sorted(path.iterdir()) if each.is_file()]
            text = "\n".join(f"{each.name} {digest(each)}" for each in parts)
            return hashlib.sha256(text.encode()).hexdigest()
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return MISSING


def changed_file(found: Mapping[str, str], expected: Mapping[str, str]) -> str | None:
    """Return which of two lists of files with their SHA-256 have a difference, in words; None if none has."""
    for called in sorted({*found, *expected}):
        if found.get(called) != expected.get(called):
            was, now = expected.get(called), found.get(called)
            how = "was added" if was is None else "was left out" if now is None else "has changed"
            return f"{called} {how}"
    return None


def require_unchanged(name: str, options: Mapping[str, Any], planned: Mapping[str, str]) -> None:
    """Raise ChangedError unless the files that the domain `name` reads are those that were `planned` with."""
    if changed := changed_file(digests(name, options), planned):
        text = f"{changed} since this run was planned, and the domain '{name}' reads it"
        raise ChangedError(
            f"{text}; start the same command again, and what it affects is made anew"
        )
