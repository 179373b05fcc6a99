"""Loads TensorFlow when it is needed: quietly, without GPU, and on a given number of threads."""

import contextlib
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from pamlflow.streams import stderr_as

logger = logging.getLogger("pamlflow")

CHECK_SHAPES = "PAMLFLOW_CHECK_SHAPES"
"""Environment variable: `0` leaves GPflow's shape checks out, `1` keeps them in jobs too."""

ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # TensorFlow's errors, not its greetings
    "CUDA_VISIBLE_DEVICES": "-1",  # float64 and small matrices: the processor is faster
    "TF_USE_LEGACY_KERAS": "1",  # TensorFlow Probability loads this one anyway; both cost a second
}
"""What TensorFlow is to read where the user has not said otherwise."""

_GREETING = re.compile(rb"I\d{4} |WARNING: All log messages before absl|.*failed call to cuInit")
"""Lines that TensorFlow prints before it looks at its log level, or because no GPU is shown to it."""


def configure_tensorflow(threads: int) -> None:
    """Load TensorFlow and limit its pools to `threads`; call it before GPflow is imported.

    TensorFlow ignores OMP_NUM_THREADS and would start a thread per core of the node. Its pools
    cannot change once it has computed something: that is logged, not an error.
    """
    with _without_greeting():
        import tensorflow as tf

        if os.environ.get(CHECK_SHAPES) == "0" and "gpflow" not in sys.modules:
            # GPflow decorates hundreds of functions when imported: 2 of 7 seconds go into the checks.
            from check_shapes import set_enable_check_shapes

            set_enable_check_shapes(False)
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:
            running = tf.config.threading.get_intra_op_parallelism_threads()
            logger.warning("TensorFlow already runs on %d threads, not on %d", running, threads)
        tf.config.list_logical_devices()  # which ones is decided here, once and for all


def load_tensorflow() -> None:
    """Load TensorFlow into a process of the user's as into a job: on one thread, without GPU or greeting.

    What the environment says goes first, and TensorFlow stays as it is where it is loaded already. The
    environment is the user's again afterwards: another library may want the GPU.
    """
    if "tensorflow" in sys.modules:
        return
    defaults = {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}
    os.environ.update(defaults)
    try:
        if any(name in os.environ for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")):
            threads = 0  # what TensorFlow makes of these
        else:
            said = os.environ.get("OMP_NUM_THREADS", "")
            threads = int(said) if said.isdecimal() else 1
        configure_tensorflow(threads)
        with _without_greeting():
            import gpflow  # noqa: F401 (and with it Keras, which looks at the environment, too)
    finally:
        for name in defaults:
            del os.environ[name]


@contextlib.contextmanager
def _without_greeting() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, and pass it on afterwards but for the greeting.

    Who sets TensorFlow's log level to 0 gets the greeting, too.
    """
    with contextlib.ExitStack() as stack:
        if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0") != "0":
            # Without such a descriptor, or room for it, the greeting comes and does no harm.
            with contextlib.suppress(OSError):
                held = stack.enter_context(tempfile.TemporaryFile())
                stack.enter_context(stderr_as(held.fileno(), lambda: _pass_on(held)))
        yield


def _pass_on(held: IO[bytes]) -> None:
    held.seek(0)
    for line in held:
        if not _GREETING.match(line):
            os.write(2, line)
