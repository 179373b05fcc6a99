"""The surroundings of a job: log file, environment and threads. Importing this module loads no TensorFlow."""

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


def prepare_jobs() -> None:
    """Remove variables from the environment that interpreters read before `job`; called by the workflow."""
    for name in _TOO_LATE_FOR_JOBS:
        os.environ.pop(name, None)


@contextlib.contextmanager
def job(*, log: str | Path, threads: int) -> Iterator[None]:
    """Run a job on `threads` threads, with messages and uncaught errors in the file `log`.

    Output of compiled code to stderr goes to `log` too, so the terminal shows only the progress of the
    workflow.

    Libraries read the environment when they are loaded: those a script loads before it enters here,
    NumPy for one, go by what Snakemake exported. TensorFlow must be loaded inside, by
    `pamlflow.tensorflow_loading`. What else the environment says that would change results is not passed on.

    Warnings are logged, even if PYTHONWARNINGS makes them errors. NumPy has its default error state until a
    user's module changes it. A UserError ends the process without a traceback in the terminal; its message is
    the last line of `log`.
    """
    _set_environment(threads)
    # This loads NumPy, which reads the number of threads.
    from pamlflow.numerics import default_error_state

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
    """Append what the process writes to file descriptor 2, compiled code included, to `path`."""
    with path.open("ab") as file, stderr_as(file.fileno()):
        yield
