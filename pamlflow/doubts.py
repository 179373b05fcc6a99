"""Doubts about learning curves: scores worse than predicting the mean, and curves that rise."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from pamlflow.types import FloatArray, IntArray

GUIDE = "docs/rising_curves.md"
CLEAR = 0.1  # smallest rise that counts, relative to the error
STANDARD_ERRORS = 2.0  # of the rise, over the test tasks


class Curve(NamedTuple):
    """One metric under one protocol in all rounds of a trial, or the mean over trials."""

    protocol: str
    metric: str
    rounds: IntArray  # [A]
    tasks: FloatArray  # [A, N] of each test task
    values: FloatArray  # [A] of all test tasks
    trivial: float  # of predicting the mean of the test tasks' outputs, with their variance
    clear: float  # the least rise that counts


def curves(datasets: Mapping[str, Any]) -> Iterator[Curve]:
    """Yield the NLL and the RMSE under each protocol from the datasets of the schema `metrics`."""
    for column, protocol in enumerate(datasets["protocols"]):
        nll, squared = (datasets[name][:, column] for name in ("nll", "squared_error"))
        rmse = np.sqrt(squared.mean(axis=1))
        trivial = float(datasets["trivial/nll"][column].mean())
        # The NLL of predicting the mean is about 1.4 nats per output. Errors that are larger by a tenth,
        # with variances to match, cost a tenth of a nat per output.
        clear = CLEAR * trivial / (0.5 + 0.5 * np.log(2.0 * np.pi))
        yield Curve(protocol, "NLL", datasets["round"], nll, nll.mean(axis=1), trivial, clear)
        trivial = float(np.sqrt(datasets["trivial/squared_error"][column].mean()))
        clear = CLEAR * float(rmse[0])
        yield Curve(protocol, "RMSE", datasets["round"], np.sqrt(squared), rmse, trivial, clear)


def worse_than_the_mean(curve: Curve) -> str | None:
    """Return a warning that names the rounds in which the model is worse than none, if any."""
    worse = curve.values > curve.trivial
    if not worse.any():
        return None
    numbers = [str(number) for number in curve.rounds[worse]]
    found = f"{'up to ' * (len(numbers) > 1)}{curve.values[worse].max():.4g}"
    return (
        f"{curve.protocol}: {curve.metric} {found} after round {', '.join(numbers)}, "
        f"worse than predicting the mean of the test tasks' outputs ({curve.trivial:.4g}); see {GUIDE}"
    )


def ends_worse_than_the_mean(curve: Curve) -> str | None:
    """Return a warning if the model of the last round is worse than none."""
    last = curve._replace(
        rounds=curve.rounds[-1:], tasks=curve.tasks[-1:], values=curve.values[-1:]
    )
    return worse_than_the_mean(last)


def rises(curve: Curve) -> str | None:
    """Return a warning if the last third of the rounds is clearly above the first third.

    Clearly means by a tenth of the error, and by two standard errors over the test tasks.
    """
    third = max(1, len(curve.rounds) // 3)
    if len(curve.rounds) < 2:
        return None
    first, last = (float(part.mean()) for part in (curve.values[:third], curve.values[-third:]))
    change = curve.tasks[-third:].mean(axis=0) - curve.tasks[:third].mean(axis=0)
    error = change.std(ddof=1) / np.sqrt(len(change)) if len(change) > 1 else 0.0
    if last - first <= curve.clear or change.mean() <= STANDARD_ERRORS * error:
        return None
    return (
        f"{curve.protocol}: {curve.metric} rises with the tasks, from {first:.4g} in the first "
        f"rounds to {last:.4g} in the last; see {GUIDE}"
    )
