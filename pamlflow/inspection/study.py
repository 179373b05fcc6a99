"""Compare the files of a study with each other, without its configuration.

A path says to which experiment, strategy, trial and round a file belongs. The file records its parents, and
all trials of an experiment have the same files. In the folder of a learner, each recording is read, and each
round is compared with the recordings it was made from. Only Snakemake, which knows the configuration, can see
strategies and trials that were never run, and changed settings. Figures have no seal and are not checked.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

from pamlflow.inspection import running, workers
from pamlflow.inspection.facts import (
    Facts,
    Fault,
    Found,
    crashed,
    examine,
    inconsistent,
    missing,
    sound,
)
from pamlflow.inspection.walk import walk
from pamlflow.names import INITIAL
from pamlflow.storage import files, recordings, remedies
from pamlflow.storage.places import Place, study_of


@dataclass(frozen=True)
class Report:
    """The number of files read, the faults, and the missing files that a running study is still to make."""

    count: int
    faults: list[Fault]
    awaited: list[Fault]


def check(folders: Sequence[Path]) -> Report:
    """Check all files in `folders`, and the files that they were made from.

    A file has at most one fault, the first that is found.
    """
    walks = [walk(folder) for folder in folders]
    paths = set().union(*(each.paths for each in walks))
    found: dict[Path, Facts | Fault] = {}
    while new := sorted(paths - found.keys()):
        for path, facts in workers.each(examine, new):
            found[path] = crashed(path, facts) if isinstance(facts, workers.Crash) else facts
        parents = {parent for facts in sound(found).values() for parent in facts.parents}
        paths |= {parent for parent in parents if _is_known(parent) and os.path.lexists(parent)}
    found = dict(sorted(found.items()))
    damaged = (fault for fault in found.values() if isinstance(fault, Fault))
    seen = chain.from_iterable(each.faults for each in walks)
    faults: dict[Path, Fault] = {}
    for fault in chain(damaged, seen, _lineage(found), _trials(found), _tables(found)):
        faults.setdefault(fault.path, fault)
    made = running.being_made(folders)
    ordered = [faults[path] for path in sorted(faults)]
    awaited = [
        fault
        for fault in ordered
        if fault.kind not in ("damaged", "dated") and running.is_awaited(fault.path, made)
    ]
    return Report(len(found), [fault for fault in ordered if fault not in awaited], awaited)


def summary(report: Report) -> str:
    """Return a report in one line, with the commands that make all faulty files again."""
    line = f"{report.count} files, no fault"
    if report.faults:
        kinds = Counter(fault.kind for fault in report.faults)
        listed = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        line = f"{report.count} files, faults: {listed}"
    if report.awaited:
        first, more = report.awaited[0].path, len(report.awaited) - 1
        line += f"; still running, not made yet: {first}" + f" and {more} more" * (more > 0)
        line += " (if no Snakemake runs there, `make recover` and start the study again)"
    targets = dict.fromkeys(
        path
        for fault in report.faults
        if fault.kind not in ("stray", "empty", "dated")
        for path in (fault.with_it, fault.path)
        if path is not None and (remedies.is_learners_round(path) or study_of(path))
    )
    learned = [path for path in targets if remedies.is_learners_round(path)]
    studied = [path for path in targets if path not in learned]
    groups = [paths for paths in (studied, learned) if paths]
    commands = [remedies.rebuild(*paths, what="them all") for paths in groups]
    return "; ".join([line, *commands])


def _is_known(path: Path) -> bool:
    """Return whether a stage or a learner writes such a file."""
    return Place.of(path) is not None or recordings.is_recording(path)


def _lineage(found: Found) -> Iterator[Fault]:
    """Compare each file with its parents."""
    absent, made_from = defaultdict(list), defaultdict[Path, dict[Path, str]](dict)
    for path, facts in sound(found).items():
        for parent, sha256 in facts.parents.items():
            other = found.get(parent)
            if isinstance(other, Facts):
                made_from[parent][path] = sha256
            elif other is None and recordings.is_recording(parent):
                text = f"made from {parent}, which is not there"
                remedy = f"put that back; if the task was discarded, {remedies.rebuild(path)}"
                yield Fault(path, "inconsistent", text, remedy)
            elif other is None and _is_known(parent):
                absent[parent].append(path)
            elif other is None:
                yield inconsistent(path, f"made from {parent}, and no stage writes such a file")
        place = Place.of(path)
        if place is not None and place.schema == "round":
            yield from _continuity(place, facts, found)
        if place is not None and facts.rows:
            yield from _membership(place, facts, found)
    for parent, (first, *others) in absent.items():
        more = f" and {len(others)} more" if others else ""
        yield missing(parent, f"{first}{more} was made from it")
    for parent, children in made_from.items():
        other = found[parent]
        assert isinstance(other, Facts)
        yield from _changed(parent, other.sha256, children)


def _changed(parent: Path, sha256: str, children: Mapping[Path, str]) -> Iterator[Fault]:
    """Compare the SHA-256 of a file with those that its `children` recorded when they were made from it.

    If all children recorded another one, the file has changed since; if only some did, they were not made again
    with it. In both cases the file is made again too, since its content may be wrong and must not spread.
    """
    others = {path: digest for path, digest in children.items() if digest != sha256}
    if others and len(others) == len(children) and not recordings.is_recording(parent):
        first, digest = next(iter(others.items()))
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        expected = f"expected SHA-256 {digest[:12]}..., as {first}{more} recorded that it had"
        yield inconsistent(parent, f"{expected} when made from it, found {sha256[:12]}...")
        return
    for path, digest in others.items():
        expected = f"expected {parent}, which it was made from, with SHA-256 {digest[:12]}"
        problem = f"{expected}..., found {sha256[:12]}..."
        again = () if recordings.is_recording(parent) else (parent,)
        remedy = remedies.rebuild(*again, path, what="both" if again else "it")
        yield Fault(path, "inconsistent", problem, remedy, *again)


def _continuity(place: Place, facts: Facts, found: Found) -> Iterator[Fault]:
    """Check that a round has the number in its name, and that it continues the round before."""
    if facts.rounds != (place.number,):
        text = f"expected number {place.number} in dataset 'round', found {facts.rounds[0]}"
        yield inconsistent(place.path, text)
    before = place.before().path
    other = found.get(before)
    if before not in facts.parents:
        parents = ", ".join(map(str, facts.parents)) or "none"
        yield inconsistent(place.path, f"expected {before} among its parents, found {parents}")
    elif isinstance(other, Facts) and other.tasks != facts.earlier:
        newest = " and one more" if place.number else ""
        yield inconsistent(place.path, f"expected the tasks of {before}{newest}, found others")


def _membership(place: Place, facts: Facts, found: Found) -> Iterator[Fault]:
    """Check that the tasks of a trial with a pool are the recorded rows of it, each once."""
    pool = place._replace(schema="pool", strategy="", round="").path
    if pool not in facts.parents:
        yield inconsistent(place.path, f"expected {pool} among its parents")
    if twice := [row for row, count in Counter(facts.rows).items() if count > 1]:
        yield inconsistent(place.path, f"expected each row of {pool} once, found {twice} again")
    other = found.get(pool)
    if isinstance(other, Facts):
        candidates = dict(enumerate(other.members))
        for task, (row, member) in enumerate(zip(facts.rows, facts.members, strict=True)):
            if candidates.get(row) != member:
                text = f"expected task {task} to be row {row} of {pool}, found another one"
                yield inconsistent(place.path, text)


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
            yield missing(table, "there are scores, but no summary of them")


def _last_round(held: Mapping[Place, Facts | Fault]) -> int:
    """Return the last round with scores in an experiment; before any scores, the last round."""
    scored = [
        facts.rounds[-1]
        for place, facts in held.items()
        if place.schema == "metrics" and not place.has_one_round and isinstance(facts, Facts)
    ]
    return max(scored or [place.number for place in held])


def _trial(
    metrics: Place, facts: Facts | Fault | None, rounds: set[int], last: int
) -> Iterator[Fault]:
    """Check that a trial has all rounds up to number `last`, and their scores."""
    first, last = (0, 0) if metrics.has_one_round else (1, last)
    newest = max(rounds, default=-1)
    for number in range(first, newest):
        if number not in rounds:
            yield missing(metrics.at(number).path, f"the same trial has round {newest}")
    if newest < last:
        text = f"expected rounds up to {last}, as in other trials"
        has = f"round {newest}" if rounds else "none"
        yield missing(metrics.at(max(first, newest + 1)).path, f"{text}, found {has}")
    elif facts is None and metrics.strategy != INITIAL:
        yield missing(metrics.path, f"the trial has its rounds up to {last}, but no scores")
    if isinstance(facts, Facts) and facts.rounds != tuple(range(last + 1)):
        text = f"expected scores of rounds 0 to {last}, as in other trials"
        yield inconsistent(metrics.path, f"{text}, found {', '.join(map(str, facts.rounds))}")


def _tables(found: Found) -> Iterator[Fault]:
    """Whether each summary is beside the table that holds the same rows, and each figure beside its own."""
    for path, facts in sound(found).items():
        if not facts.table:
            continue
        for figure in (
            path.with_name(f"{name}.svg") for name in ("comparison", "rank_correlation")
        ):
            table = figure.with_suffix(".csv")
            if os.path.exists(figure) and not os.path.lexists(table):
                yield missing(table, f"{figure} was drawn from it")
        table = path.with_suffix(".csv")
        try:
            digest = files.sha256(files.read(table))
        except FileNotFoundError:
            yield missing(table, f"the table of {path} is not there")
        except OSError as error:
            problem = f"cannot be opened ({error.strerror})"
            yield Fault(table, "damaged", problem, remedies.look_at(table))
        else:
            if digest != facts.table:
                problem = f"expected the rows of {path}, found others"
                yield Fault(table, "damaged", problem, remedies.rebuild(table))
