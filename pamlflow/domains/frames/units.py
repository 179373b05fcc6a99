"""Units as logs write them: beside the name of a column, or in ways of their own."""

import re

_LABEL = re.compile(r"(.*?\S)\s*_?(?:\[([^\[\]]*)\]|\(([^()]*)\))\s*")
_NUMBER = re.compile(r"\d+")
_NAMES = {
    "°": "deg",
    "degree": "deg",
    "degrees": "deg",
    "radian": "rad",
    "radians": "rad",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "meter": "m",
    "meters": "m",
    "metre": "m",
    "metres": "m",
    "²": "2",
}


def unit_in(label: str) -> str | None:
    """Return the unit in the label of a column, such as "angle [deg]"; None without one.

    A number in brackets, as in "state[3]", is no unit.
    """
    found = _LABEL.fullmatch(label)
    unit = (found[2] or found[3] or "").strip() if found else ""
    return None if not unit or _NUMBER.fullmatch(unit) else unit


def without_unit(label: str) -> str:
    """Return the label of a column without the unit in it."""
    found = _LABEL.fullmatch(label) if unit_in(label) else None
    return found[1] if found else label


def same_unit(one: str, other: str) -> bool:
    """Return whether two texts are the same unit, up to signs of multiplication, brackets and spelling."""
    return _plain(one) == _plain(other)


def _plain(unit: str) -> str:
    words = re.split(r"(/|\s+|\*|·|⋅|\.)", unit.strip().strip("[]()"))
    names = "".join(_NAMES.get(word.lower(), word) for word in words)
    return re.sub(r"[\s*·⋅.^]|\*\*", "", names.replace("²", "2").replace("°", "deg"))
