import logging
import os
import re
import subprocess
import sys
import textwrap
import time
import warnings

import numpy as np
import pytest

from pamlflow.errors import UserError
from pamlflow.jobs import progress, runtime
from pamlflow.jobs.runtime import job, prepare_jobs
from pamlflow.tensorflow_loading import CHECK_SHAPES
from pamlflow.versions import __version__

logger = logging.getLogger("pamlflow.stages.acquire")


@pytest.fixture(autouse=True)
def environment():
    """Jobs own their process; tests do not."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def run(code):
    """What `code` prints in a fresh interpreter."""
    kept = {name: value for name, value in os.environ.items() if name not in runtime._DEFAULTS}
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_messages_and_warnings_go_to_the_log(tmp_path):
    log = tmp_path / "logs" / "cart_pole" / "job.log"
    with job(log=log, threads=2):
        logger.info("round %d", 7)
        warnings.warn("overflow in exp", RuntimeWarning, stacklevel=1)
    text = log.read_text()
    assert f"INFO pamlflow: pamlflow {__version__} on " in text and "threads: 2" in text
    assert "INFO pamlflow.stages.acquire: round 7" in text
    assert "RuntimeWarning: overflow in exp" in text
    used = re.search(r"done in [\d.]+ s, ([\d.]+) s of processor, at most (\d+) MiB\n$", text)
    assert 0.0 < float(used[1]) < time.process_time() + 0.1
    assert 20 <= int(used[2]) < 100_000
    assert all(line[:2] == "20" for line in text.splitlines() if "pamlflow:" in line)


def test_a_system_that_does_not_tell_the_memory_fails_no_job(tmp_path, monkeypatch):
    monkeypatch.setattr(runtime.Path, "read_text", lambda path: "Name: python\n")
    with job(log=tmp_path / "job.log", threads=1):
        pass
    monkeypatch.undo()
    assert "done in" in (tmp_path / "job.log").read_text()


def test_errors_are_logged_with_their_traceback_and_pass_through(tmp_path):
    with pytest.raises(KeyError, match="bad"), job(log=tmp_path / "job.log", threads=1):
        raise KeyError("bad")
    text = (tmp_path / "job.log").read_text()
    assert "ERROR pamlflow: failed after " in text and "done in" not in text
    assert "Traceback" in text and text.rstrip().endswith("KeyError: 'bad'")


def test_an_error_that_says_all_ends_the_job_without_a_traceback_in_the_terminal(tmp_path, capfd):
    log = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended, job(log=log, threads=1):
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError as error:
            raise UserError("the task with mass = 2.0 kg: division by zero") from error
    assert ended.value.code == 1 and ended.value.__cause__ is None
    assert capfd.readouterr().err == ""
    text = log.read_text()
    assert "ZeroDivisionError" in text and text.count("Traceback") == 2
    last = text.splitlines()[-1]
    assert last.endswith(" s: the task with mass = 2.0 kg: division by zero")
    name = progress.log_end(log)
    assert name == f"\n    {log} ends with\n    {last}"


def test_interrupts_are_logged_too(tmp_path):
    with pytest.raises(KeyboardInterrupt), job(log=tmp_path / "job.log", threads=1):
        raise KeyboardInterrupt
    assert "KeyboardInterrupt" in (tmp_path / "job.log").read_text()


def test_logging_is_left_as_it_was(tmp_path):
    package = logging.getLogger("pamlflow")
    before = (package.level, list(package.handlers))
    with job(log=tmp_path / "job.log", threads=1):
        pass
    logger.warning("after the job")
    assert (package.level, list(package.handlers)) == before
    assert "after" not in (tmp_path / "job.log").read_text()


def test_a_second_attempt_starts_a_new_log(tmp_path):
    for attempt in ("first", "second"):
        with job(log=tmp_path / "job.log", threads=1):
            logger.info(attempt)
    text = (tmp_path / "job.log").read_text()
    assert "second" in text and "first" not in text


def test_threads_are_passed_to_libraries_loaded_later(tmp_path):
    with job(log=tmp_path / "job.log", threads=3):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "3"


def test_the_user_has_the_last_word_on_gpus_and_checks(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv(CHECK_SHAPES, "1")
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    with job(log=tmp_path / "job.log", threads=1):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
        assert os.environ[CHECK_SHAPES] == "1"
        assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "2"


def test_what_would_change_results_is_not_passed_on(tmp_path, monkeypatch):
    hostile = {
        "TF_XLA_FLAGS": "--tf_xla_auto_jit=2",
        "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
        "TF_DETERMINISTIC_OPS": "1",
        "GPFLOW_FLOAT": "float32",
        "GPFLOW_JITTER": "0.1",
    }
    for name, value in {
        **hostile,
        "TF_USE_LEGACY_KERAS": "0",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }.items():
        monkeypatch.setenv(name, value)
    with job(log=tmp_path / "job.log", threads=1):
        assert not hostile.keys() & os.environ.keys()
        assert os.environ["TF_USE_LEGACY_KERAS"] == os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_jobs_start_without_what_their_libraries_do_not_load_with(monkeypatch):
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    prepare_jobs()
    prepare_jobs()
    assert run("import os, seaborn; print(os.__doc__ is not None)") == ["True"]


def test_warnings_that_are_errors_are_logged_and_raise_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with job(log=tmp_path / "job.log", threads=1):
            warnings.warn("is old", FutureWarning, stacklevel=1)
        with pytest.raises(FutureWarning):
            warnings.warn("is old", FutureWarning, stacklevel=1)
    assert "FutureWarning: is old" in (tmp_path / "job.log").read_text()


def test_a_strict_numpy_is_not_strict_in_a_job(tmp_path):
    with np.errstate(all="raise"):
        with job(log=tmp_path / "job.log", threads=1):
            assert np.exp(np.array(-1e4)) == 0.0
        assert np.geterr()["under"] == "raise"


def test_a_job_loads_no_tensorflow(tmp_path):
    code = f"""
        import sys
        from pamlflow.jobs.runtime import job, prepare_jobs
        with job(log={str(tmp_path / "job.log")!r}, threads=1):
            print("tensorflow" in sys.modules)
    """
    assert run(code) == ["False"]


def test_what_compiled_code_prints_to_stderr_goes_to_the_log(tmp_path, capfd):
    log = tmp_path / "job.log"
    with job(log=log, threads=1):
        os.write(2, b"a greeting\n")
        logging.getLogger("pamlflow").info("after it")
    os.write(2, b"back\n")
    assert capfd.readouterr().err == "back\n"
    text = log.read_text()
    assert text.index("threads: 1") < text.index("a greeting") < text.index("after it")


def test_tensorflow_honours_the_threads_and_a_job_skips_shape_checks(tmp_path):
    code = f"""
        import sys
        from pamlflow.jobs.runtime import job
        from pamlflow.tensorflow_loading import configure_tensorflow
        with job(log={str(tmp_path / "job.log")!r}, threads=2):
            configure_tensorflow(2)
            import tensorflow as tf
            print(tf.config.threading.get_intra_op_parallelism_threads())
            print(tf.config.threading.get_inter_op_parallelism_threads())
            print(len(tf.config.list_logical_devices("GPU")))
            configure_tensorflow(2)
            configure_tensorflow(1)
            print(tf.config.threading.get_intra_op_parallelism_threads())
            from check_shapes import get_enable_check_shapes
            print(bool(get_enable_check_shapes()), "gpflow" in sys.modules)
    """
    assert run(code) == ["2", "2", "0", "2", "False", "False"]
    log = (tmp_path / "job.log").read_text()
    assert all(re.match(r"\d{4}-\d\d-\d\d .* pamlflow", line) for line in log.splitlines()), log
    assert log.count("WARNING pamlflow") == 1
    assert "WARNING pamlflow: TensorFlow already runs on 2 threads, not on 1" in log
