"""List and cancel the SLURM jobs of the workflow in a folder."""

import re
import shutil
import subprocess
import time
from pathlib import Path

ANSWER = 60.0
"""Seconds that a SLURM command may take; the controller may be busy."""
PATIENCE = 120.0
"""Seconds that cancelled jobs have to end; SLURM grants them 30 before it kills them."""

# Snakemake names its jobs by the prefix of the profile and the UUID of the run. Other jobs of the user in the
# folder, perhaps the one in which this runs, have other names.
_JOB = re.compile(
    r"(?P<id>\d+)\|([\w-]{1,50}_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\|(?P<folder>.+)"
)


class SlurmError(RuntimeError):
    """SLURM does not answer, or does not end jobs."""


def jobs(folder: Path) -> list[str]:
    """Return the ids of the workflow's jobs, waiting or running, that were submitted in `folder`.

    The list is empty without SLURM. Raises SlurmError if SLURM does not answer and the folder has used it.
    """
    if shutil.which("squeue") is None:
        return []
    try:
        held = _run("squeue", "--me", "--noheader", "--format=%A|%j|%Z")
    except SlurmError as error:
        if not (folder / ".snakemake" / "slurm_logs").exists():
            return []
        raise SlurmError(f"{error}; jobs of {folder} may be left there: try again") from None
    found = (_JOB.fullmatch(line) for line in held.splitlines())
    return [job["id"] for job in found if job and Path(job["folder"]).resolve() == folder]


def cancel(folder: Path) -> list[str]:
    """Cancel the workflow's jobs that were submitted in `folder`; return their ids when all have ended.

    Raises SlurmError when SLURM does not answer, or still holds one after `PATIENCE` seconds.
    """
    cancelled = jobs(folder)
    if not cancelled:
        return []
    _run("scancel", "--quiet", *cancelled)
    deadline = time.monotonic() + PATIENCE
    while left := jobs(folder):
        if time.monotonic() > deadline:
            names = ", ".join(left)
            raise SlurmError(f"SLURM still holds {names} {PATIENCE:.0f} s after `scancel`")
        time.sleep(1)
    return cancelled


def _run(*command: str) -> str:
    """Return the output of a SLURM command."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=ANSWER)
    except subprocess.TimeoutExpired:
        raise SlurmError(f"`{command[0]}` gave no answer in {ANSWER:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise SlurmError(f"`{command[0]}` failed: {error.stderr.strip()}") from None
    return done.stdout
