import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import pytest
from examples import edited, example

from pamlflow.cli import main
from pamlflow.inspection import facts
from pamlflow.inspection import study as checking
from pamlflow.storage import files, recordings, remedies, store, tables
from pamlflow.storage.schemas import SCHEMAS

DATA, RESULTS = Path("data/cart_pole"), Path("results/cart_pole")
FILES = ("round_01", "metrics")
TRIALS, LAST = ("trial_00", "trial_01"), 2
ROUND_1, ROUND_2 = (RESULTS / f"paml/trial_01/round_0{number}.h5" for number in (1, 2))
POOL, POOLED = Path("data/pooled/trial_00/pool.h5"), Path("results/pooled")
ABOUT = """{
  "initial_tasks": 1, "design": [[1.0]], "space": {"mass": [0.5, 3.0, "kg"]}, "inputs": [], "outputs": []
}"""
METRICS, SUMMARY = RESULTS / "paml/trial_01/metrics.h5", RESULTS / "summary.h5"


def write(path, schema, parents=(), *, seed=1, tasks=3, **datasets):
    """A file of `tasks` tasks; those of a larger file begin with those of a smaller one."""
    sizes = {"N": tasks, "S": 4 * tasks, "A": np.size(datasets.get("round", 0))}
    content = example(schema, **sizes) | datasets
    if "tasks/lengths" in content:
        content["tasks/lengths"] = np.full(tasks, 4)
    if not any(parent.name == "pool.h5" for parent in parents) and "pool/rows" not in datasets:
        content.pop("pool/rows", None)
    store.write(path, schema, content, seed=seed, config={}, parents=parents)
    if schema == "summary":
        columns = {row.path: content[row.path] for row in SCHEMAS[schema].rows}
        path.with_suffix(".csv").write_bytes(tables.content(columns))
    return path


