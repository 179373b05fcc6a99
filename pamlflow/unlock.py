"""Clear the way after a killed Snakemake: `python -m pamlflow.unlock [FOLDER]`.

A Snakemake that is killed leaves its lock behind, and perhaps jobs that run on although nobody
waits for them. Nothing is touched where a Snakemake may be alive.
"""

import platform
import re
import shutil
import sys
from pathlib import Path

import psutil

PATIENCE = 10.0


class AliveError(RuntimeError):
    """A Snakemake works in the folder, or may do so where this machine cannot see it."""


def unlock(folder: Path) -> list[str]:
    """End the orphaned jobs in `folder`, remove its lock, and return what was done.

    Raises AliveError, and does nothing, while a Snakemake runs there, or when the lock belongs to
    another machine that shares the folder.
    """
    folder = folder.resolve()
    here = _commands(folder)
    for process, command in here.items():
        if any(Path(argument).name == "snakemake" for argument in command):
            raise AliveError(f"Snakemake works in {folder}: process {process.pid}")
    locks = folder / ".snakemake" / "locks"
    locked = locks.is_dir() and any(locks.iterdir())
    if locked and (host := _last_host(folder)) not in (None, platform.node()):
        raise AliveError(f"the last Snakemake in {folder} was on {host}: unlock it there")

    scripts = folder / ".snakemake" / "scripts"
    orphans = [
        process
        for process, command in here.items()
        if any(scripts in Path(argument).parents for argument in command)
    ]
    for process in orphans:
        process.terminate()
    for process in psutil.wait_procs(orphans, timeout=PATIENCE)[1]:
        process.kill()
    done = [f"ended process {process.pid}, a job of a killed run" for process in orphans]
    if locked:
        shutil.rmtree(locks)
        done.append("removed the lock of a killed run")
    return done


def _commands(folder: Path) -> dict[psutil.Process, list[str]]:
    """Return the command line of every process that works in `folder`."""
    commands = {}
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder:
                commands[process] = list(process.cmdline())
        except psutil.Error:  # it has ended, or belongs to somebody else
            continue
    return commands


def _last_host(folder: Path) -> str | None:
    """Return the machine that the newest log of Snakemake in `folder` names."""
    logs = sorted((folder / ".snakemake" / "log").glob("*.snakemake.log"))
    found = re.search(r"^ *Host: (.*)$", logs[-1].read_text(), re.MULTILINE) if logs else None
    return found[1] if found else None


if __name__ == "__main__":
    try:
        for line in unlock(Path(*sys.argv[1:2])):
            print(line, file=sys.stderr)
    except AliveError as error:
        sys.exit(str(error))
