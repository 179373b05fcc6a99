"""Keys and values of a configuration in messages."""

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Key = tuple[str | int, ...]
Problem = tuple[Key, str]
Node = Mapping[str, Any]
WrittenAt = Mapping[Key, str]

MAX_SHOWN = 80  # of a value
MAX_NAMED = (
    1000  # of a key, or of a file that cannot be read: its path is of use only if it is whole
)


def shown(value: Any) -> str:
    """Return a value for a message, shortened if it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    try:
        return _cut(json.dumps(value, default=str))
    except TypeError:  # JSON has no keys such as dates
        return _cut(repr(value))


def quoted(text: str) -> str:
    """Return a text in quotes, with code points if it has letters outside ASCII that may look alike."""
    return (
        _cut(repr(text)) if text.isascii() else f"{_cut(repr(text))}, that is {_cut(ascii(text))}"
    )


def nearest(name: str, names: Iterable[str], show: Callable[[str], str] = str) -> str:
    """Return a hint with the most similar of `names`; empty if none is similar."""
    similar = difflib.get_close_matches(name[:MAX_SHOWN], list(names), n=1)
    return f"; did you mean '{show(similar[0])}'?" if similar else ""


def dotted(key: Key) -> str:
    """Return a key in dotted form: `run.strategies[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_part(part)}" for part in key)
    return text.removeprefix(".") or "the configuration"


def placed(problems: Iterable[Problem], written_at: WrittenAt) -> Iterator[Problem]:
    """Add to each problem the place where its key is written, or what holds it, if that is known."""
    for key, text in problems:
        known = (written_at[key[:n]] for n in range(len(key), 0, -1) if key[:n] in written_at)
        place = next(known, None)
        yield key, f"{text} ({place})" if place else text


def _part(name: str) -> str:
    """Return a name as part of a dotted key, in quotes if it has unprintable characters."""
    return _cut(name if name.isprintable() else repr(name), MAX_NAMED)


def _cut(text: str, most: int = MAX_SHOWN) -> str:
    left_out = len(text) - most
    return text if left_out <= 0 else f"{text[:most]}... ({left_out} more characters)"
