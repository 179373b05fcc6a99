"""Walk a study and find what is missing, damaged or at odds, without its configuration.

A tree of files tells this much by itself: a path says which experiment, strategy, trial and round a
file belongs to, the file says what it was made from, and the trials of an experiment are alike. Of a
learner's folder each recording is read, and each round compared with those it was made from. A
strategy nobody ran, trials that every strategy lacks and parameters changed since are Snakemake's to
see. Tables (CSV) and figures bear no seal and are left out.
"""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from pamlflow.names import INITIAL
from pamlflow.pool import Pool
from pamlflow.storage import files, recordings, remedies, store
from pamlflow.storage.places import Place, plain
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray, IntArray

WORKERS = min(8, os.cpu_count() or 1)
"""Processes that read files: more would disturb the others on a login node."""


class Fault(NamedTuple):
    """What is wrong with one file, and what to do about it."""

    path: Path
    kind: Literal["missing", "damaged", "inconsistent", "stray", "empty"]
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: {self.problem}; {self.remedy}"


@dataclass(frozen=True)
class Facts:
    """What is kept of a sound file, to be compared with others.

    `rounds` are those it is about. `tasks` is a digest of its tasks, `earlier` of those that it
    should share with the file it goes on from: all but the newest of a round that chose one. `rows`
    are those of the pool that its tasks are, `members` a digest of each, or of each candidate.
    """

    sha256: str
    parents: Mapping[Path, str]
    rounds: tuple[int, ...]
    tasks: str
    earlier: str
    rows: tuple[int, ...]
    members: tuple[str, ...]


Found = Mapping[Path, Facts | Fault]


def check(folders: Sequence[Path]) -> tuple[int, list[Fault]]:
    """Return how many files `folders` hold or were made from, and what is wrong with them.

    A file has one fault at most, the first that is found. Each file is examined once.
    """
    paths, strays = _walk(folders)
    found: dict[Path, Facts | Fault] = {}
    with ProcessPoolExecutor(WORKERS) as pool:
        while new := sorted(paths - found.keys()):
            found.update(zip(new, pool.map(examine, new, chunksize=8), strict=True))
            parents = {parent for facts in _sound(found).values() for parent in facts.parents}
            paths |= {parent for parent in parents if parent.exists()}
    damaged = (fault for fault in found.values() if isinstance(fault, Fault))
    faults: dict[Path, Fault] = {}
    for fault in chain(strays, damaged, _lineage(found), _trials(found)):
        faults.setdefault(fault.path, fault)
    return len(found), [faults[path] for path in sorted(faults)]


def summary(count: int, faults: Sequence[Fault]) -> str:
    """Return what `check` found in one line, with one command for all that can be made again."""
    if not faults:
        return f"{count} files, no fault"
    kinds = Counter(fault.kind for fault in faults)
    line = f"{count} files, faults: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    paths = [fault.path for fault in faults if fault.kind not in ("stray", "empty")]
    learned = [path for path in paths if remedies.is_learners_round(path)]
    studied = [path for path in paths if not remedies.is_learners(path.parent)]
    groups = [targets for targets in (studied, learned) if targets]
    commands = [remedies.rebuild(*targets, what="them all") for targets in groups]
    return "; ".join([line, *commands])


def examine(path: Path) -> Facts | Fault:
    """Read one file, and keep what is compared with others."""
    place = Place.of(path)
    if recordings.is_recording(path):
        return _recording(path)
    if place is None and remedies.is_learners_round(path):
        return _learners_round(path)
    if place is None:
        return Fault(path, "stray", "no stage writes a file of this name", "move it elsewhere")
    try:
        record = store.read(path, place.schema)
        datasets = record.datasets
        tasks = earlier = ""
        members: tuple[str, ...] = ()
        rows = datasets.get("pool/rows", np.array([], dtype=np.int64))
        if "tasks/lengths" in datasets:
            task_set = TaskSet.from_datasets(datasets)
            shared = np.arange(task_set.num_tasks - (place.number > 0))
            tasks = _digest(task_set, rows)
            earlier = _digest(task_set.subset(shared), rows[: len(shared)])
            members = _members(task_set.descriptors, task_set.parameters) if rows.size else ()
        elif place.schema == "pool":
            pool = Pool.from_datasets(datasets)
            members = _members(pool.descriptors, pool.parameters)
    except store.StoreError as error:
        return Fault(path, "damaged", error.problem, error.remedy)
    except ValueError as error:  # tasks that are none
        return _inconsistent(path, str(error))
    return Facts(
        sha256=record.sha256,
        parents={plain(path.parent / name): sha256 for name, sha256 in record.parents.items()},
        rounds=tuple(np.ravel(datasets.get("round", ())).tolist()),
        tasks=tasks,
        earlier=earlier,
        rows=tuple(rows.tolist()),
        members=members,
    )


