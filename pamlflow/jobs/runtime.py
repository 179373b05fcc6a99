"""The surroundings of a job: log file, environment and threads. Importing this module loads no TensorFlow."""

import contextlib
import logging
import os
import platform
import re
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from pamlflow import __version__
from pamlflow.errors import UserError

logger = logging.getLogger("pamlflow")

CHECK_SHAPES = "PAMLFLOW_CHECK_SHAPES"
"""Environment variable: `0` disables the shape checks of GPflow, `1` enables them in jobs too."""

_TENSORFLOW = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # errors only
    "CUDA_VISIBLE_DEVICES": "-1",  # float64 and small matrices: the processor is faster
    "TF_USE_LEGACY_KERAS": "1",  # TensorFlow Probability loads this Keras anyway; both take a second
}
_DEFAULTS = {**_TENSORFLOW, CHECK_SHAPES: "0"}
_FIXED = {
    "TF_USE_LEGACY_KERAS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # it rounds differently from TensorFlow's own kernels
}
_NOT_PASSED_ON = ("TF_XLA_FLAGS", "XLA_FLAGS", "TF_DETERMINISTIC_OPS", "GPFLOW_")
"""Environment variables, or prefixes of them, that would change results; jobs do not get them."""

_TOO_LATE_FOR_JOBS = ("PYTHONOPTIMIZE", "MPLBACKEND")
"""Variables that interpreters read at their start: Keras needs docstrings, matplotlib a known backend."""

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",  # for jobs that load TensorFlow only for pictures
    "TF_NUM_INTEROP_THREADS",
)
_GREETING = re.compile(rb"I\d{4} |WARNING: All log messages before absl|.*failed call to cuInit")
"""Lines that TensorFlow prints before it reads its log level, or because GPUs are hidden from it."""


def prepare_jobs() -> None:
    """Remove variables from the environment that interpreters read before `job`; called by the workflow."""
    for name in _TOO_LATE_FOR_JOBS:
        os.environ.pop(name, None)


@contextlib.contextmanager
def job(*, log: str | Path, threads: int) -> Iterator[None]:
    """Run a job on `threads` threads, with messages and uncaught errors in the file `log`.

    Output of compiled code to stderr goes to `log` too, so the terminal shows only the progress of the
    workflow.

    Libraries read the environment when they are loaded. Libraries that a script loads before this block, such
    as NumPy, use the environment of Snakemake; TensorFlow must be loaded inside, by `configure_tensorflow`.
    Variables that would change results are removed.

    Warnings are logged, even if PYTHONWARNINGS makes them errors. NumPy has its default error state until a
    user's module changes it. A UserError ends the process without a traceback in the terminal; its message is
    the last line of `log`.
    """
    _set_environment(threads)
    from pamlflow.numerics import (
        default_error_state,
    )  # loads NumPy, which reads the number of threads

    with (
        _log_file(Path(log)),
        _stderr_to(Path(log)),
        _warnings_only_shown(),
        default_error_state(),
    ):
        start = time.perf_counter()
        logger.info("pamlflow %s on %s, threads: %d", __version__, platform.node(), threads)
        try:
            yield
        except UserError as error:
            logger.info("where it failed", exc_info=True)
            logger.error("failed after %.1f s: %s", time.perf_counter() - start, error)
            raise SystemExit(1) from None
        except BaseException:
            logger.exception("failed after %.1f s", time.perf_counter() - start)
            raise
        logger.info("done in %.1f s, %s", time.perf_counter() - start, _used())


def configure_tensorflow(threads: int) -> None:
    """Load TensorFlow and limit its pools to `threads`; call it before GPflow is imported.

    TensorFlow ignores OMP_NUM_THREADS and would start a thread for each core of the node. Its pools are fixed
    after its first computation; in this case a warning is logged.
    """
    with _without_greeting():
        import tensorflow as tf

        if os.environ.get(CHECK_SHAPES) == "0" and "gpflow" not in sys.modules:
            # On import, GPflow decorates hundreds of functions with checks, which takes 2 of 7 seconds.
            from check_shapes import set_enable_check_shapes

            set_enable_check_shapes(False)
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError:
            running = tf.config.threading.get_intra_op_parallelism_threads()
            logger.warning("TensorFlow already runs on %d threads, not on %d", running, threads)
        tf.config.list_logical_devices()  # fixes the devices


