"""Faults of the folder of a learner: its description, and gaps in its recordings."""

from collections.abc import Iterator
from pathlib import Path

from pamlflow.inspection.facts import Fault
from pamlflow.storage import recordings, remedies


def faults(folder: Path) -> Iterator[Fault]:
    """Yield faults of `learner.json` in `folder`, and gaps in the recordings."""
    path = folder / remedies.LEARNER
    try:
        recordings.about(folder)
    except recordings.RecordingError as error:
        yield Fault(path, "damaged", error.problem, error.remedy)
    except Exception as error:  # an invalid file may raise anything
        problem = f"not what a learner writes ({type(error).__name__})"
        yield Fault(path, "damaged", problem, "restore it from a copy")
    try:
        recordings.paths(folder)
    except recordings.RecordingError as error:
        yield Fault(Path(error.where), "missing", error.problem, error.remedy)
