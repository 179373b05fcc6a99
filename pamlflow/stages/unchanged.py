"""Files of a domain that change while a study runs: what is made of the new ones must not meet the old."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pamlflow.domains.content import ChangedError, changed_file
from pamlflow.storage import store


def require_same_files(settings: Mapping[str, Any], parents: Sequence[Path | None]) -> None:
    """Raise ChangedError unless all parents were made from the files of the domain in the settings of tasks.

    Nothing has to be done but to start again: what disagrees with the files is then made anew.
    """
    files = settings.get("files", {})
    for parent in parents:
        made = store.read_provenance(parent).config if parent else {}
        if "domain" not in made:  # round 0 says nothing of tasks
            continue
        if changed := changed_file(files, made.get("files", {})):
            text = f"{changed}: {parent} was made from another state of it"
            raise ChangedError(
                f"{text}; start the same command again, and what it affects is made anew"
            )
