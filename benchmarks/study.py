"""Where the time of a workflow run went, by the last lines of its logs: `python -m benchmarks.study [FOLDER]`.

Snakemake's benchmark files say how long a job took, but not what it used: after 15 s they look every 30 s.
"""

import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import Row, publish

RULES = {
    "acquire_round": "*/trial_*/round_*.log",
    "train_initial_round": "initial/trial_*/round_00.log",
    "train_oracle": "oracle/trial_*/round_00.log",
    "evaluate_trial": "*/trial_*/metrics.log",
    "simulate_initial_tasks": "trial_*/initial_tasks.log",
}


USED = re.compile(r"done in ([\d.]+) s, ([\d.]+) s of processor, at most (\d+) MiB\n$")


class Job(NamedTuple):
    """What a job took: seconds, seconds of processor, MiB."""

    seconds: float
    processor: float
    memory: float


def jobs(logs: Path, experiment: str = "*") -> dict[str, list[Job]]:
    """The finished jobs of each rule, of one experiment or all, by their logs in a folder."""
    found: defaultdict[str, list[Job]] = defaultdict(list)
    for rule, pattern in RULES.items():
        for path in logs.glob(f"{experiment}/{pattern}"):
            if rule == "acquire_round" and path.name == "round_00.log":
                continue
            used = USED.search(path.read_text(encoding="utf-8"))
            if used:
                found[rule].append(Job(*map(float, used.groups())))
    return found


def measure(logs: Path) -> list[Row]:
    """Median times, peak memory and total time of the jobs of each rule."""
    return [
        Row(
            f"{rule}: {len(done)} jobs",
            f"{statistics.median(job.seconds for job in done):.1f} s, "
            f"{statistics.median(job.processor for job in done):.1f} s of processor",
            f"peak memory {max(job.memory for job in done):.0f} MiB",
            f"sum {sum(job.seconds for job in done):.0f} s",
        )
        for rule, done in jobs(logs).items()
    ]


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "logs")
    rows = measure(folder)
    if rows:
        publish("study", rows)
    else:
        print(
            f"no logs of finished jobs below {folder}: run `make quickstart` first", file=sys.stderr
        )
