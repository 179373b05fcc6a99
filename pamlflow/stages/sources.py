"""Recordings that change while a study runs: what is made of the new ones must not meet the old."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pamlflow.domains.records import changed_source
from pamlflow.errors import UserError
from pamlflow.storage import store


def require_same_sources(experiment: Mapping[str, Any], parents: Sequence[Path | None]) -> None:
    """Raise UserError when one of the parents was made from recordings that have changed since.

    Nothing has to be done but to start again: what disagrees with the recordings is then made anew.
    """
    sources = experiment.get("sources", {})
    for parent in parents:
        made = store.read_provenance(parent).config if parent else {}
        if "domain" not in made:  # round 0 says nothing of tasks
            continue
        if changed := changed_source(sources, made.get("sources", {})):
            text = f"{changed} since {parent} was made from it"
            raise UserError(
                f"{text}; start the same command again, and what it affects is made anew"
            )
