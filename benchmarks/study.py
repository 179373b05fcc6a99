"""Where the time of a workflow run went, by the logs of its jobs: `python -m benchmarks.study [FOLDER]`."""

import statistics
import sys
from pathlib import Path

from benchmarks.common import Measurement, keep
from pamlflow.jobs.usage import usage


def measure(logs: Path) -> list[Measurement]:
    """Median times, peak memory and total time of the jobs of each rule."""
    return [
        Measurement(
            f"{rule}: {len(done)} jobs",
            f"{statistics.median(job.seconds for job in done):.1f} s, "
            f"{statistics.median(job.processor for job in done):.1f} s of processor",
            f"peak memory {max(job.memory for job in done):.0f} MiB",
            f"sum {sum(job.seconds for job in done):.0f} s",
        )
        for rule, done in usage(logs).items()
    ]


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "logs")
    rows = measure(folder)
    if rows:
        keep("study", rows)
    else:
        print(
            f"no logs of finished jobs below {folder}: run `make quickstart` first", file=sys.stderr
        )
