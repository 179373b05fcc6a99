"""A small study on the cluster, started as a user would, and the processes of its jobs."""

import contextlib
import subprocess
import sys
from pathlib import Path

import psutil
from cluster import wait_for

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "tests" / "workflow" / "smoke.yaml", Path(__file__).with_name("study.yaml"))
RESULTS = "results/smoke"
NUMBERS = f"{RESULTS}/summary.csv"
PROFILE = ROOT / "workflow" / "profiles" / "slurm"
# What this site must say: it has no accounting, and its jobs are short.
SITE = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1")


def command(*arguments):
    """The command that runs the study through the profile."""
    call = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "workflow" / "Snakefile"]
    call += ["--configfile", *CONFIG, "--profile", PROFILE, *SITE, *arguments]
    return [str(argument) for argument in call]


def start(cluster, folder, *arguments, call=None, **environment):
    """Start Snakemake, or `call`, in `folder`; what it prints goes to output.txt there."""
    with (folder / "output.txt").open("a") as output:
        snakemake = subprocess.Popen(
            call or command(*arguments),
            cwd=folder,
            env={**cluster.environment, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    cluster.users.append(snakemake)
    return snakemake


def finish(snakemake, status=0, seconds=900):
    """Wait until Snakemake ends."""
    assert snakemake.wait(timeout=seconds) == status


def training(folder, strategy):
    """The process that trains a round of `strategy`, as soon as there is one."""
    log = str(folder / "logs" / "smoke" / strategy / "trial_00" / "round_01.log")

    def find():
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if Path(process.cwd()) == folder and log in (f.path for f in process.open_files()):
                    return process
        return None

    return wait_for(find)


def job_of(process):
    """The id of the SLURM job that a process belongs to."""
    return process.environ()["SLURM_JOB_ID"]


def numbers(folder):
    """The final numbers of a study."""
    return (folder / NUMBERS).read_bytes()


def printed(folder):
    """What Snakemake has printed in `folder` so far."""
    return (folder / "output.txt").read_text()
