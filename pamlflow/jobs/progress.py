"""Progress messages for Snakemake: one line per finished job, with an estimate of the time left."""

import re
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from logging import ERROR, LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from pamlflow.configuration.command_line import bomb, explanation

RECENT_JOBS = 10
LOG_LINES = 15
SAYS_ALL = re.compile(r"\S+ \S+ ERROR ")
CHATTER = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Complete log",
    "Conda environments: ignored",
    "Config file",
    "Elapsed time",
    "Loading script code",
    "Select jobs to execute",
    "Using shell",
)


class TimeLeft:
    """Estimates the time left from the durations of the latest jobs of each rule.

    Rules differ in cost by orders of magnitude, and rounds take longer with more tasks. The number of parallel
    jobs is measured.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._planned: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._running: dict[int, tuple[str, float]] = {}
        self._latest: defaultdict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=RECENT_JOBS)
        )
        self._begin = clock()
        self._worked = 0.0

    def plan(self, jobs: Mapping[str, int]) -> None:
        """Set the number of jobs of each rule, and start the clock."""
        self._planned = Counter(jobs)
        self._left = Counter(jobs)
        self._begin = self._clock()

    def start(self, job: int, rule: str) -> None:
        """Record the start of a job of `rule`."""
        self._running[job] = (rule, self._clock())

    def stop(self, job: int, *, finished: bool) -> float:
        """Record the end of a job, and return its duration in seconds; 0 for an unknown job."""
        if job not in self._running:
            return 0.0
        rule, begin = self._running.pop(job)
        duration = self._clock() - begin
        self._worked += duration
        if finished:
            self._latest[rule].append(duration)
            self._left[rule] -= 1
        return duration

    def seconds(self) -> float | None:
        """Return the estimate in seconds; None while the cost of most planned jobs is unknown."""
        means = {rule: sum(latest) / len(latest) for rule, latest in self._latest.items()}
        known = sum(self._planned[rule] for rule in means)
        if not means or 2 * known < self._planned.total():
            return None
        typical = sum(means.values()) / len(means)
        work = sum(count * means.get(rule, typical) for rule, count in self._left.items())
        now = self._clock()
        worked = self._worked
        for rule, begin in self._running.values():
            work -= min(now - begin, means.get(rule, typical))
            worked += now - begin
        return work * (now - self._begin) / worked if worked > 0 else None


class LogHandler(LogHandlerBase):
    """Writes a line for each finished job, and the end of the log file of a failed job.

    A dry run keeps the messages of Snakemake; `.snakemake/log` always has them all.
    """

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Start without jobs. Raises WorkflowError if Snakemake could not finish reading its files.

        No other part of the workflow runs before Snakemake reads them.
        """
        if endless := bomb():
            raise WorkflowError(endless)
        self._time_left = TimeLeft()
        self._names: dict[int, str] = {}
        self._finished: list[str] = []

    def emit(self, record: LogRecord) -> None:
        """Write the message of `record` for a user, if any."""
        text = explanation(record.getMessage()) if record.levelno >= ERROR else None
        if text is None:
            text = self.format(record) if self.common_settings.dryrun else self.text(record)
        if text:
            print(text, file=sys.stdout if self.common_settings.stdout else sys.stderr, flush=True)

    def text(self, record: LogRecord) -> str | None:
        """Return the message of `record` for a user; None if there is none."""
        event: dict[str, Any] = vars(record)
        match event.get("event"):
            case LogEvent.RUN_INFO:
                jobs = {rule: count for rule, count in event["stats"].items() if rule != "total"}
                self._time_left.plan(jobs)
                counts = ", ".join(f"{count} {rule}" for rule, count in jobs.items())
                return f"{sum(jobs.values())} jobs: {counts}"
            case LogEvent.JOB_INFO:
                self._names[event["jobid"]] = job_name(event["rule_name"], event["wildcards"])
                self._time_left.start(event["jobid"], event["rule_name"])
            case LogEvent.JOB_FINISHED:
                duration = self._time_left.stop(event["job_id"], finished=True)
                if name := self._names.pop(event["job_id"], None):
                    self._finished.append(f"{name} ({words(duration)})")
                else:  # the SLURM plugin announces no jobs; only the rule is known
                    self._finished.append(record.getMessage().rpartition("Rule: ")[2].rstrip(")"))
            case LogEvent.PROGRESS:
                finished, self._finished = self._finished, []
                left = self._time_left.seconds()
                estimate = "estimating" if left is None else f"{words(left)} left"
                counts = f"{event['done']:>{len(str(event['total']))}} of {event['total']} done"
                return "\n".join(f"{_now()}  {counts}, {estimate:<14}  {name}" for name in finished)
            case LogEvent.JOB_ERROR:
                duration = self._time_left.stop(event["jobid"], finished=False)
                name = self._names.pop(event["jobid"], None)
                logs = [Path(path) for path in event["log"]]
                if name is None and logs and not any(path.exists() for path in logs):
                    return None  # in a group of the SLURM plugin, and never started
                what = f"after {words(duration)}: {name}" if name else event["rule_name"]
                return f"{_now()}  FAILED {what}{''.join(map(log_end, logs))}"
            case (
                LogEvent.JOB_STARTED
                | LogEvent.SHELLCMD
                | LogEvent.RESOURCES_INFO
                | LogEvent.WORKFLOW_STARTED
                | LogEvent.RULEGRAPH
            ):
                pass
            case LogEvent.ERROR if "CalledProcessError" in record.getMessage():
                pass  # only repeats that a job failed
            case _ if not record.getMessage().startswith(CHATTER):
                return self.format(record)
        return None


def job_name(rule: str, wildcards: Mapping[str, str]) -> str:
    """Return the name of a job: `acquire_round cart_pole paml trial 00 round 03`."""
    numbered = ("trial", "round")
    parts = [f"{key} {value}" if key in numbered else value for key, value in wildcards.items()]
    return " ".join([rule, *parts])


def words(seconds: float) -> str:
    """Return a duration in words: `8 s`, `3 min`, `2 h 10 min`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def log_end(path: Path) -> str:
    """Return the name of a log file and its last lines, indented below a message.

    If the last line is a complete error message, only this line is returned.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        if lines and SAYS_ALL.match(lines[-1]):
            lines = lines[-1:]
    except OSError:
        lines = ["(there is no such file: the job failed before it could write)"]
    return "".join(f"\n    {line}" for line in [f"{path} ends with", *lines])


def _now() -> str:
    return time.strftime("%H:%M:%S")
