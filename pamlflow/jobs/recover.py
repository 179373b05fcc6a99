"""Recover from a lost Snakemake: `python -m pamlflow.jobs.recover [COMMAND ...]`.

A Snakemake that is killed leaves its lock, and perhaps running jobs: processes of this machine, or jobs of
SLURM. They would write the same files as a new run. This program ends them, removes the lock, and starts
COMMAND, if any. It changes nothing if a Snakemake may still be running.
"""

import argparse
import contextlib
import os
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import psutil

from pamlflow.jobs import slurm

PATIENCE = 10.0


class AliveError(RuntimeError):
    """A Snakemake is running in the folder, or may be running on another machine."""


class _Processes(NamedTuple):
    """The processes in a folder: each Snakemake that a user started, and the jobs."""

    snakemakes: list[psutil.Process]
    jobs: list[psutil.Process]


def recover(folder: Path) -> list[str]:
    """End the orphaned jobs of `folder`, remove its lock, and return what was done.

    Raises AliveError and changes nothing if a Snakemake runs there, or if the lock belongs to another machine
    that shares the folder. Raises SlurmError and keeps the lock if jobs may be left in SLURM.
    """
    folder = folder.resolve()
    here = _processes(folder)
    if here.snakemakes:
        raise AliveError(f"Snakemake works in {folder}: process {here.snakemakes[0].pid}")
    locks = folder / ".snakemake" / "locks"
    locked = locks.is_dir() and any(locks.iterdir())
    if elsewhere := _owners(folder) - {platform.node()}:
        raise AliveError(
            f"the Snakemake that holds the lock of {folder} was on {', '.join(sorted(elsewhere))}: "
            "recover it there, or, when it is surely gone, after `snakemake --unlock`"
        )

    done = [f"cancelled SLURM job {job}, left by a lost run" for job in slurm.cancel(folder)]
    done += [f"ended process {pid}, left by a lost run" for pid in _end(here.jobs)]
    if locked:
        shutil.rmtree(locks)
        done.append("removed the lock of a lost run")
    return done


def orphans(folder: Path) -> list[str]:
    """Return the jobs, such as `SLURM job 17`, that run in `folder` without a Snakemake.

    A new Snakemake asks before it starts: removing a lock by hand does not end the jobs of a lost run. Raises
    SlurmError if jobs may be left in SLURM.
    """
    folder = folder.resolve()
    here = _processes(folder)
    locks = folder / ".snakemake" / "locks"
    if here.snakemakes or len(list(locks.glob("*.output.lock"))) > 1:
        return []  # another run, of other files, owns the jobs
    waiting = [f"SLURM job {job}" for job in slurm.jobs(folder)]
    return [f"process {job.pid}" for job in here.jobs] + waiting


def _processes(folder: Path) -> _Processes:
    """Return the processes in `folder`, except this process and its parents."""
    scripts = folder / ".snakemake" / "scripts"
    this = psutil.Process()
    found = _Processes([], [])
    for process in set(psutil.process_iter()) - {this, *this.parents()}:
        try:
            if Path(process.cwd()) != folder:
                continue
            command = process.cmdline()
        except psutil.Error:  # it has ended, or belongs to another user
            continue
        # A job is a script, or a Snakemake started by another one to run it.
        is_snakemake = any(Path(argument).name == "snakemake" for argument in command)
        is_script = any(scripts in Path(argument).parents for argument in command)
        if is_script or (is_snakemake and "--mode" in command):
            found.jobs.append(process)
        elif is_snakemake:
            found.snakemakes.append(process)
    return found


def _end(processes: list[psutil.Process]) -> list[int]:
    """End the processes that are still running; return their ids."""
    running = [process for process in processes if process.is_running()]
    for process in running:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(running, timeout=PATIENCE)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return [process.pid for process in running]


def _owners(folder: Path) -> set[str]:
    """Return the machines of the Snakemakes that hold locks in `folder`, by their logs.

    They are those with the latest logs that got a lock and did not end; a complete log ends with its own name.
    Two Snakemakes may hold locks if they make different files.
    """
    locks = folder / ".snakemake" / "locks"
    number = max(len(list(locks.glob(f"*.{kind}.lock"))) for kind in ("input", "output"))
    owners: list[str] = []
    for log in sorted((folder / ".snakemake" / "log").glob("*.snakemake.log"), reverse=True):
        text = log.read_text()
        found = re.search(r"^ *Host: (.*)$", text, re.MULTILINE)
        if found and not re.search("LockException|^Complete log", text, re.MULTILINE):
            owners.append(found[1])
    return set(owners[:number])


def main() -> None:
    """Recover the working folder, then run the command."""
    parser = argparse.ArgumentParser(prog="python -m pamlflow.jobs.recover", description=__doc__)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND ...")
    command: list[str] = parser.parse_args().command
    if command and shutil.which(command[0]) is None:
        sys.exit(f"cannot start '{command[0]}': no such command; nothing was touched")
    try:
        for line in recover(Path.cwd()):
            print(line, file=sys.stderr)
    except (AliveError, slurm.SlurmError) as error:
        sys.exit(str(error))
    if command:
        os.execvp(command[0], command)


if __name__ == "__main__":
    main()
