from pamlflow.jobs.usage import Usage, machine, usage

END = "2026-01-01 00:00:00 INFO pamlflow: done in 9.5 s, 8.0 s of processor, at most 512 MiB\n"


def log(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_finished_jobs_are_counted_by_rule(tmp_path):
    log(tmp_path, "spring/paml/trial_00/round_01.log", "a line\n" + END)
    log(tmp_path, "spring/initial/trial_00/round_00.log", END)
    log(tmp_path, "spring/oracle/trial_00/round_00.log", END)
    log(tmp_path, "spring/paml/trial_00/metrics.log", "it failed\n")
    used = Usage(9.5, 8.0, 512.0)
    one = {"acquire_round": [used], "train_initial_round": [used], "train_oracle": [used]}
    assert usage(tmp_path) == usage(tmp_path, "spring") == one
    assert usage(tmp_path, "other") == {}


def test_a_machine_has_threads_and_memory():
    assert machine().endswith(" GiB") and " threads, " in machine()