def load_tensorflow() -> None:
    """Load TensorFlow into a user's process as in a job: on one thread, without GPU and without messages.

    Settings in the environment take precedence, and a TensorFlow that is loaded already is not changed. The
    environment is restored afterwards, since another library may need the GPU.
    """
    if "tensorflow" in sys.modules:
        return
    defaults = {name: value for name, value in _TENSORFLOW.items() if name not in os.environ}
    os.environ.update(defaults)
    try:
        if any(name in os.environ for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")):
            threads = 0  # TensorFlow reads these variables
        else:
            said = os.environ.get("OMP_NUM_THREADS", "")
            threads = int(said) if said.isdecimal() else 1
        configure_tensorflow(threads)
        with _without_greeting():
            import gpflow  # noqa: F401 (and with it Keras, which looks at the environment, too)
    finally:
        for name in defaults:
            del os.environ[name]


def _set_environment(threads: int) -> None:
    """Set the environment variables that libraries read when they are loaded."""
    for name in list(os.environ):
        if name.startswith(_NOT_PASSED_ON):
            del os.environ[name]
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    os.environ.update(_FIXED)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def _warnings_only_shown() -> Iterator[None]:
    """Show warnings instead of raising them, if a filter makes some of them errors."""
    with warnings.catch_warnings():
        if any(action == "error" for action, *_ in warnings.filters):
            warnings.simplefilter("default")
        yield


def _used() -> str:
    """Return processor time and peak memory so far; Snakemake's benchmarks sample memory only every 30 s."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:  # On Linux, ru_maxrss includes the memory of the parent at the start of this process.
        status = Path("/proc/self/status").read_text()
        memory = int(status.split("VmHWM:")[1].split()[0]) / 2**10
    except (OSError, IndexError):  # missing in a sandbox
        memory = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return f"{used.ru_utime + used.ru_stime:.1f} s of processor, at most {memory:.0f} MiB"


@contextlib.contextmanager
def _without_greeting() -> Iterator[None]:
    """Hold back the output to file descriptor 2, and pass it on afterwards without TensorFlow's greeting.

    With TF_CPP_MIN_LOG_LEVEL=0 nothing is held back.
    """
    with contextlib.ExitStack() as stack:
        if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0") != "0":
            with contextlib.suppress(
                OSError
            ):  # no such descriptor, or no room: greetings are no harm
                held = stack.enter_context(tempfile.TemporaryFile())
                stack.enter_context(_stderr_as(held.fileno(), lambda: _pass_on(held)))
        yield


def _pass_on(held: IO[bytes]) -> None:
    held.seek(0)
    for line in held:
        if not _GREETING.match(line):
            os.write(2, line)


@contextlib.contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Write the log of pamlflow and Python's warnings to a new file at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    handler = logging.FileHandler(path, mode="a", encoding="utf-8")  # stderr is appended too
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    sources = (logger, logging.getLogger("py.warnings"))
    level = logger.level
    logger.setLevel(logging.INFO)
    logging.captureWarnings(True)
    for source in sources:
        source.addHandler(handler)
    try:
        yield
    finally:
        for source in sources:
            source.removeHandler(handler)
        logging.captureWarnings(False)
        logger.setLevel(level)
        handler.close()


@contextlib.contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Append all output to file descriptor 2, including that of compiled code, to `path`."""
    with path.open("ab") as file, _stderr_as(file.fileno()):
        yield


@contextlib.contextmanager
def _stderr_as(descriptor: int, afterwards: Callable[[], None] | None = None) -> Iterator[None]:
    """Replace file descriptor 2 by another one within a block; call `afterwards` when it is restored."""
    if sys.stderr is not None:
        sys.stderr.flush()
    terminal = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)
        if afterwards is not None:
            afterwards()