def _recording(path: Path) -> Facts | Fault:
    """What a robot recorded; whether it fits the variables is for the learner to see."""
    try:
        recordings.read(path)
    except recordings.RecordingError as error:
        return Fault(path, "damaged", error.problem, error.remedy)
    return _made_from({}, path, files.sha256(path.read_bytes()))


def _learners_round(path: Path) -> Facts | Fault:
    """A round of a learner, which compares its tasks with the recordings itself."""
    try:
        record = store.read(path, "round")
    except store.StoreError as error:
        return Fault(path, "damaged", error.problem, error.remedy)
    return _made_from(record.parents, path, record.sha256)


def _made_from(parents: Mapping[str, str], path: Path, sha256: str) -> Facts:
    """The facts of a file in a learner's folder: what it was made from, and no more."""
    made_from = {plain(path.parent / name): digest for name, digest in parents.items()}
    return Facts(sha256, made_from, rounds=(), tasks="", earlier="", rows=(), members=())


def _walk(folders: Sequence[Path]) -> tuple[set[Path], list[Fault]]:
    """The HDF5 files and recordings in `folders`, and what is wrong with all else."""
    paths: set[Path] = set()
    faults = []
    for folder in folders:
        inside = [plain(path) for path in _files(folder)]
        hdf5 = {path for path in inside if path.suffix == ".h5"}
        learners = {path.parent for path in inside if path.name == remedies.LEARNER}
        if not hdf5 and not learners:
            remedy = "name the results of a study, or make them with `snakemake --cores all`"
            faults.append(Fault(folder, "empty", "expected HDF5 files, found none", remedy))
        problem = "the rest of an interrupted write, unless a job is writing it now"
        for path in filter(files.is_temporary, inside):
            told = recordings.is_interrupted(path)
            remedy = remedies.recover(path.parent) if told else remedies.remove(path)
            faults.append(Fault(path, "stray", problem, remedy))
        recorded = {path for path in inside if recordings.is_recording(path)}
        faults += chain.from_iterable(map(_folder_of_a_learner, sorted(learners)))
        paths |= hdf5 | recorded
    return paths, faults


def _folder_of_a_learner(folder: Path) -> Iterator[Fault]:
    """What is wrong with what no other file says: what the folder is about, and gaps in its recordings."""
    try:
        recordings.about(folder)
    except recordings.RecordingError as error:
        yield Fault(folder / remedies.LEARNER, "damaged", error.problem, error.remedy)
    try:
        recordings.paths(folder)
    except recordings.RecordingError as error:
        yield Fault(Path(error.where), "missing", error.problem, error.remedy)


def _files(folder: Path) -> Iterator[Path]:
    """All files below `folder`, also through links to other folders, each of which is entered once."""
    entered = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        yield from (Path(root) / name for name in names)


def _lineage(found: Found) -> Iterator[Fault]:
    """Compare each file with those it was made from."""
    children = defaultdict(list)
    for path, facts in _sound(found).items():
        for parent, sha256 in facts.parents.items():
            other = found.get(parent)
            if other is None and recordings.is_recording(parent):
                text = f"made from {parent}, which is not there"
                remedy = f"put that back; if the task was discarded, {remedies.rebuild(path)}"
                yield Fault(path, "inconsistent", text, remedy)
            elif other is None:
                children[parent].append(path)
            elif isinstance(other, Facts) and other.sha256 != sha256:
                expected = f"expected {parent}, which it was made from, with SHA-256 {sha256[:12]}"
                yield _inconsistent(path, f"{expected}..., found {other.sha256[:12]}...")
        place = Place.of(path)
        if place is not None and place.schema == "round":
            yield from _continuity(place, facts, found)
        if place is not None and facts.rows:
            yield from _membership(place, facts, found)
    for parent, (first, *others) in children.items():
        more = f" and {len(others)} more" if others else ""
        yield _missing(parent, f"{first}{more} was made from it")


def _continuity(place: Place, facts: Facts, found: Found) -> Iterator[Fault]:
    """Whether a round is the one that its name says, and goes on where the one before ended."""
    if facts.rounds != (place.number,):
        text = f"expected number {place.number} in dataset 'round', found {facts.rounds[0]}"
        yield _inconsistent(place.path, text)
    before = place.before().path
    other = found.get(before)
    if before not in facts.parents:
        parents = ", ".join(map(str, facts.parents)) or "none"
        yield _inconsistent(place.path, f"expected {before} among its parents, found {parents}")
    elif isinstance(other, Facts) and other.tasks != facts.earlier:
        newest = " and one more" if place.number else ""
        yield _inconsistent(place.path, f"expected the tasks of {before}{newest}, found others")


