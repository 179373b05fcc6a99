import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from pamlflow.jobs.progress import LogHandler, TimeLeft, log_end, words


class Settings:
    """What the handler reads of Snakemake's output settings."""

    def __init__(self, dryrun=False, stdout=False):
        self.dryrun = dryrun
        self.stdout = stdout


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def record(event=None, message=None, level=logging.INFO, **fields):
    made = logging.LogRecord("snakemake", level, "file", 1, message, None, None)
    vars(made).update(fields, **({"event": event} if event else {}))
    return made


def job_info(jobid, rule="acquire_round", **wildcards):
    return record(LogEvent.JOB_INFO, jobid=jobid, rule_name=rule, wildcards=wildcards)


@pytest.fixture
def handler():
    return LogHandler(Settings(), None)


def run_job(handler, jobid, done, total, **wildcards):
    assert handler.text(job_info(jobid, **wildcards)) is None
    assert handler.text(record(LogEvent.JOB_FINISHED, job_id=jobid)) is None
    return handler.text(record(LogEvent.PROGRESS, done=done, total=total))


def test_a_finished_job_is_one_line_with_count_name_duration_and_time_left(handler):
    stats = {"acquire_round": 12, "total": 12}
    assert handler.text(record(LogEvent.RUN_INFO, stats=stats)) == "12 jobs: 12 acquire_round"
    wildcards = {"experiment": "cart_pole", "strategy": "paml", "trial": "00", "round": "03"}
    line = run_job(handler, 1, 1, 12, **wildcards)
    assert "\n" not in line
    assert " 1 of 12 done, 0 s left" in line
    assert line.endswith("acquire_round cart_pole paml trial 00 round 03 (0 s)")


def test_jobs_of_a_group_get_a_line_each(handler):
    for jobid in (1, 2):
        handler.text(job_info(jobid))
        handler.text(record(LogEvent.JOB_FINISHED, job_id=jobid))
    assert handler.text(record(LogEvent.PROGRESS, done=2, total=3)).count("2 of 3 done") == 2


def test_jobs_that_nobody_announced_are_known_by_their_rule(handler, tmp_path):
    finished = record(LogEvent.JOB_FINISHED, "Finished jobid: 3 (Rule: acquire_round)", job_id=3)
    handler.text(finished)
    line = handler.text(record(LogEvent.PROGRESS, done=1, total=3))
    assert line.endswith("1 of 3 done, estimating      acquire_round")

    def failed(log):
        return record(LogEvent.JOB_ERROR, jobid=4, rule_name="evaluate_trial", log=[str(log)])

    assert handler.text(failed(tmp_path / "never_begun.log")) is None
    (tmp_path / "begun.log").write_text("the reason")
    assert "FAILED evaluate_trial" in handler.text(failed(tmp_path / "begun.log"))


def test_a_failed_job_shows_the_end_of_its_log(handler, tmp_path):
    log = tmp_path / "round_03.log"
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    handler.text(job_info(7, trial="00"))
    text = handler.text(
        record(LogEvent.JOB_ERROR, jobid=7, rule_name="acquire_round", log=[str(log)])
    )
    assert "FAILED after 0 s: acquire_round trial 00" in text
    assert f"{log} ends with" in text
    assert "line 99" in text and "line 80" not in text


def test_a_missing_log_is_no_second_error(tmp_path):
    assert "no such file" in log_end(tmp_path / "round.log")


def test_jobs_that_snakemake_never_announced_do_no_harm(handler):
    handler.text(record(LogEvent.JOB_FINISHED, job_id=5))
    assert "1 of 2 done" in handler.text(record(LogEvent.PROGRESS, done=1, total=2))
    assert "FAILED" in handler.text(record(LogEvent.JOB_ERROR, jobid=6, rule_name="x", log=[]))


def test_chatter_is_left_out_and_messages_pass(handler):
    for message in ("Building DAG of jobs...", "Select jobs to execute..."):
        assert handler.text(record(message=message)) is None
    assert handler.text(record(LogEvent.SHELLCMD, message="python x.py")) is None
    repeated = "RuleException:\nCalledProcessError in file x"
    assert handler.text(record(LogEvent.ERROR, message=repeated, level=logging.ERROR)) is None
    for message in ("Nothing to be done (all requested files are present).", "Trying to restart"):
        assert handler.text(record(message=message)) == message
    error = record(LogEvent.ERROR, message="WorkflowError:\nno", level=logging.ERROR)
    assert handler.text(error) == "WorkflowError:\nno"


