"""What surrounds a job: its log file, and the threads it may use. Loads no TensorFlow."""

import contextlib
import logging
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pamlflow import __version__
from pamlflow.errors import UserError

logger = logging.getLogger("pamlflow")

CHECK_SHAPES = "PAMLFLOW_CHECK_SHAPES"
"""Environment variable: `0` leaves GPflow's shape checks out, `1` keeps them in jobs too."""

_DEFAULTS = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # TensorFlow's errors, not its greetings
    "CUDA_VISIBLE_DEVICES": "-1",  # float64 and small matrices: the processor is faster
    "TF_USE_LEGACY_KERAS": "1",  # TensorFlow Probability loads this one anyway; both cost a second
    CHECK_SHAPES: "0",
}
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",  # for jobs that load TensorFlow only to look at pictures
    "TF_NUM_INTEROP_THREADS",
)


@contextlib.contextmanager
def job(*, log: str | Path, threads: int) -> Iterator[None]:
    """Run a job with messages and uncaught errors in the file `log`, on `threads` threads.

    What libraries print to stderr from compiled code goes to `log` too, so that the terminal keeps the
    progress of the workflow.

    Libraries read the environment when they are loaded: those a script loads before it enters here,
    NumPy for one, go by what Snakemake exported. TensorFlow must be loaded inside, by
    `configure_tensorflow`.

    A UserError ends the process without a traceback in the terminal: its message is the last line of `log`.
    """
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    with _log_file(Path(log)), _stderr_to(Path(log)):
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
    if os.environ.get(CHECK_SHAPES) == "0" and "gpflow" not in sys.modules:
        # GPflow decorates hundreds of functions when imported: 2 of 7 seconds go into the checks.
        from check_shapes import set_enable_check_shapes

        set_enable_check_shapes(False)
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        running = tf.config.threading.get_intra_op_parallelism_threads()
        logger.warning("TensorFlow already runs on %d threads, not on %d", running, threads)


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
    sys.stderr.flush()
    terminal = os.dup(2)
    with path.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)
