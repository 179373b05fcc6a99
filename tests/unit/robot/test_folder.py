"""The folder of a learner after a crash, on a bad disk, or with the wrong things in it."""

import errno
import io
import logging
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from spring_robot import files_of, open_learner, record, run

from pamlflow import RecordingError
from pamlflow.cli import main
from pamlflow.storage import files
from pamlflow.storage.store import StoreError


@pytest.fixture
def folder(tmp_path):
    """A learner's folder with two recordings."""
    record(open_learner(tmp_path), 1.0, 2.0)
    return tmp_path


def recording(mass=2.5):
    """The bytes of a recording that the folder has not."""
    inputs, outputs = run([mass, 4.0])
    content = io.BytesIO()
    np.savez(content, descriptor=[mass, 4.0], inputs=inputs, outputs=outputs)
    return content.getvalue()


def hidden(path, content):
    """What an interrupted write of `path` leaves."""
    left = path.with_name(f".{path.name}.{'0f' * 16}.tmp")
    left.write_bytes(content)
    return left


CUTS = [0, 1, 3, 4, 100, 700, -23, -22, -1]


@pytest.mark.parametrize("cut", CUTS)
def test_the_last_recording_cut_short_is_kept_aside(folder, cut, caplog):
    path, content = folder / "task_02.npz", recording()
    path.write_bytes(content[:cut])
    before = files_of(folder)
    learner = open_learner(folder)
    aside = folder / "refused_00.npz"
    assert learner.num_tasks == 2 and files_of(folder) == {
        **{name: each for name, each in before.items() if name != path.name},
        aside.name: content[:cut],
    }
    text = f"{path}: cut short when it was written; it is kept in {aside}"
    assert caplog.record_tuples == [("pamlflow.robot.folder", logging.WARNING, text)]
    caplog.clear()
    record(open_learner(folder), 2.5)
    assert path.read_bytes() == content and not caplog.messages


def test_zeros_that_a_crash_of_the_system_left_are_kept_aside(folder):
    (folder / "task_02.npz").write_bytes(bytes(4096))
    assert open_learner(folder).num_tasks == 2
    assert (folder / "refused_00.npz").read_bytes() == bytes(4096)


def flipped(content):
    """Bytes with one bit of a number changed."""
    return content[:700] + bytes([content[700] ^ 1]) + content[701:]


@pytest.mark.parametrize("content", [b"notes", flipped(recording())])
def test_what_no_crash_leaves_is_refused(folder, content):
    (folder / "task_02.npz").write_bytes(content)
    before = files_of(folder)
    with pytest.raises(RecordingError, match=r"task_02\.npz: not a recording, or damaged"):
        open_learner(folder)
    assert files_of(folder) == before


def test_a_recording_cut_short_before_others_is_refused(folder):
    path = folder / "task_00.npz"
    path.write_bytes(path.read_bytes()[:100])
    before = files_of(folder)
    with pytest.raises(RecordingError, match=r"task_00\.npz: not a recording, or damaged"):
        open_learner(folder)
    assert files_of(folder) == before


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("named", [None, b"", recording()[:100]])
def test_a_whole_recording_that_lacks_its_name_is_recovered(folder, number, named, caplog):
    path, content = folder / f"task_0{number}.npz", recording()
    path.unlink(missing_ok=True)
    left = hidden(path, content)
    if named is not None:
        path.write_bytes(named)
    learner = open_learner(folder)
    assert learner.num_tasks == (3 if number == 2 else 2)
    assert path.read_bytes() == content and not left.exists()
    np.testing.assert_array_equal(learner.tasks.subset([number]).outputs, run([2.5, 4.0])[1])
    assert f"{path}: recovered whole from an interrupted write" in caplog.messages
    if named is not None:
        assert (folder / "refused_00.npz").read_bytes() == named


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("task_01.npz", recording()),  # another one has this name
        ("task_07.npz", recording()),  # others before it are missing
        ("task_02.npz", recording(2.0)),  # the same as task 1
        ("refused_00.npz", recording()),
    ],
)
def test_a_whole_recording_that_has_no_place_is_kept_aside(folder, name, content, caplog):
    left, before = hidden(folder / name, content), files_of(folder)
    assert open_learner(folder).num_tasks == 2
    after = files_of(folder)
    assert after.pop("refused_00.npz") == content == before.pop(left.name)
    assert after == before
    text = "a whole recording from an interrupted write; `tell` it if it counts: it is kept in"
    assert caplog.messages == [f"{left}: {text} {folder / 'refused_00.npz'}"]


def test_a_gap_is_named_before_anything_is_moved(folder):
    (folder / "task_02.npz").write_bytes(b"")
    (folder / "task_04.npz").write_bytes(recording())
    before = files_of(folder)
    with pytest.raises(RecordingError, match=r"task_03\.npz: missing, while there is task_04\.npz"):
        open_learner(folder)
    assert files_of(folder) == before


def test_a_file_too_large_for_a_recording_is_not_read(folder):
    with open(folder / "task_02.npz", "wb") as file:
        file.truncate(2**40)  # a terabyte of nothing
    with pytest.raises(RecordingError, match=r"task_02\.npz: .* at most 268435456 bytes, found"):
        open_learner(folder)


