import platform
import subprocess
import sys
import time

import psutil
import pytest

from pamlflow.jobs.recover import AliveError, orphans, recover
from pamlflow.jobs.slurm import SlurmError

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

    def start(script, *arguments, cwd=folder):
        script.write_text(SLEEP)
        call = [sys.executable, str(script), *arguments]
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
    assert recover(folder) == ["removed the lock of a lost run"]
    assert not locked(folder)
    assert recover(folder) == []


def test_a_folder_that_never_ran_is_left_as_it_is(tmp_path):
    assert recover(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_jobs_of_a_killed_run_are_ended(folder, running):
    orphan = running(folder / ".snakemake" / "scripts" / "tmp1.acquire_round.py")
    assert f"ended process {orphan.pid}, left by a lost run" in recover(folder)
    assert not psutil.pid_exists(orphan.pid)


def test_other_processes_and_other_folders_are_left_alone(folder, running, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    others = [
        running(folder / "edit.py"),
        running(folder / "analyse.py", "--mode", "fast"),
        running(folder / ".snakemake" / "scripts" / "tmp1.py", cwd=elsewhere),
        running(elsewhere / "snakemake", cwd=elsewhere),
    ]
    assert recover(folder) == ["removed the lock of a lost run"]
    time.sleep(0.1)
    assert all(psutil.pid_exists(process.pid) and process.poll() is None for process in others)


def test_nothing_is_touched_while_a_snakemake_works_there(folder, running):
    job = running(folder / ".snakemake" / "scripts" / "tmp1.acquire_round.py")
    snakemake = running(folder / "snakemake")
    with pytest.raises(AliveError, match=f"process {snakemake.pid}"):
        recover(folder)
    assert locked(folder) and job.poll() is None


def test_the_lock_of_another_machine_is_left_to_it(folder):
    log = folder / ".snakemake/log/2026-01-02T000000.000000.snakemake.log"
    log.write_text("SNAKEMAKE\n  Host: login2\n")
    with pytest.raises(AliveError, match="on login2: recover it there"):
        recover(folder)
    assert locked(folder)


def test_a_snakemake_that_the_lock_refused_does_not_own_it(folder):
    for hour, text in ((2, "Host: login2\n"), (3, f"Host: {platform.node()}\nLockException:\n")):
        log = folder / f".snakemake/log/2026-01-02T{hour:02}0000.000000.snakemake.log"
        log.write_text(f"SNAKEMAKE\n  {text}")
    with pytest.raises(AliveError, match="on login2"):
        recover(folder)


def test_a_snakemake_that_has_ended_owns_no_lock(folder):
    for hour, text in (
        (2, "Host: login2\n"),
        (3, f"Host: {platform.node()}\nComplete log(s): x\n"),
    ):
        log = folder / f".snakemake/log/2026-01-02T{hour:02}0000.000000.snakemake.log"
        log.write_text(f"SNAKEMAKE\n  {text}")
    with pytest.raises(AliveError, match="on login2"):
        recover(folder)


def test_of_two_locks_one_may_belong_to_another_machine(folder):
    log = folder / ".snakemake/log/2025-12-31T000000.000000.snakemake.log"
    log.write_text("SNAKEMAKE\n  Host: login2\n")  # lost, too, but older than the only lock
    (folder / ".snakemake/locks/1.input.lock").touch()
    with pytest.raises(AliveError, match="on login2"):
        recover(folder)
    (folder / ".snakemake/locks/1.input.lock").unlink()
    assert recover(folder) == ["removed the lock of a lost run"]


def test_a_snakemake_that_belongs_to_a_job_is_an_orphan_like_it(folder, running):
    orphan = running(folder / "snakemake", "--mode", "remote")
    assert f"ended process {orphan.pid}, left by a lost run" in recover(folder)


def test_jobs_in_slurm_are_cancelled_before_the_lock_goes(folder, monkeypatch):
    monkeypatch.setattr(
        "pamlflow.jobs.slurm.cancel", lambda folder: ["7", "9"] if locked(folder) else []
    )
    assert recover(folder) == [
        "cancelled SLURM job 7, left by a lost run",
        "cancelled SLURM job 9, left by a lost run",
        "removed the lock of a lost run",
    ]


def test_a_slurm_out_of_reach_keeps_the_lock(folder, monkeypatch):
    def silent(folder):
        raise SlurmError("no answer")

    monkeypatch.setattr("pamlflow.jobs.slurm.cancel", silent)
    with pytest.raises(SlurmError):
        recover(folder)
    assert locked(folder)


def test_what_a_lost_run_has_left_is_found_and_left_alone(folder, running, monkeypatch):
    monkeypatch.setattr("pamlflow.jobs.slurm.jobs", lambda folder: ["7"])
    job = running(folder / ".snakemake" / "scripts" / "tmp1.acquire_round.py")
    assert orphans(folder) == [f"process {job.pid}", "SLURM job 7"]
    assert job.poll() is None and locked(folder)


def test_jobs_of_a_snakemake_that_works_on_other_files_are_no_orphans(folder, running, monkeypatch):
    monkeypatch.setattr("pamlflow.jobs.slurm.jobs", lambda folder: ["7"])
    for number in range(2):  # its own lock, and that of one on another machine
        (folder / f".snakemake/locks/{number}.output.lock").write_text("data/x.h5\n")
    assert orphans(folder) == []

    (folder / ".snakemake/locks/1.output.lock").unlink()
    assert orphans(folder) == ["SLURM job 7"]
    running(folder / "snakemake")
    assert orphans(folder) == []


def test_the_command_says_what_it_did_and_hands_over(folder):
    snakemake = folder / "snakemake"
    snakemake.write_text('#!/bin/sh\necho "$@"\n')
    snakemake.chmod(0o755)
    call = [sys.executable, "-m", "pamlflow.jobs.recover", str(snakemake), "--cores", "2"]
    done = subprocess.run(call, cwd=folder, check=True, capture_output=True, text=True)
    assert done.stderr == "removed the lock of a lost run\n"
    assert done.stdout == "--cores 2\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--help"], "usage: python -m pamlflow.jobs.recover"), (["snakemale"], "no such command")],
)
def test_help_and_a_command_that_does_not_exist_touch_nothing(folder, arguments, said):
    call = [sys.executable, "-m", "pamlflow.jobs.recover", *arguments]
    done = subprocess.run(call, cwd=folder, check=False, capture_output=True, text=True)
    assert said in done.stdout + done.stderr and "Traceback" not in done.stderr
    assert locked(folder)
