"""Where the time of a workflow run went, from its own benchmark and log files."""

import csv
import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from benchmarks.common import Row, publish

RULES = {
    "acquire_round": "*/*/trial_*/round_[0-9][1-9].tsv",
    "train_initial_round": "*/initial/trial_*/round_00.tsv",
    "train_oracle": "*/oracle/trial_*/round_00.tsv",
    "evaluate_trial": "*/*/trial_*/metrics.tsv",
    "simulate_initial_tasks": "*/trial_*/initial_tasks.tsv",
}


def measure(logs: Path) -> list[Row]:
    """Seconds, processor seconds and memory of the jobs of each rule, and the share before the stage began."""
    rows = []
    for rule, pattern in RULES.items():
        found: defaultdict[str, list[float]] = defaultdict(list)
        for path in logs.glob(pattern):
            with path.open() as file:
                (record,) = csv.DictReader(file, delimiter="\t")
            for key in ("s", "max_rss", "cpu_time"):
                found[key].append(float(record[key]))
            inside = re.search(r"done in ([\d.]+) s", path.with_suffix(".log").read_text())
            found["inside"].append(float(inside[1]) if inside else float(record["s"]))
        if found["s"]:
            seconds = statistics.median(found["s"])
            rows.append(
                Row(
                    f"{rule}: {len(found['s'])} jobs",
                    f"{seconds:.1f} s, {statistics.median(found['cpu_time']):.1f} s of processor",
                    f"peak memory {max(found['max_rss']):.0f} MiB",
                    f"sum {sum(found['s']):.0f} s",
                )
            )
    return rows


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "logs")
    rows = measure(folder)
    if rows:
        publish("study", rows)
    else:
        print(f"no benchmark files below {folder}: run `make quickstart` first", file=sys.stderr)
