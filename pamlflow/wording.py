"""Keys and values of a configuration, in the words of messages."""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Key = tuple[str | int, ...]
Problem = tuple[Key, str]
Node = Mapping[str, Any]


def shown(value: Any) -> str:
    """Return a value as it is told to have been found."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text '{value}'"
    return json.dumps(value, default=str)


def nearest(name: str, names: Iterable[str], show: Callable[[str], str] = str) -> str:
    """Return a question for the most similar of `names`, if one is."""
    similar = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean '{show(similar[0])}'?" if similar else ""


def dotted(key: Key) -> str:
    """Return `run.strategies[0]` for a key of that path."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".") or "the configuration"
