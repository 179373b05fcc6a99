"""What clusters do to jobs: each time the numbers are those of an undisturbed run."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from cluster import wait_for
from study import NUMBERS, RESULTS, ROOT, command, finish, job_of, numbers, printed, start, training

KILLING = Path(__file__).with_name("killing")
RECOVER = (sys.executable, "-m", "pamlflow.jobs.recover")


def test_an_undisturbed_run_is_a_submission_for_each_group(cluster, undisturbed):
    ended = cluster.jobs(undisturbed, "--states=all")
    assert [state for state, *_ in ended.values()] == ["COMPLETED"] * 10


def test_a_job_killed_while_it_writes_cancelled_or_out_of_time_starts_again(
    cluster, undisturbed, folder
):
    """One job is killed, and cancelled when it starts again; another hangs over its wall time."""
    shutil.rmtree(folder / RESULTS / "uniform")
    shutil.rmtree(folder / "logs" / "smoke" / "uniform")
    once = folder / "kill"
    once.touch()
    snakemake = start(
        cluster,
        folder,
        NUMBERS,
        "--set-resources",
        "acquire_round:runtime=attempt if wildcards.strategy == 'uniform' else 10",
        "evaluate_trial:runtime=0",
        PAMLFLOW_TEST_KILL=str(once),
        PYTHONPATH=f"{ROOT}:{KILLING}",
    )
    hanging = training(folder, "uniform")
    hanging.suspend()
    slow, killed = job_of(hanging), job_of(training(folder, "paml"))
    wait_for(lambda: not once.exists())
    (unnamed,) = (folder / RESULTS / "paml" / "trial_00").glob(".round_01.h5.*.tmp")
    assert unnamed.stat().st_size > 0

    wait_for(lambda: cluster.jobs(folder, "--states=all")[killed][0] == "FAILED")
    cancelled = job_of(training(folder, "paml"))
    cluster.call("scancel", cancelled)

    finish(snakemake)
    ended = cluster.jobs(folder, "--states=all")
    assert [ended[job][0] for job in (killed, cancelled, slow)] == [
        "FAILED",
        "CANCELLED",
        "TIMEOUT",
    ]
    assert ended[slow][2] == "1:00" and "2:00" in {limit for *_, limit in ended.values()}
    assert numbers(folder) == numbers(undisturbed)


def test_jobs_of_a_dead_node_run_on_another(cluster, undisturbed, folder):
    snakemake = start(cluster, folder, NUMBERS)
    killed = training(folder, "paml")
    job = job_of(killed)
    _, dead, _ = cluster.jobs(folder)[job]
    try:
        cluster.kill_node(dead)
        assert not killed.is_running()
        finish(snakemake)
        assert cluster.jobs(folder, "--states=all")[job][0] == "COMPLETED"
        assert cluster.jobs(folder, "--states=all")[job][1] != dead
        assert numbers(folder) == numbers(undisturbed)
    finally:
        cluster.start_node(dead)
        cluster.wait_for_nodes()


def test_a_controller_that_is_away_costs_time_only(cluster, undisturbed, folder):
    """Snakemake loses sight of its jobs then: it waits for ever, until somebody ends it."""
    snakemake = start(cluster, folder, NUMBERS)
    training(folder, "paml")
    cluster.end("slurmctld")
    time.sleep(30)
    cluster.start_controller()
    cluster.wait_for_nodes()
    snakemake.kill()
    snakemake.wait()

    finish(start(cluster, folder, call=[*RECOVER, *command(NUMBERS)]))
    assert numbers(folder) == numbers(undisturbed)


def test_a_second_snakemake_is_refused_and_a_lost_one_recovered(cluster, undisturbed, folder):
    def recover():
        call = {
            "args": RECOVER,
            "cwd": folder,
            "env": {**cluster.environment, "PYTHONPATH": str(ROOT)},
        }
        return subprocess.run(**call, capture_output=True, text=True, check=False)

    snakemake = start(cluster, folder, NUMBERS)
    orphan = training(folder, "paml")
    orphan.suspend()  # it lasts as long as the test
    finish(start(cluster, folder, NUMBERS), status=1)
    assert "Directory cannot be locked" in printed(folder)
    assert recover().stderr.startswith(f"Snakemake works in {folder}: process {snakemake.pid}")

    snakemake.kill()
    snakemake.wait()
    job = f"SLURM job {job_of(orphan)}"
    finish(start(cluster, folder, "--unlock"))
    finish(start(cluster, folder, NUMBERS), status=1)
    assert job in printed(folder) and "`make recover` ends them" in printed(folder)

    assert f"cancelled {job}, left by a lost run" in recover().stderr
    assert not orphan.is_running() and not cluster.jobs(folder)
    assert recover().stderr == ""

    finish(start(cluster, folder, NUMBERS))
    assert numbers(folder) == numbers(undisturbed)
