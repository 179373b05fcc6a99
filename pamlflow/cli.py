"""The command `pamlflow`: show and check files of a study or of a robot's learner, and check a domain."""

import argparse
import contextlib
import io
import json
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
    """Run the command; return its exit code.

    0 means that nothing was found, 1 that a file is faulty or something was found of a domain, and 2 that the
    command or a configuration means nothing.
    """
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not where a caller catches what is printed
            # Units and names may hold what a terminal cannot show.
            stream.reconfigure(errors="backslashreplace")
    try:
        match options.command:
            case "show":
                code = show(options.path)
            case "check":
                code = check(options.paths)
            case _:
                code = check_domain(options.files, options.experiment, options.json)
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


def check_domain(files: Sequence[Path], experiment: str | None, as_json: bool) -> int:
    """Run a few tasks of each experiment that is to run, and print what is wrong; return the exit code."""
    from pamlflow.configuration.loading import load  # simulators, which files do not need
    from pamlflow.diagnosis import report

    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a domain prints is no result
            config = load(files)
            names = config["run"]["experiments"]
            if experiment is not None and experiment not in names:
                text = f"unknown experiment '{experiment}' (run.experiments: {', '.join(names)})"
                raise ValueError(text)
            chosen = names if experiment is None else [experiment]
            reports = [report.examine(config, name) for name in chosen]
    except ValueError as error:
        print(f"pamlflow: {error}", file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps([each.to_json() for each in reports], indent=2))
    else:
        for line in (*(line for each in reports for line in each.lines()), report.summary(reports)):
            print(printable(line))
    return int(any(each.findings for each in reports))


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
    text = (
        "run a few tasks of each experiment of a configuration, and say what would spoil its learning "
        "curves; exit code 1 if anything would, 2 if the configuration cannot be used"
    )
    domain = commands.add_parser("check-domain", help=text, description=text)
    domain.add_argument("files", type=Path, nargs="+", metavar="CONFIG")
    domain.add_argument("--experiment", metavar="NAME", help="only this one of `run.experiments`")
    domain.add_argument("--json", action="store_true", help="print JSON")
    return parser
