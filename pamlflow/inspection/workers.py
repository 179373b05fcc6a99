"""Read files in processes of their own: a file that brings down HDF5 ends its own reading and no other.

A file can still hold what the checks before reading do not see, such as a tree of HDF5 that leads in
a circle. So a worker has bounds of memory and of time, and another one takes over when it ends.
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
"""Processes that read files: more would disturb the others on a login node."""

SECONDS = 60
"""Time of a processor for one file."""

_MEMORY = 4 * LARGEST  # beside what a worker begins with: the file, its data, and copies of them


class Crash(NamedTuple):
    """A file could not be read to the end."""

    reason: str


class _Worker(NamedTuple):
    process: BaseProcess
    pipe: Connection


def each(
    function: Callable[[Path], Result], paths: Sequence[Path]
) -> Iterator[tuple[Path, Result | Crash]]:
    """Yield each of `paths` with what `function` returns for it, in the order they are done."""
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
    """Return what `function` returns for one path, or why it did not."""
    return next(result for _, result in each(function, [path]))


def _start(function: Callable[[Path], Result]) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(function: Callable[[Path], Result], pipe: Connection) -> None:
    """Read one file after another, until the process is ended."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the process that waits is told, and ends this one
    _limit(resource.RLIMIT_CORE, 0)
    with contextlib.suppress(OSError):  # where there is no /proc, the memory is not bounded
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
        except Exception as error:  # no file may end the check of the others
            result = Crash(f"cannot be read ({type(error).__name__}: {error})")
        pipe.send(result)


def _limit(kind: int, value: int) -> None:
    """Set a soft limit, unless a lower one is set already."""
    soft, hard = resource.getrlimit(kind)
    bounds = [value, *(bound for bound in (hard,) if bound != resource.RLIM_INFINITY)]
    if kind != resource.RLIMIT_CPU and soft != resource.RLIM_INFINITY:
        bounds.append(soft)
    with contextlib.suppress(OSError, ValueError):  # a system that knows no such limit
        resource.setrlimit(kind, (min(bounds), hard))


def _reason(exit_code: int | None) -> str:
    """Why a process ended."""
    if exit_code == -signal.SIGXCPU:
        return f"reading it takes longer than {SECONDS} s"
    name = signal.Signals(-exit_code).name if exit_code and exit_code < 0 else f"exit {exit_code}"
    return f"reading it ends the process that reads it ({name})"