def write_round(path, parents, number, **options):
    return write(path, "round", parents, **{"tasks": 2 + number, "round": number} | options)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A study of two trials and three strategies, with nothing wrong."""
    folder = tmp_path_factory.mktemp("study")
    here = Path.cwd()
    os.chdir(folder)
    Path("Snakefile").touch()
    test_tasks = write(DATA / "test_tasks.h5", "test_tasks")
    metrics = []
    for trial in TRIALS:
        tasks = write(DATA / trial / "initial_tasks.h5", "initial_tasks", tasks=2)
        design = write(DATA / trial / "design.h5", "design")
        first = write_round(RESULTS / "initial" / trial / "round_00.h5", [tasks], 0)
        oracle = RESULTS / "oracle" / trial
        rounds = {"oracle": [write(oracle / "round_00.h5", "round", [test_tasks], round=0)]}
        for strategy in ("paml", "uniform"):
            rounds[strategy] = [first]
            for number in range(1, LAST + 1):
                path = RESULTS / strategy / trial / f"round_0{number}.h5"
                parents = [rounds[strategy][-1], tasks, design]
                rounds[strategy].append(write_round(path, parents, number))
        for strategy, paths in rounds.items():
            path = RESULTS / strategy / trial / "metrics.h5"
            numbers = list(range(len(paths)))
            metrics.append(write(path, "metrics", [test_tasks, *paths], round=numbers))
    write(SUMMARY, "summary", metrics)
    write_pooled()
    os.chdir(here)
    return folder


def write_pooled():
    """A trial whose tasks are the first rows of its pool, in order."""
    pool = write(POOL, "pool")
    tasks = write(POOL.with_name("initial_tasks.h5"), "initial_tasks", [pool], tasks=2)
    rounds = [write_round(POOLED / "initial/trial_00/round_00.h5", [tasks, pool], 0)]
    for number in range(1, LAST + 1):
        path = POOLED / f"paml/trial_00/round_0{number}.h5"
        rounds.append(write_round(path, [rounds[-1], tasks, pool], number))
    test_tasks = write(POOL.parents[1] / "test_tasks.h5", "test_tasks")
    metrics = rounds[1].with_name("metrics.h5")
    write(metrics, "metrics", [test_tasks, *rounds], round=list(range(len(rounds))))
    write(POOLED / "summary.h5", "summary", [metrics])


@pytest.fixture
def study(sound, tmp_path, monkeypatch):
    """A copy to be spoilt, as the working folder."""
    folder = shutil.copytree(sound, tmp_path / "study")
    monkeypatch.chdir(folder)
    return folder


def faults(*folders):
    """What is wrong: a mapping from the path to the kind of fault and its text."""
    report = checking.check([Path(folder) for folder in folders or ("results",)])
    return {fault.path: (fault.kind, str(fault)) for fault in report.faults}


def only(path, kind, *fragments):
    """One fault and no other: of that kind, with the fragments and the command that rebuilds."""
    found = faults()
    assert list(found) == [path]
    assert found[path][0] == kind
    for fragment in (*fragments, f"`snakemake --cores all --forcerun {path}`"):
        assert fragment in found[path][1]


def test_a_sound_study_has_no_fault_and_brings_its_data(study, capsys):
    assert faults() == faults("data", "results") == faults("results/cart_pole/paml") == {}
    assert main(["check", "results"]) == 0
    assert capsys.readouterr().out == f"{len(list(study.rglob('*.h5')))} files, no fault\n"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda content: b"", "found an empty file"),
        (lambda content: content[:-100], "truncated: expected"),
        (lambda content: content[:5000] + b"x" + content[5001:], "expected SHA-256"),
    ],
    ids=["empty", "truncated", "changed"],
)
@pytest.mark.parametrize("path", [ROUND_1, METRICS, SUMMARY, DATA / "trial_01/initial_tasks.h5"])
def test_damage_is_blamed_on_the_damaged_file_alone(study, path, spoil, problem):
    path.write_bytes(spoil(path.read_bytes()))
    only(path, "damaged", problem)


def test_a_file_that_lost_its_seal_is_blamed_itself(study):
    """Those made from it are as they were, and are not to be made again of what it says."""
    METRICS.write_bytes(METRICS.read_bytes()[files.SEAL_BYTES :])
    with h5py.File(METRICS, "r+") as file:
        file["nll"][...] = -99.0
    only(METRICS, "damaged", "expected a sealed HDF5 file, found one without a seal")


@pytest.mark.parametrize("path", [ROUND_1, ROUND_2, METRICS, DATA / "test_tasks.h5"])
def test_a_file_that_others_were_made_from_is_missed_once(study, path):
    path.unlink()
    only(path, "missing", " was made from it")


def test_a_gap_in_the_rounds_is_named_file_by_file(study):
    folder = RESULTS / "uniform/trial_00"
    rounds = [folder / f"round_0{number}.h5" for number in range(6)]
    for number in (3, 4, 5):
        tasks = sorted((DATA / "trial_00").iterdir())
        write_round(rounds[number], [rounds[number - 1], *tasks], number)
    rounds[3].unlink()
    rounds[4].unlink()
    found = faults()
    assert list(found) == rounds[3:5] and {kind for kind, _ in found.values()} == {"missing"}
    assert "the same trial has round 5" in found[rounds[3]][1]


def test_a_trial_that_another_strategy_has_is_missed(study):
    shutil.rmtree(RESULTS / "uniform/trial_01")
    shutil.rmtree(RESULTS / "oracle/trial_00")
    SUMMARY.unlink()
    found = faults()
    assert list(found) == [
        RESULTS / "oracle/trial_00/round_00.h5",
        SUMMARY,
        RESULTS / "uniform/trial_01/round_01.h5",
    ]
    expected = "missing: expected rounds up to 2, as in other trials, found none"
    assert expected in found[RESULTS / "uniform/trial_01/round_01.h5"][1]


def test_an_unfinished_trial_is_one_line(study):
    for path in (ROUND_2, METRICS, SUMMARY):
        path.unlink()
    found = faults()
    assert list(found) == [ROUND_2, SUMMARY]
    assert "expected rounds up to 2, as in other trials, found round 1" in found[ROUND_2][1]


def test_scores_that_are_not_there_are_missed(study):
    METRICS.unlink()
    SUMMARY.unlink()
    assert {path: kind for path, (kind, _) in faults().items()} == {
        METRICS: "missing",
        SUMMARY: "missing",
    }


def test_a_study_that_has_no_scores_yet_is_compared_by_its_rounds(study):
    for path in [SUMMARY, ROUND_2, *RESULTS.rglob("metrics.h5")]:
        path.unlink()
    found = faults()
    assert found[ROUND_2][0] == "missing" and len(found) == 6


def test_scores_of_fewer_rounds_than_elsewhere(study):
    parents = [DATA / "test_tasks.h5", RESULTS / "initial/trial_01/round_00.h5", ROUND_1]
    write(METRICS, "metrics", parents, round=[0, 1])
    write(SUMMARY, "summary", RESULTS.rglob("metrics.h5"))
    only(METRICS, "inconsistent", "expected scores of rounds 0 to 2", "found 0, 1")


def parents(path):
    """What a file was made from."""
    return [path.parent / name for name in store.read(path).parents]


def accept(path):
    """Make the scores and the summary of a changed round anew."""
    metrics = path.with_name("metrics.h5")
    write(metrics, "metrics", parents(metrics), round=[0, 1, 2])
    write(SUMMARY, "summary", parents(SUMMARY))


def test_a_file_that_none_was_made_from_as_it_is(study):
    """It was changed after them: whatever it says now, making them again would spread it."""
    start = RESULTS / "initial/trial_00/round_00.h5"
    write_round(start, parents(start), 0, seed=7)
    first = RESULTS / "paml/trial_00/metrics.h5"
    only(start, "inconsistent", "expected SHA-256 ", f"as {first} and 3 more recorded")


def test_numbers_that_were_changed_and_sealed_are_blamed_on_their_file(study):
    with edited(METRICS) as file:
        file["nll"][...] = -99.0
    only(METRICS, "inconsistent", f"as {SUMMARY} recorded that it had when made from it")


def test_a_file_that_was_not_made_again_with_the_others(study):
    """The one that it was made from is made again, too: one of the two is wrong."""
    start = RESULTS / "initial/trial_00/round_00.h5"
    write_round(start, parents(start), 0, seed=7)
    late = RESULTS / "uniform/trial_00/round_01.h5"
    write_round(late, parents(late), 1)
    found = faults()
    children = {f"{name}/trial_00/metrics.h5" for name in ("paml", "uniform")}
    children |= {"paml/trial_00/round_01.h5"}
    assert set(found) - {late} == {RESULTS / child for child in children}
    for child in children:
        kind, text = found[RESULTS / child]
        assert kind == "inconsistent"
        assert f"expected {start}, which it was made from, with SHA-256" in text
        assert (
            f"rebuild both with `snakemake --cores all --forcerun {start} {RESULTS / child}`"
            in text
        )


def test_a_round_under_the_name_of_another(study):
    write_round(ROUND_2, parents(ROUND_2), 2, **{"round": 4})
    accept(ROUND_2)
    only(ROUND_2, "inconsistent", "expected number 2 in dataset 'round', found 4")


def test_a_round_that_goes_on_from_nothing(study):
    others = [parent for parent in parents(ROUND_2) if parent.name != ROUND_1.name]
    write_round(ROUND_2, others, 2)
    accept(ROUND_2)
    only(ROUND_2, "inconsistent", f"expected {ROUND_1} among its parents, found")


@pytest.mark.parametrize("path", [ROUND_2, ROUND_1, RESULTS / "initial/trial_01/round_00.h5"])
@pytest.mark.parametrize("change", ["value", "number"])
def test_tasks_that_do_not_continue_those_before(study, path, change):
    number = int(path.stem[-1])
    if change == "value":
        descriptors = example("round", N=2 + number)["tasks/descriptors"]
        descriptors[0, 0] += 0.5
        write_round(path, parents(path), number, **{"tasks/descriptors": descriptors})
    else:
        write_round(path, parents(path), number, tasks=4 + number)
    _, text = faults()[path]
    assert ": inconsistent: expected the tasks of " in text and "found others" in text


def spoil_pooled(**options):
    """Write the last round of the trial with a pool in another way, and accept the scores of it."""
    path = POOLED / "paml/trial_00/round_02.h5"
    write_round(path, options.pop("parents", parents(path)), 2, **options)
    metrics = path.with_name("metrics.h5")
    write(metrics, "metrics", parents(metrics), round=[0, 1, 2])
    write(POOLED / "summary.h5", "summary", [metrics])
    return path


def test_a_task_that_is_not_the_row_of_the_pool_it_says(study):
    path = spoil_pooled(**{"pool/rows": np.array([0, 1, 2, 4])})
    only(path, "inconsistent", f"expected task 3 to be row 4 of {POOL}, found another one")
    spoil_pooled(**{"pool/rows": np.array([0, 1, 2, 7])})
    only(path, "inconsistent", f"expected task 3 to be row 7 of {POOL}, found another one")


def test_a_row_of_the_pool_that_was_chosen_twice(study):
    descriptors = example("round", N=4)["tasks/descriptors"][[0, 1, 2, 1]]
    same = {"tasks/descriptors": descriptors, "tasks/parameters": descriptors}
    path = spoil_pooled(**same, **{"pool/rows": np.array([0, 1, 2, 1])})
    only(path, "inconsistent", f"expected each row of {POOL} once, found [1] again")


def test_rows_of_a_pool_that_is_no_parent(study):
    path = POOLED / "paml/trial_00/round_02.h5"
    others = [parent for parent in parents(path) if parent.name != "pool.h5"]
    spoil_pooled(parents=others, **{"pool/rows": np.arange(4)})
    only(path, "inconsistent", f"expected {POOL} among its parents")


def test_earlier_tasks_that_were_other_rows(study):
    path = spoil_pooled(**{"pool/rows": np.array([1, 0, 2, 3])})
    only(path, "inconsistent", "expected the tasks of results/pooled/paml/trial_00/round_01.h5")


def test_a_pool_that_is_none(study):
    with edited(POOL) as file:
        file["pool/renderer"][...] = "rays"
        del file["pool/descriptors"]
        file["pool/descriptors"] = np.full((5, 4, 4, 2), 2.0)
    kind, text = faults()[POOL]
    assert kind == "inconsistent" and "task 0, pixel [0, 0]: descriptor '0' is 2.0" in text


def test_tasks_that_are_none(study):
    with edited(ROUND_2) as file:
        file["tasks/lengths"][0] = 1
    kind, text = faults()[ROUND_2]
    assert kind == "inconsistent" and "expected 13 rows (one per transition)" in text


def test_what_an_interrupted_write_left(study):
    left = ROUND_2.with_name(f".round_03.h5.{'0' * 32}.tmp")
    left.touch()
    assert faults() == {left: ("stray", mock.ANY)}
    assert f"`rm {left}`" in faults()[left][1]


def test_a_file_no_stage_writes(study):
    copy = Path(shutil.copy(ROUND_2, RESULTS / "round_02_copy.h5"))
    assert faults() == {copy: ("stray", mock.ANY)}


TABLE = SUMMARY.with_suffix(".csv")


@pytest.mark.parametrize(
    ("spoil", "kind", "problem"),
    [
        (lambda: TABLE.unlink(), "missing", f"the table of {SUMMARY} is not there"),
        (
            lambda: TABLE.write_bytes(TABLE.read_bytes().replace(b",3.0", b",-99.0")),
            "damaged",
            f"expected the rows of {SUMMARY}, found others",
        ),
        (lambda: TABLE.write_bytes(TABLE.read_bytes()[:-1]), "damaged", "found others"),
    ],
)
def test_a_table_that_is_not_that_of_its_summary(study, spoil, kind, problem):
    spoil()
    only(TABLE, kind, problem)


@pytest.mark.parametrize("name", ["comparison", "rank_correlation"])
def test_a_table_that_a_figure_was_drawn_from_is_missed(study, name):
    figure = RESULTS / f"{name}.svg"
    figure.touch()
    table = figure.with_suffix(".csv")
    only(table, "missing", f"{figure} was drawn from it")
    table.touch()
    assert faults() == {}


def lock(study, *paths):
    """What a Snakemake that is to make these files leaves until its end."""
    locks = study / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text("".join(f"{path}\n" for path in paths))


def test_a_study_that_is_still_running_has_no_fault(study, capsys):
    rest = [ROUND_2, METRICS, SUMMARY, TABLE]
    for path in rest:
        path.unlink()
    left = ROUND_2.with_name(f".round_02.h5.{'0' * 32}.tmp")
    left.touch()
    lock(study, *rest)
    assert main(["check", "results"]) == 0
    count = len(list(study.rglob("*.h5")))
    line = f"{count} files, no fault; still running, not made yet: {left} and 2 more (if no "
    assert capsys.readouterr().out.startswith(line)

    ROUND_1.write_bytes(ROUND_1.read_bytes()[:-1])
    assert main(["check", "results"]) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"FAIL {ROUND_1}: damaged: truncated")
    assert "faults: 1 damaged; still running, not made yet: " in last


def test_what_a_running_study_does_not_make_is_missed(study):
    lock(study, SUMMARY)
    ROUND_2.unlink()
    assert list(faults()) == [ROUND_2]


def test_a_study_that_has_just_begun(study, capsys):
    shutil.rmtree("results")
    Path("results").mkdir()
    lock(study, ROUND_1)
    assert main(["check", "results"]) == 0
    assert "0 files, no fault; still running, not made yet: results (" in capsys.readouterr().out


def test_a_file_that_is_dated_ahead_of_the_clock(study):
    later = time.time() + 7200
    os.utime(ROUND_1, (later, later))
    kind, text = faults()[ROUND_1]
    assert kind == "dated" and "its date is 2.0 hours ahead of the clock (" in text
    assert f"`touch {ROUND_1}`" in text and len(faults()) == 1


def test_what_is_no_file_is_named_and_nothing_waits_for_it(study):
    """A pipe that nobody writes to, a link to nowhere, one to itself, a device, and a folder."""
    paths = [RESULTS / f"paml/trial_01/round_0{number}.h5" for number in range(3, 8)]
    os.mkfifo(paths[0])
    paths[1].symlink_to("gone.h5")
    paths[2].symlink_to(paths[2].name)
    paths[3].symlink_to("/dev/zero")
    paths[4].mkdir()
    METRICS.unlink()
    found = faults()
    for path, problem in zip(
        paths,
        (
            "a named pipe",
            "a link to gone.h5, which is not there",
            "symbolic",
            "a device",
            "a folder",
        ),
        strict=True,
    ):
        kind, text = found[path]
        assert kind == "damaged" and problem in text


def test_a_folder_that_cannot_be_opened(study, monkeypatch):
    scandir, closed = os.scandir, str(RESULTS / "oracle")

    def refuse(path):
        if str(path) == closed:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    kind, text = faults()[Path(closed)]
    assert (
        kind == "damaged"
        and f"cannot be opened (Permission denied); look at it with `ls -ld {closed}`" in text
    )


def test_parents_that_no_stage_writes(study):
    stranger = Path("notes.txt")
    stranger.touch()
    write_round(ROUND_2, [*parents(ROUND_2), stranger], 2)
    accept(ROUND_2)
    only(ROUND_2, "inconsistent", f"made from {stranger}, and no stage writes such a file")


def test_a_file_that_ends_the_process_that_reads_it_hides_no_other(study, monkeypatch):
    def crash(path):
        if path == ROUND_1:
            os.kill(os.getpid(), signal.SIGSEGV)
        return facts.examine(path)

    monkeypatch.setattr(checking, "examine", crash)
    METRICS.write_bytes(b"")
    found = faults()
    assert set(found) == {ROUND_1, METRICS}
    kind, text = found[ROUND_1]
    assert kind == "damaged" and "reading it ends the process that reads it (SIGSEGV)" in text


@pytest.fixture
def robot(tmp_path, monkeypatch):
    """The folder of a learner: three recordings, and the models of two and of three."""
    monkeypatch.chdir(tmp_path)
    robot = Path("robot")
    robot.mkdir()
    (robot / remedies.LEARNER).write_text(ABOUT)
    recorded = [recordings.path_of(robot, number) for number in range(3)]
    for number, path in enumerate(recorded):
        arrays = {name: np.full((4, 2), float(number)) for name in recordings.Recording._fields}
        recordings.save(path, arrays)
    for number in range(2):
        write_round(robot / f"round_0{number}.h5", recorded[: 2 + number], number)
    return robot


def test_the_folder_of_a_learner(robot, capsys):
    assert main(["check", "robot"]) == 0
    assert "5 files, no fault" in capsys.readouterr().out
    for path in robot.glob("*_0*"):
        path.unlink()
    assert main(["check", "robot"]) == 0  # it has recorded nothing yet
    assert "0 files, no fault" in capsys.readouterr().out
    recording = robot / "task_00.npz"
    recording.touch()
    assert main(["check", str(recording)]) == 1
    assert capsys.readouterr().out.startswith(f"FAIL {recording}: not a recording, or damaged")
    (robot / remedies.LEARNER).write_text("{")
    recording.unlink()
    line, *_ = checking.check([robot]).faults
    assert str(line).startswith(f"{robot / remedies.LEARNER}: damaged: not what a learner writes")


def test_what_may_be_a_recording_is_not_to_be_removed(robot):
    left = robot / f".task_03.npz.{'0' * 32}.tmp"
    left.touch()
    kind, text = faults("robot")[left]
    assert kind == "stray" and "rm " not in text
    assert text.endswith(f"keep the file until {robot} has it")


def test_learners_below_a_folder(robot, capsys):
    for path in robot.glob("round_*.h5"):
        path.unlink()
    assert main(["check", ".", str(robot / "task_00.npz")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["ok   robot/task_00.npz (recording)", "3 files, no fault"]


def test_a_damaged_model_of_a_learner(robot, capsys):
    path = robot / "round_01.h5"
    path.write_bytes(path.read_bytes()[:-100])
    assert main(["check", "robot"]) == 1
    line, last = capsys.readouterr().out.splitlines()
    assert line.startswith(f"FAIL {path}: damaged: truncated")
    assert line.endswith(
        f"remove it with `rm {path}`, and the learner of the folder makes it again"
    )
    assert last.startswith(f"5 files, faults: 1 damaged; remove them all with `rm {path}`")


def test_faulty_recordings_of_a_learner(robot):
    one, two = (robot / f"task_0{number}.npz" for number in (1, 2))
    models = {robot / "round_00.h5", robot / "round_01.h5"}
    content = bytearray(one.read_bytes())
    content[content.index(np.float64(1.0).tobytes())] ^= 1
    one.write_bytes(content)
    found = faults("robot")
    assert found.keys() == {one}
    kind, text = found[one]
    assert kind == "damaged" and f"; restore {one} from a copy, or move it away" in text

    shutil.copy(two, one)  # a sound one, but another
    found = faults("robot")
    assert found.keys() == models
    for path in models:
        kind, text = found[path]
        assert kind == "inconsistent" and f"expected {one}, which it was made from" in text

    one.unlink()
    found = faults("robot")
    assert found.keys() == models | {one}
    kind, text = found[one]
    assert kind == "missing" and "while there is task_02.npz; put it back" in text
    kind, text = found[robot / "round_00.h5"]
    assert kind == "inconsistent" and f"made from {one}, which is not there; put that back" in text


def test_a_recording_that_was_discarded(robot):
    """The last one needs no renumbering, and leaves a model that a learner would make again."""
    (robot / "task_02.npz").unlink()
    found, model = faults("robot"), robot / "round_01.h5"
    assert found.keys() == {model}
    kind, text = found[model]
    assert kind == "inconsistent"
    assert f"if the task was discarded, remove it with `rm {model}`" in text


def test_a_study_and_a_learner_have_a_command_each(study, capsys):
    folder = Path("robot")
    folder.mkdir()
    (folder / remedies.LEARNER).write_text(ABOUT)
    model = folder / "round_00.h5"
    for path in (ROUND_1, model):
        path.write_bytes(b"")
    assert main(["check", "results", "robot"]) == 1
    *_, last = capsys.readouterr().out.splitlines()
    assert f"`snakemake --cores all --forcerun {ROUND_1}`" in last
    assert f"; remove them all with `rm {model}`" in last


def test_a_folder_without_a_study(study, capsys):
    Path("empty").mkdir()
    assert main(["check", "empty"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAIL empty: empty: expected HDF5 files, found none; name the ")
    assert lines[1:] == ["0 files, faults: 1 empty"]


def test_the_last_line_rebuilds_everything(study, capsys):
    ROUND_1.write_bytes(b"")
    METRICS.unlink()
    left = ROUND_2.with_name(f".round_03.h5.{'0' * 32}.tmp")
    left.touch()
    assert main(["check", "results"]) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line[: line.index(": ")] for line in lines] == [
        f"FAIL {path}" for path in (left, METRICS, ROUND_1)
    ]
    count = len(list(study.rglob("*.h5")))
    command = f"`snakemake --cores all --forcerun {METRICS} {ROUND_1}`"
    kinds = "1 stray, 1 missing, 1 damaged"
    assert last.startswith(f"{count} files, faults: {kinds}; rebuild them all with {command}")


def test_files_and_folders_can_be_checked_together(study, capsys):
    assert main(["check", str(ROUND_1), "results", "data"]) == 0
    assert capsys.readouterr().out.startswith(f"ok   {ROUND_1} (round v1)\n")


def test_a_study_is_checked_from_elsewhere_and_behind_a_link(study, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert faults("../study/results") == {}
    Path("results").symlink_to(study / "results")
    Path("data").symlink_to(study / "data")
    assert faults("results") == {}


def test_a_linked_experiment_is_entered_once(study, tmp_path):
    moved = tmp_path / "scratch"
    shutil.move(RESULTS, moved)
    RESULTS.symlink_to(moved)
    (moved / "loop").symlink_to(moved)
    assert faults("results") == {}
    ROUND_1.write_bytes(ROUND_1.read_bytes()[:-100])
    assert faults("results") == {ROUND_1: ("damaged", mock.ANY)}


def test_a_check_needs_no_tensorflow_and_no_mujoco(study):
    code = (
        "import sys; from pamlflow.cli import main; code = main(['check', 'results']);"
        "assert not {'tensorflow', 'gpflow', 'mujoco', 'scipy', 'pandas'} & sys.modules.keys();"
        "sys.exit(code)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
