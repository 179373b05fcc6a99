import platform
import subprocess
import sys
import time

import psutil
import pytest

from pamlflow.unlock import AliveError, unlock

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def folder(tmp_path):
    """A folder as a killed Snakemake leaves it."""
    for name in ("locks", "log", "scripts"):
        (tmp_path / ".snakemake" / name).mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.input.lock").write_text("data/x.h5\n")
    log = tmp_path / ".snakemake/log/2026-01-01T000000.000000.snakemake.log"
    log.write_text(f"SNAKEMAKE\n  Host: {platform.node()}\n  User: someone\n")
    return tmp_path


@pytest.fixture
def running(folder):
    """Start a script that sleeps, in the folder; it is gone when the test ends."""
    processes = []

    def start(script, cwd=folder):
        script.write_text(SLEEP)
        call = [sys.executable, str(script)]
        process = subprocess.Popen(call, cwd=cwd, stdout=subprocess.PIPE)
        processes.append(process)
        process.stdout.readline()
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def locked(folder):
    return (folder / ".snakemake" / "locks").exists()


def test_a_lock_without_a_snakemake_is_removed_once(folder):
    assert unlock(folder) == ["removed the lock of a killed run"]
    assert not locked(folder)
    assert unlock(folder) == []


def test_a_folder_that_never_ran_is_left_as_it_is(tmp_path):
    assert unlock(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_jobs_of_a_killed_run_are_ended(folder, running):
    orphan = running(folder / ".snakemake" / "scripts" / "tmp1.acquire_round.py")
    assert f"ended process {orphan.pid}, a job of a killed run" in unlock(folder)
    assert not psutil.pid_exists(orphan.pid)


def test_other_processes_and_other_folders_are_left_alone(folder, running, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    others = [
        running(folder / "edit.py"),
        running(folder / ".snakemake" / "scripts" / "tmp1.py", cwd=elsewhere),
        running(elsewhere / "snakemake", cwd=elsewhere),
    ]
    assert unlock(folder) == ["removed the lock of a killed run"]
    time.sleep(0.1)
    assert all(psutil.pid_exists(process.pid) and process.poll() is None for process in others)


def test_nothing_is_touched_while_a_snakemake_works_there(folder, running):
    job = running(folder / ".snakemake" / "scripts" / "tmp1.acquire_round.py")
    snakemake = running(folder / "snakemake")
    with pytest.raises(AliveError, match=f"process {snakemake.pid}"):
        unlock(folder)
    assert locked(folder) and job.poll() is None


def test_the_lock_of_another_machine_is_left_to_it(folder):
    log = folder / ".snakemake/log/2026-01-02T000000.000000.snakemake.log"
    log.write_text("SNAKEMAKE\n  Host: login2\n")
    with pytest.raises(AliveError, match="on login2: unlock it there"):
        unlock(folder)
    assert locked(folder)


def test_the_command_says_what_it_did(folder):
    call = [sys.executable, "-m", "pamlflow.unlock", str(folder)]
    done = subprocess.run(call, check=True, capture_output=True, text=True)
    assert done.stderr == "removed the lock of a killed run\n"
