"""The command `pamlflow`: show and check the files of a study or of a robot's learner."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pamlflow.inspection import show_arrays, show_folder, study, workers
from pamlflow.inspection.facts import Fault, crashed, examine
from pamlflow.inspection.show import describe
from pamlflow.inspection.text import printable
from pamlflow.storage import recordings, store
from pamlflow.versions import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, or 1 if a file is faulty or cannot be read."""
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not where a caller catches what is printed
            # Units and names may hold what a terminal cannot show.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = show(options.path) if options.command == "show" else check(options.paths)
        sys.stdout.flush()
    except BrokenPipeError:  # `pamlflow show FILE | head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def show(path: Path) -> int:
    """Print content and provenance of a file, or the kinds of files in a folder; return the exit code."""
    found = workers.one(_described, path)
    if isinstance(found, workers.Crash):
        found = _Shown("", str(crashed(path, found)))
    if found.text:
        print(f"{printable(str(path))}\n{found.text}")
    if found.problem:
        print(f"pamlflow: {printable(found.problem)}", file=sys.stderr)
    return int(bool(found.problem))


def check(paths: Sequence[Path]) -> int:
    """Print `ok` for each file in `paths`, or `FAIL` with reason and remedy; return the exit code.

    Folders are checked together as a study, with a line for each fault and a summary.
    """
    failed = False
    folders = [path for path in paths if os.path.isdir(path)]
    for path in paths:
        if path in folders:
            continue
        found = workers.one(examine, path)
        facts = crashed(path, found) if isinstance(found, workers.Crash) else found
        failed |= isinstance(facts, Fault)
        if isinstance(facts, Fault):
            print(printable(f"FAIL {path}: {facts.problem}; {facts.remedy}"))
        else:
            print(printable(f"ok   {path} ({facts.label})"))
    if folders:
        report = study.check(folders)
        for fault in report.faults:
            print(printable(f"FAIL {fault}"))
        print(printable(study.summary(report)))
        failed |= bool(report.faults)
    return int(failed)


class _Shown(NamedTuple):
    """The description of a path, and its fault."""

    text: str
    problem: str = ""


def _described(path: Path) -> _Shown:
    """Return the description of a file or a folder; a faulty recording has a description and a fault."""
    if os.path.isdir(path):
        nothing = f"{path}: a folder with no file of pamlflow in it; name a file, or another folder"
        text = show_folder.describe(path)
        return _Shown(text) if text else _Shown("", nothing)
    text = problem = ""
    try:
        if recordings.is_recording(path):
            show_arrays.require_recording(path)
    except recordings.RecordingError as error:
        problem = str(error)
    try:
        text = show_arrays.describe(path) if path.suffix == ".npz" else describe(store.read(path))
    except (store.StoreError, recordings.RecordingError) as error:
        problem = problem or str(error)
    return _Shown(text, problem)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pamlflow", description=__doc__)
    parser.add_argument("--version", action="version", version=f"pamlflow {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    text = "print what a file holds and where it comes from, or which files are in a folder"
    shown = commands.add_parser("show", help=text, description=text)
    shown.add_argument("path", type=Path, metavar="FILE_OR_FOLDER")
    text = (
        "check files, or the study or the learners in a folder; exit code 1 if anything is faulty"
    )
    checked = commands.add_parser("check", help=text, description=text)
    checked.add_argument("paths", type=Path, nargs="+", metavar="FILE_OR_FOLDER")
    return parser
