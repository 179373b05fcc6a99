"""What Snakemake's own process does while jobs run."""

import subprocess
import sys

import pytest
from running import SMOKE, command

COUNT_TIMERS = """
import sys, threading
started = []
class Timer(threading.Timer):
    def start(self):
        started.append(self)
        super().start()
threading.Timer = Timer
from snakemake.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print("status", end.code, "timers", len(started))
"""


@pytest.mark.parametrize(("limit", "kept"), [((), False), (("50/1s",), True)])
def test_scheduling_starts_no_timers_unless_a_limit_is_asked_for(tmp_path, limit, kept):
    targets = [f"data/smoke/trial_0{trial}/design.h5" for trial in range(6)]
    options = ["--max-jobs-per-timespan", *limit] if limit else []
    call = command(tmp_path, *targets, "--configfile", SMOKE, *options)
    _, module_flag, _, *arguments = call.pop("args")
    assert module_flag == "-m"
    arguments = [str(argument) for argument in arguments]
    done = subprocess.run([sys.executable, "-c", COUNT_TIMERS, *arguments], check=False, **call)
    status = done.stdout.splitlines()[-1].split()
    assert status[:2] == ["status", "0"], done.stdout
    assert (int(status[3]) > 0) == kept
