"""What a process writes to file descriptor 2, compiled code included, sent elsewhere for a while."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def stderr_as(descriptor: int, afterwards: Callable[[], None] | None = None) -> Iterator[None]:
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
