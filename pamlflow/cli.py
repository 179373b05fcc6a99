"""The command `pamlflow`: look into the files of a study or of a robot's learner, and check them."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pamlflow import __version__
from pamlflow.storage import integrity, recordings, store
from pamlflow.storage.show import describe, describe_recording


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, or 1 when a file cannot be read or is faulty."""
    options = _parser().parse_args(arguments)
    try:
        code = show(options.file) if options.command == "show" else check(options.paths)
        sys.stdout.flush()
    except BrokenPipeError:  # `pamlflow show FILE | head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def show(path: Path) -> int:
    """Print what the file holds and where it comes from."""
    try:
        recorded = recordings.is_recording(path)
        text = describe_recording(path) if recorded else describe(store.read(path))
    except (store.StoreError, recordings.RecordingError) as error:
        print(f"pamlflow: {error}", file=sys.stderr)
        return 1
    print(f"{path}\n{text}")
    return 0


def check(paths: Sequence[Path]) -> int:
    """Print `ok` for each file in `paths`, or `FAIL` with the reason and the remedy.

    Folders are checked together as a study: a line for each fault, and one that sums up.
    """
    failed = False
    folders = [path for path in paths if path.is_dir()]
    for path in paths:
        if path in folders:
            continue
        try:
            print(f"ok   {path} ({_kind(path)})")
        except (store.StoreError, recordings.RecordingError) as error:
            failed = True
            print(f"FAIL {error}".replace("\n", " "))
    if folders:
        count, faults = integrity.check(folders)
        for fault in faults:
            failed = True
            print(f"FAIL {fault}".replace("\n", " "))
        print(integrity.summary(count, faults))
    return int(failed)


def _kind(path: Path) -> str:
    """What a file is; StoreError or RecordingError where it is faulty."""
    if recordings.is_recording(path):
        recordings.read(path)
        return "recording"
    record = store.read(path)
    return f"{record.schema} v{record.schema_version}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pamlflow", description=__doc__)
    parser.add_argument("--version", action="version", version=f"pamlflow {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    shown = commands.add_parser("show", help="print what a file holds and where it comes from")
    shown.add_argument("file", type=Path, metavar="FILE")
    text = (
        "check files, or the study or the learners in a folder; exit code 1 if anything is faulty"
    )
    checked = commands.add_parser("check", help=text, description=text)
    checked.add_argument("paths", type=Path, nargs="+", metavar="FILE_OR_FOLDER")
    return parser
