"""What surrounds a job: its log file, and the threads it may use. Importing it loads no TensorFlow."""

import contextlib
import logging
import os
import platform
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from pamlflow.errors import UserError
from pamlflow.streams import stderr_as
from pamlflow.tensorflow_loading import CHECK_SHAPES, ENVIRONMENT
from pamlflow.versions import __version__

logger = logging.getLogger("pamlflow")

_DEFAULTS = {**ENVIRONMENT, CHECK_SHAPES: "0"}
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
    `pamlflow.tensorflow_loading`. What else the environment says that would change results is not passed on.

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
    with path.open("ab") as file, stderr_as(file.fileno()):
        yield
