"""The files that the options of a domain name: what is in them counts as the options do."""

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pamlflow.domains import domain_class, own_options
from pamlflow.errors import UserError


class ChangedError(UserError):
    """A file is another one than when a run was planned; the message names it."""


def digests(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of each file that the `options` of the domain `name` name; none without options.

    Raises PartError and SettingError, both of them ValueErrors, as `make_domain` does.
    """
    if not options:
        return {}
    made_with = own_options(name, domain_class(name), options)
    return {
        called: _sha256(path, path.stat().st_mtime_ns, path.stat().st_size)
        for settings in made_with.values()
        for called, path in sorted(settings.files().items())
    }


def require_unchanged(name: str, options: Mapping[str, Any], planned: Mapping[str, str]) -> None:
    """Raise ChangedError unless the files are those that were `planned` with; other errors as `digests`."""
    found = digests(name, options)
    for called in sorted({*found, *planned}):
        if found.get(called) != planned.get(called):
            text = (
                f"{called}, a file of the domain '{name}', has changed since this run was planned"
            )
            raise ChangedError(
                f"{text}; start Snakemake again, which makes anew what depends on it"
            )


@functools.lru_cache(maxsize=10_000)
def _sha256(path: Path, changed: int, size: int) -> str:
    """The digest of a file that last `changed` at some time; each state of a file is read once."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
