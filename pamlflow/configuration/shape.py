"""Checks that a configuration is finite and not huge, and that its keys are text."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pamlflow.wording import Key, Problem, shown

MAX_VALUES = 20_000
MAX_DEPTH = 20
MAX_BITS = 4096  # of a whole number; Python does not print more than 4,300 digits

ENDLESS = "an alias (*) stands within what it refers to, so it has no end; write the values out"
TOO_DEEP = f"expected a few levels of keys and lists, found more than {MAX_DEPTH}"
TOO_LONG = "expected a number that a computer can hold, found one of thousands of digits"
TOO_MANY = (
    f"expected at most {MAX_VALUES} values, each alias (*) written out, found more; "
    "a study has a few hundred"
)


def endless_problems(config: Any) -> list[Problem]:
    """Return the problem that makes it impossible to visit all values of `config`; empty without one.

    A YAML alias is one object in many places. Each object is visited once, so the time is bounded by the length
    of the file, however many values its aliases stand for.
    """
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def count(value: Any, key: Key) -> int:
        if any(isinstance(it, int) and it.bit_length() > MAX_BITS for it in (value, *_keys(value))):
            raise _EndlessError(key, TOO_LONG)
        if not isinstance(value, Mapping | list) or id(value) in sizes:
            return 1 + sizes.get(id(value), 0)
        if id(value) in above:
            raise _EndlessError(key, ENDLESS)
        if len(key) > MAX_DEPTH:
            raise _EndlessError(key, TOO_DEEP)
        above.add(id(value))
        size = sum(count(child, (*key, _part(name))) for name, child in _children(value))
        above.remove(id(value))
        if size > MAX_VALUES:
            raise _EndlessError(key, TOO_MANY)
        sizes[id(value)] = size
        return 1 + size

    try:
        count(config, ())
    except _EndlessError as error:
        return [(error.key, error.text)]
    return []


class _EndlessError(Exception):
    """Stops the walk at the first key from which it would not end."""

    def __init__(self, key: Key, text: str) -> None:
        self.key, self.text = key, text


def nameless_problems(config: Any, key: Key = ()) -> Iterator[Problem]:
    """Find keys that YAML does not read as text, such as 1, no or a date."""
    for name, child in _children(config):
        if isinstance(config, Mapping) and not isinstance(name, str):
            text = f"expected a name, found {shown(name)}, which is no text"
            yield (*key, str(name)), f"{text}; write it in quotes if it is one"
        yield from nameless_problems(child, (*key, _part(name)))


def _children(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _keys(value: Any) -> Iterable[Any]:
    return value if isinstance(value, Mapping) else ()


def _part(name: Any) -> str | int:
    """Return a name as a part of a key; in keys, only positions in lists are numbers."""
    return name if isinstance(name, int) and not isinstance(name, bool) else str(name)
