"""Describe the files of pamlflow in a folder for a terminal."""

from collections import defaultdict
from pathlib import Path

from pamlflow.inspection.text import Cell, printable, table
from pamlflow.inspection.walk import all_files
from pamlflow.storage import recordings, remedies
from pamlflow.storage.places import Place, plain


def describe(folder: Path) -> str | None:
    """Return the kinds of files in `folder` with a command for each; None if there are no such files."""
    kinds: defaultdict[str, list[Path]] = defaultdict(list)
    for path in all_files(folder):
        if kind := _kind(path):
            kinds[kind].append(plain(path))
    if not kinds:
        return None
    commands = {
        kind: f"pamlflow show {remedies.for_shell(str(max(paths)))}"
        for kind, paths in kinds.items()
    }
    rows: list[list[Cell]] = [
        [kind, len(paths), commands[kind]] for kind, paths in sorted(kinds.items())
    ]
    check = f"all of them: pamlflow check {remedies.for_shell(str(folder))}"
    return f"{table(('', 'files', 'the last one'), rows, printable(str(folder)))}\n{check}"


def _kind(path: Path) -> str:
    """Return the kind of a file in a few words; empty if it is not a file of pamlflow."""
    if place := Place.of(path):
        return place.schema
    if recordings.is_recording(path):
        return "recording"
    if remedies.is_learners_round(path):
        return "model of a learner"
    is_aside = path.suffix == ".npz" and path.name.startswith("refused_")
    return "told and refused" if is_aside and remedies.is_learners(path.parent) else ""