def test_a_recording_that_may_not_be_read_is_named(folder, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    message = r"task_00\.npz: cannot be read \(Permission denied\); see to the disk"
    with pytest.raises(RecordingError, match=message):
        open_learner(folder)


def test_a_second_name_of_a_recording_is_removed(folder, caplog):
    path = folder / "task_01.npz"
    left = path.with_name(f".{path.name}.{'0f' * 16}.tmp")
    os.link(path, left)
    before = files_of(folder)
    assert open_learner(folder).num_tasks == 2
    del before[left.name]
    assert files_of(folder) == before and not caplog.messages


@pytest.mark.parametrize("content", [b"", recording()[:500]])
def test_the_beginning_of_a_write_is_left_to_who_may_be_writing(folder, content, caplog):
    left, before = hidden(folder / "task_02.npz", content), files_of(folder)
    assert open_learner(folder).num_tasks == 2
    assert files_of(folder) == before
    assert caplog.messages[0].startswith(f"{left}: the rest of an interrupted write")


def test_nobody_is_advised_to_delete_a_recording(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for name in ("task_02.npz", "refused_00.npz"):
        hidden(folder / name, recording())
    hidden(folder / "task_03.npz", b"")
    hidden(folder / "round_00.h5", b"")
    (folder / "task_02.npz").write_bytes(b"")
    assert main(["check", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    recorded = [line for line in lines if "task_0" in line or "refused_0" in line]
    assert len(recorded) == 4 and not any("rm " in line for line in recorded)
    assert all("open the folder with its Learner" in line for line in recorded if "stray" in line)
    (other,) = (line for line in lines if ".round_00.h5." in line)
    assert "remove it with `rm " in other


def test_a_full_disk_is_named_when_a_folder_is_begun(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    folder = tmp_path / "robot"
    message = r"learner\.json: cannot be written \(No space left on device\); see to the folder"
    with pytest.raises(RecordingError, match=message):
        open_learner(folder)
    assert files_of(folder) == {}


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_a_folder_that_takes_no_file_is_named_before_the_robot_runs(folder, monkeypatch, code):
    def refuse(path, *arguments, **options):
        raise OSError(code, os.strerror(code))

    before = files_of(folder)
    monkeypatch.setattr("pathlib.Path.touch", refuse)
    with pytest.raises(StoreError, match=f"cannot be written .{os.strerror(code)}.; see to the"):
        open_learner(folder)
    assert files_of(folder) == before


def test_files_from_the_future_are_files(folder):
    for path in folder.iterdir():
        os.utime(path, (4e9, 4e9))
    learner = open_learner(folder)
    record(learner, 2.5)
    assert open_learner(folder).num_tasks == 3


def test_of_two_that_begin_a_folder_one_does(tmp_path, monkeypatch):
    one = open_learner(tmp_path)
    about = (tmp_path / "learner.json").read_bytes()
    monkeypatch.setattr("pamlflow.robot.folder.is_begun", lambda folder: False)  # it looked before
    with pytest.raises(ValueError, match="`seed` was 0 when the folder was begun, and is 1 now"):
        open_learner(tmp_path, seed=1)
    np.testing.assert_array_equal(open_learner(tmp_path).ask(), one.ask())
    assert (tmp_path / "learner.json").read_bytes() == about


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from spring_robot import open_learner, record, run
    import pamlflow.robot.learner, pamlflow.storage.recordings, pamlflow.storage.files

    modules = (pamlflow.storage.files, pamlflow.storage.recordings, pamlflow.robot.learner)
    watched = {module.__file__ for module in modules}
    root, hard_links = Path(sys.argv[1]), sys.argv[2] == "True"
    if not hard_links:
        def refuse(source, target):
            raise PermissionError(1, "Operation not permitted")
        os.link = refuse

    def tell_and_die(folder, line):
        "Tell a third task, killed before so many lines of these modules; returns whether it was."
        child = os.fork()
        if child == 0:
            learner, lines = open_learner(folder), 0
            arrays = run([2.5, 4.0])

            def trace(frame, event, argument):
                nonlocal lines
                if frame.f_code.co_filename not in watched:
                    return None
                if event == "line":
                    lines += 1
                    if lines == line:
                        os.kill(os.getpid(), signal.SIGKILL)
                return trace

            sys.settrace(trace)
            learner.tell([2.5, 4.0], *arrays)
            os._exit(0)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    line, killed = 0, True
    while killed:
        line += 1
        folder = root / str(line)
        record(open_learner(folder), 1.0, 2.0)
        killed = tell_and_die(folder, line)
"""


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_learner_killed_in_tell_loses_nothing(tmp_path, hard_links):
    """Killed before each line that `tell` runs: it opens again, and goes on with what was acknowledged."""
    here = os.path.dirname(__file__)
    kept = {**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path])}
    code, told = textwrap.dedent(KILLED), np.array([[1.0, 4.0], [2.0, 4.0], [2.5, 4.0]])
    command = [sys.executable, "-c", code, str(tmp_path), str(hard_links)]
    done = subprocess.run(command, env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    folders = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    counts = []
    for folder in folders:
        before = files_of(folder)
        learner = open_learner(folder)
        counts.append(learner.num_tasks)
        np.testing.assert_array_equal(learner.tasks.descriptors, told[: learner.num_tasks])
        if learner.num_tasks == 2:
            record(learner, 2.5)
        after = files_of(open_learner(folder)._folder)
        whole = {"learner.json", "task_00.npz", "task_01.npz", "task_02.npz"}
        assert whole <= after.keys() and after.keys() - whole <= before.keys()
        assert {name: after[name] for name in before if name in whole} == {
            name: before[name] for name in before if name in whole
        }
    assert len(folders) > 30 and set(counts) == {2, 3} and counts == sorted(counts)
