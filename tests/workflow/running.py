"""Snakemake as a user starts it, in a folder of its own."""

import os
import re
import subprocess
import sys
from collections import Counter
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


def changed(tmp_path, **changes):
    """smoke.yaml after changes: `run__trials=2`."""
    config = yaml.safe_load(SMOKE.read_text())
    for path, value in changes.items():
        *sections, key = path.split("__")
        section = config
        for name in sections:
            section = section[name]
        section[key] = value
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def rules(plan):
    """The number of jobs of each rule in the output of a dry run."""
    return Counter(re.findall(r"^rule (?!all:)(\w+):$", plan, re.M))
