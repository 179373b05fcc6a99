"""The packages of `pip install pamlflow[logs]`, which not every user needs."""

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def needs_logs(what: str) -> Iterator[None]:
    """Say how to install what reads such a file, if an import in the block fails. Raises ValueError."""
    try:
        yield
    except ImportError as error:
        text = f"to read {what}, install what reads it: pip install 'pamlflow[logs]'"
        raise ValueError(f"{text} ({error})") from error
