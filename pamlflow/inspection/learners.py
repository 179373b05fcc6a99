"""What is wrong with the folder of a learner that no single recording or model shows."""

from collections.abc import Iterator
from pathlib import Path

from pamlflow.inspection.facts import Fault
from pamlflow.storage import recordings, remedies


def faults(folder: Path) -> Iterator[Fault]:
    """Yield what is wrong with the file that says what `folder` is about, and gaps in its recordings."""
    path = folder / remedies.LEARNER
    try:
        recordings.about(folder)
    except recordings.RecordingError as error:
        yield Fault(path, "damaged", error.problem, error.remedy)
    except Exception as error:  # whatever a file that no learner wrote may hold
        problem = f"not what a learner writes ({type(error).__name__})"
        yield Fault(path, "damaged", problem, "restore it from a copy")
    try:
        recordings.paths(folder)
    except recordings.RecordingError as error:
        yield Fault(Path(error.where), "missing", error.problem, error.remedy)
