"""Snakemake as a user starts it, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SMOKE = Path(__file__).with_name("smoke.yaml")


def command(folder, *arguments):
    """The arguments of `subprocess` that start Snakemake on the project's workflow in `folder`."""
    snakefile = ROOT / "workflow" / "Snakefile"
    call = [sys.executable, "-m", "snakemake", "--snakefile", snakefile, "--directory", folder]
    return {
        "args": [*call, "--cores", "2", *arguments],
        "cwd": folder,
        "env": {**os.environ, "PYTHONPATH": str(ROOT)},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def run(folder, *arguments, status=0):
    """Run Snakemake in `folder` and return what it printed."""
    done = subprocess.run(**command(folder, *arguments), check=False)
    assert done.returncode == status, done.stdout
    return done.stdout


def overlay(folder, **changes):
    """A config file that lays `changes` over the study."""
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump(changes))
    return path
