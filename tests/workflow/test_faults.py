"""Damaged files and disks that do not take them: named, and mended by the command that is named."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from running import ROOT, SMOKE, command, run

from pamlflow.cli import main

RESULTS = "results/smoke"
ROUNDS = f"{RESULTS}/paml/trial_00"
LOG = "logs/smoke/paml/trial_00/round_02.log"
NAMESPACES = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])


@pytest.fixture
def study(smoke, tmp_path, monkeypatch):
    """A copy of the finished run, to be spoilt, as the working folder."""
    folder = shutil.copytree(smoke, tmp_path / "study")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def unfinished(study):
    """The copy without the last round and what follows from it."""
    for name in (f"{ROUNDS}/round_02.h5", f"{ROUNDS}/metrics.h5"):
        (study / name).unlink()
    for path in (study / RESULTS).glob("*.*"):
        path.unlink()
    return study


def same(smoke, results):
    """The numbers are those of the undisturbed run, to the last bit."""
    for name in ("summary.csv", "summary.h5"):
        assert (results / "smoke" / name).read_bytes() == (smoke / RESULTS / name).read_bytes()


def spoil(path, change):
    """Change the content behind Snakemake's back, as a failing disk does: the date stays."""
    status = path.stat()
    path.write_bytes(change(path.read_bytes()))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def flip(content):
    """One bit in the numbers: HDF5 itself reads on as if nothing had happened."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :]


def named_command(line):
    """The arguments of the `snakemake` command in a message, without its cores and its workflow."""
    found = re.search(r"`snakemake --cores all ([^`]*)`", line)
    *arguments, flag, workflow = shlex.split(found[1])
    assert (flag, Path(workflow)) == ("--snakefile", ROOT / "workflow" / "Snakefile")
    return arguments


def test_damaged_files_are_named_and_the_named_command_mends_them(smoke, study, capsys):
    start = f"{RESULTS}/initial/trial_00/round_00.h5"
    damage = {
        start: (flip, "changed since written: expected SHA-256"),
        f"{ROUNDS}/round_01.h5": (lambda content: content[:-1000], "truncated: expected"),
        f"{ROUNDS}/round_02.h5": (lambda content: b"", "found an empty file"),
    }
    for name, (change, _) in damage.items():
        spoil(study / name, change)
    (study / ROUNDS / "metrics.h5").unlink()
    (study / RESULTS / "summary.csv").unlink()

    output = run(study, "--configfile", SMOKE, status=1)
    assert "FAILED" in output and f"{start}: {damage[start][1]}" in output
    assert named_command(output) == ["--forcerun", start]

    assert main(["check", "results"]) == 1
    *lines, summary = capsys.readouterr().out.splitlines()
    for name, (_, problem) in damage.items():
        (line,) = (line for line in lines if line.startswith(f"FAIL {name}: "))
        assert problem in line and named_command(line) == ["--forcerun", name]

    run(study, *named_command(summary), "--configfile", SMOKE)
    same(smoke, study / "results")
    assert main(["check", "results"]) == 0


def namespace():
    """The command in front of others that lets them mount, unseen and until they end."""
    for prefix in NAMESPACES:
        mount = [*prefix, "mount", "-t", "tmpfs", "none", "/mnt"]
        if shutil.which("unshare") and subprocess.run(mount, capture_output=True).returncode == 0:
            return prefix
    return pytest.skip("mounting is not permitted here, not even in a user namespace")


def run_mounted(folder, script, *arguments):
    """Run a shell script with the command line of Snakemake as "$@"; return what was printed."""
    call = command(folder, "--configfile", SMOKE)
    call["args"] = [*namespace(), "sh", "-ec", script, "sh", *call["args"]]
    call["env"] |= dict(arguments)
    done = subprocess.run(**call, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


FULL_DISK = """
cp -a results kept
mount -t tmpfs -o size=$SIZE none results
cp -a kept/. results
"$@" && exit 2
ls -A results/smoke/paml/trial_00
mount -o remount,size=64m results
"$@"
cp -a results/. kept
"""


def test_a_full_disk_costs_one_job(smoke, unfinished):
    pages = [-(-path.stat().st_size // 4096) for path in unfinished.rglob("results/**/*.*")]
    size = 4096 * sum(pages) + (smoke / ROUNDS / "round_02.h5").stat().st_size // 2
    output = run_mounted(unfinished, FULL_DISK, ("SIZE", str(size)))
    failed = output.index(f"{ROUNDS}/round_02.h5: cannot be written (No space left on device); see")
    assert "\nround_01.h5\n" in output[failed:]
    same(smoke, unfinished / "kept")


READ_ONLY = """
mount --bind $FOLDER $FOLDER
mount -o remount,bind,ro $FOLDER
"$@" && exit 2 || exit 0
"""


def run_read_only(study, folder):
    """What Snakemake prints when it cannot write to a folder of the study."""
    if os.geteuid() == 0:  # root may write whatever the permissions say
        return run_mounted(study, READ_ONLY, ("FOLDER", folder))
    (study / folder).chmod(0o555)
    try:
        return run(study, "--configfile", SMOKE, status=1)
    finally:
        (study / folder).chmod(0o755)


@pytest.mark.parametrize("folder", ["data", "results", "logs"])
def test_a_read_only_folder_is_refused_before_any_job(unfinished, folder):
    output = run_read_only(unfinished, folder)
    assert f"{folder}: cannot be written (" in output
    assert f"`ls -ld {folder}`) and start the same command again" in output
    assert "Traceback" not in output and "FAILED" not in output
