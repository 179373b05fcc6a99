"""What surrounds a job: its log file, and the threads it may use. Importing it loads no TensorFlow."""

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

from pamlflow.errors import UserError
from pamlflow.versions import __version__

logger = logging.getLogger("pamlflow")

CHECK_SHAPES = "PAMLFLOW_CHECK_SHAPES"
"""Environment variable: `0` leaves GPflow's shape checks out, `1` keeps them in jobs too."""

_TENSORFLOW = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # TensorFlow's errors, not its greetings
    "CUDA_VISIBLE_DEVICES": "-1",  # float64 and small matrices: the processor is faster
    "TF_USE_LEGACY_KERAS": "1",  # TensorFlow Probability loads this one anyway; both cost a second
}
_DEFAULTS = {**_TENSORFLOW, CHECK_SHAPES: "0"}
_FIXED = {
    "TF_USE_LEGACY_KERAS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "1",  # it rounds otherwise than TensorFlow's own kernels
}
_NOT_PASSED_ON = ("TF_XLA_FLAGS", "XLA_FLAGS", "TF_DETERMINISTIC_OPS", "GPFLOW_")
"""Variables of jobs, or their beginnings, that would change what is computed."""

_TOO_LATE_FOR_JOBS = ("PYTHONOPTIMIZE", "MPLBACKEND")
"""Keras does not load without its docstrings, nor matplotlib with a backend that it does not know."""

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",  # for jobs that load TensorFlow only to look at pictures
    "TF_NUM_INTEROP_THREADS",
)
_GREETING = re.compile(rb"I\d{4} |WARNING: All log messages before absl|.*failed call to cuInit")
"""Lines that TensorFlow prints before it looks at its log level, or because no GPU is shown to it."""


def prepare_jobs() -> None:
    """Take out of the environment what interpreters read before they enter `job`; the workflow calls it."""
    for name in _TOO_LATE_FOR_JOBS:
        os.environ.pop(name, None)


@contextlib.contextmanager
def job(*, log: str | Path, threads: int) -> Iterator[None]:
    """Run a job with messages and uncaught errors in the file `log`, on `threads` threads.

    What libraries print to stderr from compiled code goes to `log` too, so that the terminal keeps the
    progress of the workflow.

    Libraries read the environment when they are loaded: those a script loads before it enters here,
    NumPy for one, go by what Snakemake exported. TensorFlow must be loaded inside, by
    `configure_tensorflow`. What else the environment says that would change results is not passed on.

    Warnings are logged, also where PYTHONWARNINGS makes them errors, and NumPy's error state is the default
    one until a user's module changes it.

    A UserError ends the process without a traceback in the terminal: its message is the last line of `log`.
    """
    _set_environment(threads)
    from pamlflow.numerics import default_error_state  # loads NumPy, which has to see the threads

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
    defaults = {name: value for name, value in _TENSORFLOW.items() if name not in os.environ}
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


def _set_environment(threads: int) -> None:
    """Set what libraries read when they are loaded."""
    for name in list(os.environ):
        if name.startswith(_NOT_PASSED_ON):
            del os.environ[name]
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    os.environ.update(_FIXED)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


@contextlib.contextmanager
def _warnings_only_shown() -> Iterator[None]:
    """Show warnings where a filter makes some of them errors."""
    with warnings.catch_warnings():
        if any(action == "error" for action, *_ in warnings.filters):
            warnings.simplefilter("default")
        yield


def _used() -> str:
    """Processor time and peak memory so far; Snakemake's benchmark files sample them every 30 s only."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:  # On Linux, ru_maxrss counts what the parent had when it started this process.
        status = Path("/proc/self/status").read_text()
        memory = int(status.split("VmHWM:")[1].split()[0]) / 2**10
    except (OSError, IndexError):  # no such file, or no such line in a sandbox
        memory = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return f"{used.ru_utime + used.ru_stime:.1f} s of processor, at most {memory:.0f} MiB"


@contextlib.contextmanager
def _without_greeting() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, and pass it on afterwards but for the greeting.

    Who sets TensorFlow's log level to 0 gets the greeting, too.
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
    """Send what pamlflow logs, and Python's warnings, to a new file at `path`."""
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
    """Append what the process writes to file descriptor 2, compiled code included, to `path`."""
    with path.open("ab") as file, _stderr_as(file.fileno()):
        yield


@contextlib.contextmanager
def _stderr_as(descriptor: int, afterwards: Callable[[], None] | None = None) -> Iterator[None]:
    """Let file descriptor 2 be another one; `afterwards` is called when it is itself again."""
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
