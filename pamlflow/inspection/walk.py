"""Find the files of studies and learners below a folder, and files that do not belong there."""

import os
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from pamlflow.inspection import learners
from pamlflow.inspection.facts import Fault
from pamlflow.storage import files, recordings, remedies
from pamlflow.storage.places import Place, plain, study_of

_SKEW = 60.0  # seconds by which the clocks of machines that share a disk may differ


class Walk(NamedTuple):
    """The HDF5 files and recordings below a folder, and the faults of other files."""

    paths: set[Path]
    faults: list[Fault]


def walk(folder: Path) -> Walk:
    """Find files below `folder`, following links to other folders."""
    found = Walk(set(), [])
    inside = [plain(path) for path in _files(folder, found.faults)]
    hdf5 = {path for path in inside if path.suffix == ".h5"}
    about = sorted(path.parent for path in inside if path.name == remedies.LEARNER)
    if not hdf5 and not about and not found.faults:
        remedy = "name the results of a study, or make them with `snakemake --cores all`"
        found.faults.append(Fault(folder, "empty", "expected HDF5 files, found none", remedy))
    problem = "the rest of an interrupted write, unless a job is writing it now"
    for path in (path for path in inside if files.is_temporary(path)):
        advise = remedies.recover if recordings.is_interrupted(path) else remedies.remove
        found.faults.append(Fault(path, "stray", problem, advise(path)))
    found.faults.extend(chain.from_iterable(map(learners.faults, about)))
    found.faults.extend(chain.from_iterable(map(_placement, sorted(hdf5))))
    recorded = {path for path in inside if recordings.is_recording(path)}
    found.paths.update(path for path in hdf5 | recorded if not _is_elsewhere(path))
    return found


def all_files(folder: Path) -> Iterator[Path]:
    """Yield all accessible files below `folder`."""
    return _files(folder, [])


def _is_elsewhere(path: Path) -> bool:
    """Return whether no stage and no learner writes a file of this name."""
    known = Place.of(path) or recordings.is_recording(path) or remedies.is_learners_round(path)
    return not known


def _placement(path: Path) -> Iterator[Fault]:
    """Yield faults in the name and the date of a file."""
    if _is_elsewhere(path):
        yield Fault(path, "stray", "no stage writes a file of this name", "move it elsewhere")
        return
    now = time.time()
    try:
        ahead = path.stat().st_mtime - now
    except OSError:  # reading it reports the fault
        return
    if study_of(path) and ahead > _SKEW:
        text = f"{ahead / 3600:.1f} hours ahead of the clock ({time.strftime('%c', time.localtime(now))})"
        problem = f"its date is {text}, so Snakemake takes the files made from it for outdated"
        yield Fault(path, "dated", problem, remedies.touch(path))


def _files(folder: Path, faults: list[Fault]) -> Iterator[Path]:
    """Yield all files below `folder`; each folder is entered once, however many links lead to it."""

    def closed(error: OSError) -> None:
        path = plain(Path(os.fsdecode(error.filename)))
        problem = f"cannot be opened ({error.strerror})"
        faults.append(Fault(path, "damaged", problem, remedies.look_at(path)))

    entered = set()
    for root, folders, names in os.walk(folder, onerror=closed, followlinks=True):
        real = os.path.realpath(root)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        # A folder with the name of a study's file is a fault of that file.
        named = [name for name in folders if Place.of(Path(root) / name)]
        yield from (Path(root) / name for name in (*names, *named))
