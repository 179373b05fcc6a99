"""The elements of a model by name. What has no name goes by that of its body, or of what it drives.

Where several without a name would share one, they are called `<name>/0`, `<name>/1` and so on.
"""

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import mujoco

from pamlflow.settings import SettingError
from pamlflow.wording import Key, nearest, quoted

KINDS = {
    "body": "bodies",
    "geom": "geoms",
    "joint": "joints",
    "site": "sites",
    "actuator": "actuators",
    "tendon": "tendons",
    "sensor": "sensors",
    "equality": "equalities",
    "pair": "pairs",
    "mesh": "meshes",
    "key": "keys",
}
"""For each kind of element what holds all of them in a model."""

MAX_KNOWN = 20  # names in a message


def elements(spec: mujoco.MjSpec, kind: str) -> list[Any]:
    """Return all elements of one of KINDS, in the order of the file."""
    return list(getattr(spec, KINDS[kind]))


def names(spec: mujoco.MjSpec, kind: str) -> list[str]:
    """Return what the elements of a kind are called, in their order; no two alike."""
    found = elements(spec, kind)
    own = {element.name for element in found if element.name}
    bases = [element.name or _base(kind, element) for element in found]
    unnamed = [base for element, base in zip(found, bases, strict=True) if not element.name]
    counts, seen = Counter(unnamed), Counter[str]()
    called = []
    for element, base in zip(found, bases, strict=True):
        if element.name or (counts[base] == 1 and base not in own):
            called.append(base)
        else:
            called.append(f"{base}/{seen[base]}")
            seen[base] += 1
    return called


def matching(known: Sequence[str], pattern: str, key: Key, kind: str) -> list[int]:
    """Return the indices of the known names that a name or a pattern such as `left_*` means.

    Raises SettingError of the option `key` where there is none.
    """
    if pattern in known:
        return [known.index(pattern)]
    found = [index for index, name in enumerate(known) if fnmatchcase(name, pattern)]
    if not found:
        raise SettingError(key, f"the file has no {kind} {quoted(pattern)}{_hint(pattern, known)}")
    return found


def _hint(name: str, known: Sequence[str]) -> str:
    listed = ", ".join(known[:MAX_KNOWN]) + ", ..." * (len(known) > MAX_KNOWN)
    return f"{nearest(name, known)} (known: {listed or 'none'})"


def _base(kind: str, element: Any) -> str:
    if kind in ("geom", "joint", "site"):
        return element.parent.name or "body"
    if kind == "actuator":
        return element.target or kind
    return kind
