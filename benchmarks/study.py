"""Where the time of a workflow run went, by its own benchmark files: `python -m benchmarks.study [FOLDER]`."""

import csv
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from benchmarks.common import Row, publish

RULES = {
    "acquire_round": "*/trial_*/round_*.tsv",
    "train_initial_round": "initial/trial_*/round_00.tsv",
    "train_oracle": "oracle/trial_*/round_00.tsv",
    "evaluate_trial": "*/trial_*/metrics.tsv",
    "simulate_initial_tasks": "trial_*/initial_tasks.tsv",
}


class Job(NamedTuple):
    """What Snakemake's benchmark file says of a job: seconds, MiB, seconds of processor."""

    seconds: float
    memory: float
    processor: float


def jobs(logs: Path, experiment: str = "*") -> dict[str, list[Job]]:
    """The jobs of each rule, of one experiment or all, that left a benchmark file in a folder of logs."""
    found: defaultdict[str, list[Job]] = defaultdict(list)
    for rule, pattern in RULES.items():
        for path in logs.glob(f"{experiment}/{pattern}"):
            if rule == "acquire_round" and path.name == "round_00.tsv":
                continue
            with path.open() as file:
                (record,) = csv.DictReader(file, delimiter="\t")
            values = (float(record[key]) for key in ("s", "max_rss", "cpu_time"))
            found[rule].append(Job(*values))
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
        print(f"no benchmark files below {folder}: run `make quickstart` first", file=sys.stderr)