def _membership(place: Place, facts: Facts, found: Found) -> Iterator[Fault]:
    """Whether the tasks of a trial with a pool are the rows of it that they say, none twice."""
    pool = place._replace(schema="pool", strategy="", round="").path
    if pool not in facts.parents:
        yield _inconsistent(place.path, f"expected {pool} among its parents")
    if twice := [row for row, count in Counter(facts.rows).items() if count > 1]:
        yield _inconsistent(place.path, f"expected each row of {pool} once, found {twice} again")
    other = found.get(pool)
    if isinstance(other, Facts):
        candidates = dict(enumerate(other.members))
        for task, (row, member) in enumerate(zip(facts.rows, facts.members, strict=True)):
            if candidates.get(row) != member:
                text = f"expected task {task} to be row {row} of {pool}, found another one"
                yield _inconsistent(place.path, text)


def _trials(found: Found) -> Iterator[Fault]:
    """Compare the trials of each experiment with each other."""
    experiments: defaultdict[tuple[str, str], dict[Place, Facts | Fault]] = defaultdict(dict)
    for path, facts in found.items():
        place = Place.of(path)
        if place is not None and place.strategy:
            experiments[place.root, place.experiment][place] = facts
    for (root, experiment), held in experiments.items():
        rounds: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for place in held:
            if place.schema == "round":
                rounds[place.strategy, place.trial].add(place.number)
        last = _last_round(held)
        strategies = sorted({place.strategy for place in held})
        trials = sorted({place.trial for place in held})
        for strategy, trial in product(strategies, trials):
            metrics = Place(root, "metrics", experiment, strategy, trial)
            yield from _trial(metrics, held.get(metrics), rounds[strategy, trial], last)
        table = Place(root, "summary", experiment).path
        if not table.exists() and any(place.schema == "metrics" for place in held):
            yield _missing(table, "there are scores, but no summary of them")


def _last_round(held: Mapping[Place, Facts | Fault]) -> int:
    """The last round that the experiment scores; before any scores, the last that there is."""
    scored = [
        facts.rounds[-1]
        for place, facts in held.items()
        if place.schema == "metrics" and not place.has_one_round and isinstance(facts, Facts)
    ]
    return max(scored or [place.number for place in held])


def _trial(
    metrics: Place, facts: Facts | Fault | None, rounds: set[int], last: int
) -> Iterator[Fault]:
    """Whether a trial has its rounds up to number `last`, without a gap, and all their scores."""
    first, last = (0, 0) if metrics.has_one_round else (1, last)
    newest = max(rounds, default=-1)
    for number in range(first, newest):
        if number not in rounds:
            yield _missing(metrics.at(number).path, f"the same trial has round {newest}")
    if newest < last:
        text = f"expected rounds up to {last}, as in other trials"
        has = f"round {newest}" if rounds else "none"
        yield _missing(metrics.at(max(first, newest + 1)).path, f"{text}, found {has}")
    elif facts is None and metrics.strategy != INITIAL:
        yield _missing(metrics.path, f"the trial has its rounds up to {last}, but no scores")
    if isinstance(facts, Facts) and facts.rounds != tuple(range(last + 1)):
        text = f"expected scores of rounds 0 to {last}, as in other trials"
        yield _inconsistent(metrics.path, f"{text}, found {', '.join(map(str, facts.rounds))}")


def _sound(found: Found) -> dict[Path, Facts]:
    return {path: facts for path, facts in found.items() if isinstance(facts, Facts)}


def _digest(tasks: TaskSet, rows: IntArray) -> str:
    datasets = sorted(tasks.to_datasets().items())
    content = b"".join(np.asarray(data).tobytes() for _, data in datasets)
    return hashlib.sha256(content + rows.tobytes()).hexdigest()


def _members(descriptors: FloatArray, parameters: FloatArray) -> tuple[str, ...]:
    pairs = zip(descriptors, parameters, strict=True)
    contents = (seen.tobytes() + truth.tobytes() for seen, truth in pairs)
    return tuple(hashlib.sha256(content).hexdigest() for content in contents)


def _missing(path: Path, problem: str) -> Fault:
    return Fault(path, "missing", problem, remedies.rebuild(path))


def _inconsistent(path: Path, problem: str) -> Fault:
    return Fault(path, "inconsistent", problem, remedies.rebuild(path))
