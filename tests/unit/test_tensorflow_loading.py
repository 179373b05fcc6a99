"""TensorFlow in a process of the user's, and which shape checks are left out."""

import os
import subprocess
import sys
import textwrap
from unittest import mock

import pytest

from pamlflow import streams, tensorflow_loading
from pamlflow.tensorflow_loading import CHECK_SHAPES, ENVIRONMENT

THREADS = (
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


def test_a_user_of_the_library_gets_a_quiet_tensorflow_on_one_thread():
    code = """
        import logging, os, sys
        from pamlflow import tensorflow_loading
        tensorflow_loading.load_tensorflow()
        import gpflow
        import tensorflow as tf
        tf.constant(1.0) + 1.0
        os.write(2, b"the user's own\\n")
        print(tf.config.threading.get_intra_op_parallelism_threads())
        print(tf.config.threading.get_inter_op_parallelism_threads())
        print(len(tf.config.list_logical_devices("GPU")))
        print([name for name in tensorflow_loading.ENVIRONMENT if name in os.environ])
        print(logging.getLogger().handlers, logging.getLogger("pamlflow").handlers)
    """
    names = {*ENVIRONMENT, CHECK_SHAPES, *THREADS}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=kept, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "1", "0", "[]", "[]", "[]"]
    assert done.stderr == "the user's own\n"


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({}, 1),
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "3,2"}, 1),
        ({"OMP_NUM_THREADS": "3", "TF_NUM_INTRAOP_THREADS": "2"}, 0),  # which TensorFlow reads
    ],
)
def test_a_user_has_the_last_word_on_threads_and_gpus(monkeypatch, environment, threads):
    for name in (*THREADS, *ENVIRONMENT):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setitem(sys.modules, "gpflow", mock.MagicMock())
    asked, before = [], dict(os.environ)

    def configure(number):
        asked.append(
            (number, os.environ["CUDA_VISIBLE_DEVICES"], os.environ["TF_USE_LEGACY_KERAS"])
        )

    monkeypatch.setattr(tensorflow_loading, "configure_tensorflow", configure)
    tensorflow_loading.load_tensorflow()
    assert asked == [(threads, "1", "1")] and dict(os.environ) == before


def test_a_tensorflow_that_is_loaded_is_left_as_it_is(monkeypatch):
    tensorflow = mock.MagicMock()
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    before = dict(os.environ)
    tensorflow_loading.load_tensorflow()
    assert tensorflow.mock_calls == [] and dict(os.environ) == before


@pytest.mark.parametrize("level", [None, "0", "2"])
def test_only_the_greeting_is_held_back(monkeypatch, capfd, level):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    if level is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", level)
    greeting = (
        b"WARNING: All log messages before absl::InitializeLog() is called\nI0000 00: hello\n"
    )
    other = b"E0000 00:00 out of memory\nIt is mine\nno end"
    with pytest.raises(ImportError), tensorflow_loading._without_greeting():
        os.write(2, greeting + other)
        raise ImportError
    shown = other if level == "2" else greeting + other
    assert capfd.readouterr().err == shown.decode()


def test_without_stderr_there_is_nothing_to_hold_back(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
    monkeypatch.setattr(streams.os, "dup", mock.Mock(side_effect=OSError(9, "Bad descriptor")))
    with tensorflow_loading._without_greeting():
        entered = True
    assert entered


@pytest.mark.parametrize(
    ("variable", "gpflow_loaded", "disabled"),
    [("0", False, True), ("1", False, False), (None, False, False), ("0", True, False)],
)
def test_only_jobs_skip_shape_checks(monkeypatch, variable, gpflow_loaded, disabled):
    tensorflow, check_shapes = mock.MagicMock(), mock.MagicMock()
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    monkeypatch.setitem(sys.modules, "check_shapes", check_shapes)
    monkeypatch.setitem(sys.modules, "gpflow", mock.MagicMock())
    if not gpflow_loaded:
        del sys.modules["gpflow"]
    monkeypatch.delenv(CHECK_SHAPES, raising=False)
    if variable is not None:
        monkeypatch.setenv(CHECK_SHAPES, variable)
    tensorflow_loading.configure_tensorflow(1)
    assert check_shapes.set_enable_check_shapes.call_args_list == [mock.call(False)] * disabled
    tensorflow.config.threading.set_intra_op_parallelism_threads.assert_called_once_with(1)
