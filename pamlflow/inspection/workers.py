"""Read files in worker processes: a file that crashes HDF5 does not end the check of the others.

The checks before reading do not find everything, such as an HDF5 tree with a cycle. A worker therefore has
limits of memory and time, and is replaced when it ends.
"""

import contextlib
import multiprocessing
import os
import resource
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple, TypeVar

from pamlflow.storage.files import LARGEST

Result = TypeVar("Result")

WORKERS = min(8, os.cpu_count() or 1)
"""Number of worker processes; more would disturb other users of a login node."""

SECONDS = 60
"""Processor time for one file."""

_MEMORY = 4 * LARGEST  # in addition to the memory at the start: the file, its data, and copies


class Crash(NamedTuple):
    """A file could not be read to the end."""

    reason: str


class _Worker(NamedTuple):
    process: BaseProcess
    pipe: Connection


def each(
    function: Callable[[Path], Result], paths: Sequence[Path]
) -> Iterator[tuple[Path, Result | Crash]]:
    """Yield each of `paths` with the result of `function`, or a Crash, in order of completion."""
    waiting, busy = deque(paths), dict[Connection, tuple[_Worker, Path]]()
    idle = [_start(function) for _ in range(min(WORKERS, len(paths)))]
    try:
        while waiting or busy:
            while waiting and idle:
                worker, path = idle.pop(), waiting.popleft()
                worker.pipe.send(path)
                busy[worker.pipe] = worker, path
            for pipe in wait(list(busy)):
                assert isinstance(pipe, Connection)
                worker, path = busy.pop(pipe)
                result: Result | Crash
                try:
                    result = pipe.recv()
                except (EOFError, OSError):
                    worker.process.join()
                    result, worker = Crash(_reason(worker.process.exitcode)), _start(function)
                idle.append(worker)
                yield path, result
    finally:
        for worker in [*idle, *(worker for worker, _ in busy.values())]:
            worker.process.terminate()
            worker.process.join()
            worker.pipe.close()


def one(function: Callable[[Path], Result], path: Path) -> Result | Crash:
    """Return the result of `function` for one path, or a Crash."""
    return next(result for _, result in each(function, [path]))


def _start(function: Callable[[Path], Result]) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(function: Callable[[Path], Result], pipe: Connection) -> None:
    """Read one file after another, until the process is ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles it, and ends this one
    _limit(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(OSError):  # without /proc, the memory is not limited
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + _MEMORY)
    while True:
        path = pipe.recv()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        _limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + SECONDS)
        result: Result | Crash
        try:
            result = function(path)
        except MemoryError:
            result = Crash(f"reading it takes more than {_MEMORY} bytes of memory")
        except Exception as error:  # a file must not end the check of the others
            result = Crash(f"cannot be read ({type(error).__name__}: {error})")
        pipe.send(result)


def _limit(kind: int, value: int) -> None:
    """Set a soft limit, unless it is lower already."""
    soft, hard = resource.getrlimit(kind)
    bounds = [value, *(bound for bound in (hard,) if bound != resource.RLIM_INFINITY)]
    if kind != resource.RLIMIT_CPU and soft != resource.RLIM_INFINITY:
        bounds.append(soft)
    with contextlib.suppress(OSError, ValueError):  # a system without this limit
        resource.setrlimit(kind, (min(bounds), hard))


def _reason(exit_code: int | None) -> str:
    """Return why a process ended."""
    if exit_code == -signal.SIGXCPU:
        return f"reading it takes longer than {SECONDS} s"
    name = signal.Signals(-exit_code).name if exit_code and exit_code < 0 else f"exit {exit_code}"
    return f"reading it ends the process that reads it ({name})"