@pytest.mark.parametrize(("stdout", "stream"), [(False, "err"), (True, "out")])
def test_a_dry_run_keeps_snakemakes_own_words(capsys, stdout, stream):
    handler = LogHandler(Settings(dryrun=True, stdout=stdout), None)
    handler.emit(record(message="Building DAG of jobs..."))
    assert getattr(capsys.readouterr(), stream) == "Building DAG of jobs...\n"


@pytest.mark.parametrize("dryrun", [False, True])
def test_a_configuration_that_snakemake_cannot_read_is_explained(capsys, monkeypatch, dryrun):
    arguments = ["snakemake", "--configfile", "no/such.yaml"]
    monkeypatch.setattr("sys.argv", arguments)
    error = record(LogEvent.ERROR, message="Traceback: in load_configfile", level=logging.ERROR)
    LogHandler(Settings(dryrun=dryrun), None).emit(error)
    told = capsys.readouterr().err
    assert "no/such.yaml: there is no such file" in told and "Traceback" not in told


def simulate(time_left, clock, schedule):
    """Let jobs (id, rule, begin, end) happen in order of time."""
    events = [(begin, "start", job, rule) for job, rule, begin, _ in schedule]
    events += [(end, "stop", job, rule) for job, rule, _, end in schedule]
    for moment, kind, job, rule in sorted(events):
        clock.now = 1000.0 + moment
        if kind == "start":
            time_left.start(job, rule)
        else:
            time_left.stop(job, finished=True)


def test_there_is_no_estimate_before_the_main_rule_has_a_duration():
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan({"simulate": 2, "acquire": 10})
    assert time_left.seconds() is None
    simulate(time_left, clock, [(1, "simulate", 0, 1), (2, "simulate", 1, 2)])
    assert time_left.seconds() is None
    simulate(time_left, clock, [(3, "acquire", 2, 12)])
    assert time_left.seconds() == pytest.approx(9 * 10)


def test_jobs_side_by_side_halve_the_estimate():
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan({"acquire": 10})
    simulate(time_left, clock, [(1, "acquire", 0, 10), (2, "acquire", 0, 10)])
    assert time_left.seconds() == pytest.approx(8 * 10 / 2)


def test_what_a_running_job_has_behind_it_counts():
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan({"acquire": 2})
    simulate(time_left, clock, [(1, "acquire", 0, 10)])
    time_left.start(2, "acquire")
    clock.now += 4
    assert time_left.seconds() == pytest.approx(6)
    clock.now += 20
    assert time_left.seconds() == pytest.approx(0)


def test_rules_count_with_their_own_cost_and_unknown_ones_with_the_mean():
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan({"cheap": 4, "dear": 2, "unknown": 1})
    simulate(time_left, clock, [(1, "cheap", 0, 1), (2, "dear", 1, 101)])
    assert time_left.seconds() == pytest.approx(3 * 1 + 100 + 101 / 2)


def test_later_rounds_take_longer_and_the_estimate_follows():
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan({"acquire": 31})
    durations = [1.0] * 20 + [5.0] * 10
    ends = [sum(durations[: index + 1]) for index in range(30)]
    schedule = [(i, "acquire", end - durations[i], end) for i, end in enumerate(ends)]
    simulate(time_left, clock, schedule)
    assert time_left.seconds() == pytest.approx(5)


def test_a_failed_job_is_still_to_be_done():
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.plan({"acquire": 2})
    simulate(time_left, clock, [(1, "acquire", 0, 10)])
    time_left.start(2, "acquire")
    clock.now += 10
    assert time_left.stop(2, finished=False) == pytest.approx(10)
    assert time_left.seconds() == pytest.approx(10)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.2, "0 s"),
        (59.6, "60 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3000, "50 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_read_as_one_says_them(seconds, expected):
    assert words(seconds) == expected
