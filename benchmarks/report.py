"""Writes benchmarks/README.md from the newest results: `python -m benchmarks.report`."""

import json
from pathlib import Path

from benchmarks.common import RESULTS

ORDER = (
    "fit",
    "gradient",
    "psi_statistics",
    "inference",
    "scaling",
    "choices",
    "noise",
    "pictures",
    "trade",
    "study",
)
INTRODUCTION = """# Benchmarks

`make bench` runs all of them and rewrites this page; `python -m benchmarks.<name>` runs one. Both sides of a
comparison are measured in one run on the same machine and threads. Times are medians, but for `fit`, which runs
once; machines are noisy, so quote the ratios.

The reference of `fit` is our implementation of the paper's schedule, of `gradient` the time of as many
floating-point operations in matrix products, and GPflow's automatic differentiation, of `psi_statistics`
GPflow's expectations, of `inference` 100 steps of Adam task by task, of `choices` the `elbo` objective, of
`noise` one variance per output, and of `trade` tasks chosen at random. `trade` reads the tasks of a study that
was run before, and `study` the logs of a quickstart: its columns are the median time of a job, its peak memory,
and the sum of times.

`gradient` and `trade` are of this version. All other tables are of version 0.1 or older, and are not quoted.

"""


def section(name: str) -> str:
    """The table of one benchmark, with where and when it was measured."""
    record = json.loads((RESULTS / f"{name}.json").read_text())
    versions = ", ".join(f"{package} {number}" for package, number in record["versions"].items())
    lines = [
        f"## {name}",
        "",
        f"{record['date']}, {record['machine']}, Python {record['python']}, {versions}",
        "",
        "| case | pamlflow | reference | result | target |",
        "|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        lines.append("| " + " | ".join(row[key] for key in row) + " |")
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    sections = [section(name) for name in ORDER if (RESULTS / f"{name}.json").exists()]
    page = Path(__file__).parent / "README.md"
    page.write_text("\n\n".join([INTRODUCTION.strip(), *sections]) + "\n")


if __name__ == "__main__":
    main()
