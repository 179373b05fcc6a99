"""Where PAML is ahead of its baselines and where behind, in all published experiments: docs/study/README.md."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from pamlflow import statistics
from pamlflow.plotting import style

SUBJECT = "paml"
PROTOCOLS = {
    "paper": "By the paper's protocol",
    "few_shot_20": "From 20 transitions",
    "few_shot_0": "From the descriptor alone",
}
INTRODUCTION = """\
# The study

Written by `python -m publish`. Areas under the learning curves, means over the trials, of PAML and
of a baseline, and their difference with its 95% interval; p is that of Wilcoxon's test, corrected for the
number of baselines ([how](../scoring.md#comparison)). Where the interval excludes zero, PAML is *ahead* or
*behind* if p is below 0.05, and *probably* so if not: with five trials and two baselines p is 0.125 at best.
All else is *open*. The page of each run says which code it was made by.
"""


def page(folder: Path, experiments: Sequence[str]) -> str:
    """The page for those of the `experiments` that are published in `folder`."""
    published = [name for name in experiments if (folder / name / "comparison.csv").exists()]
    tables = {
        name: (
            pd.read_csv(folder / name / "summary.csv"),
            pd.read_csv(folder / name / "comparison.csv"),
        )
        for name in published
    }
    lines = [INTRODUCTION]
    for protocol, title in PROTOCOLS.items():
        lines += [
            f"## {title}",
            "",
            "| experiment | baseline | RMSE | difference | p | PAML is | NLL | difference | p | PAML is |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *(row for name, pair in tables.items() for row in _rows(name, pair, protocol)),
            "",
        ]
    links = ", ".join(f"[{name}]({name}/run.md)" for name in published)
    return "\n".join([*lines, f"Configuration, time and memory of each run: {links}.", ""])


def verdict(low: float, high: float, p_value: float) -> str:
    """What a difference with this interval and this p-value says of the subject, lower being better."""
    if not (low > 0.0 or high < 0.0):  # fewer than five trials have no interval
        return "open"
    side = "ahead" if high < 0.0 else "behind"
    return side if p_value < 0.05 else f"probably {side}"


def _rows(
    experiment: str, tables: tuple[pd.DataFrame, pd.DataFrame], protocol: str
) -> Iterator[str]:
    """A line for each baseline of one experiment, from its summary and its comparison."""
    summary, comparison = tables
    areas = comparison[
        (comparison["quantity"] == statistics.AREA) & (comparison["protocol"] == protocol)
    ]
    for name, rows in areas.groupby("baseline", sort=False):
        baseline, trials = str(name), int(rows["trials"].iloc[0])
        cells = [f"{experiment} ({trials} trials)", style.strategy_name(baseline)]
        for metric, digits in (("rmse", 3), ("nll", 2)):
            own, other = (
                _area(summary, strategy, protocol, metric) for strategy in (SUBJECT, baseline)
            )
            row = rows[rows["metric"] == metric].iloc[0]
            estimate, low, high, p_value = (
                float(row[column]) for column in ("estimate", "low", "high", "p_holm")
            )
            cells += [
                f"{own:.{digits}f}, {other:.{digits}f}",
                f"{estimate:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]",
                f"{p_value:.3f}",
                verdict(low, high, p_value),
            ]
        yield "| " + " | ".join(cells) + " |"


def _area(summary: pd.DataFrame, strategy: str, protocol: str, metric: str) -> float:
    """Mean over trials of the area under the learning curve, divided by the number of rounds."""
    panel = summary[(summary["protocol"] == protocol) & (summary["metric"] == metric)]
    curve = statistics.curves_by_strategy(panel, [strategy])[strategy].mean(axis=1)
    return float(statistics.with_area(curve)[-1])
