"""Time and memory of finished jobs, from the last lines of their logs; and the machine they ran on.

Snakemake's benchmark files have the duration of a job, but sample its memory only every 30 s after 15 s.
"""

import os
import platform
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

LOGS = {
    "acquire_round": "*/trial_*/round_*.log",
    "train_initial_round": "initial/trial_*/round_00.log",
    "train_oracle": "oracle/trial_*/round_00.log",
    "evaluate_trial": "*/trial_*/metrics.log",
    "simulate_initial_tasks": "trial_*/initial_tasks.log",
}
"""Log files of the jobs of each rule, below the folder of an experiment."""

_USED = re.compile(r"done in ([\d.]+) s, ([\d.]+) s of processor, at most (\d+) MiB\n$")


class Usage(NamedTuple):
    """Time and memory of one job."""

    seconds: float
    processor: float  # seconds
    memory: float  # MiB


def usage(logs: Path, experiment: str = "*") -> dict[str, list[Usage]]:
    """Return the usage of the finished jobs of each rule, for one `experiment` or all in the folder `logs`."""
    found: defaultdict[str, list[Usage]] = defaultdict(list)
    for rule, pattern in LOGS.items():
        for path in sorted(logs.glob(f"{experiment}/{pattern}")):
            if rule == "acquire_round" and path.name == "round_00.log":
                continue
            used = _USED.search(path.read_text(encoding="utf-8"))
            if used:
                found[rule].append(Usage(*map(float, used.groups())))
    return dict(found)


def machine() -> str:
    """Return processor, threads of this process, and memory: `AMD EPYC 7B13, 2 threads, 24 GiB`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{_processor()}, {len(os.sched_getaffinity(0))} threads, {memory:.0f} GiB"


def _processor() -> str:
    """Return the name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
