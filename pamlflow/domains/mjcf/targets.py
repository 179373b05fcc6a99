"""What a parameter changes in a model: `body:arm.mass`, `joint:left_*.damping`, `option.gravity[2]`.

A target is a kind of element, a name or pattern, an attribute as MJCF calls it, and the index of one number
of it. Three attributes are more than a number in the file: the mass of a body is that of its geoms or its
`inertial`, the mass of a geom may come from its density, and the length of a body moves all that lies along
it. What follows from the numbers, inertias above all, is compiled anew.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import mujoco
import numpy as np

from pamlflow.domains.mjcf import links
from pamlflow.domains.mjcf.elements import KINDS, elements, matching, names
from pamlflow.domains.mjcf.source import compiled, scale_geom_mass, scale_mass
from pamlflow.settings import SettingError
from pamlflow.types import FloatArray
from pamlflow.wording import Key, nearest, quoted

FORM = re.compile(
    r"(?:(?P<kind>\w+):(?P<name>.+)|option)\.(?P<attribute>\w+)(?:\[(?P<index>\d+)\])?"
)
EXPECTED = "expected a target such as body:arm.mass, joint:left_*.damping or option.gravity[2]"
CHANGED = [kind for kind in KINDS if kind not in ("sensor", "key")]

FIRST = ("damping", "stiffness", "gear", "friction")
"""Attributes of several numbers, of which MJCF mostly has the first alone."""

NEVER_NEGATIVE = {
    *("mass", "length", "density", "size"),
    *("damping", "armature", "frictionloss", "friction", "viscosity"),
}
"""What MuJoCo takes for a number like any other in some places, though it means nothing."""

NOT_VARIED = ("ctrlrange", "rgba", "timestep", "userdata")
"""Numbers that say nothing of the motion, or that all tasks must share."""

SHAPE = ("size", "pos", "quat")


class Change(NamedTuple):
    """One attribute of one element that a parameter sets or scales, in the order in which changes are made.

    Masses come last, since that of a body depends on its shape, and scaling comes after setting.
    """

    stage: int
    is_scaled: bool
    parameter: int
    target: str
    factor: float
    kind: str
    element: int
    attribute: str
    number: int | None

    @property
    def place(self) -> tuple[str, int, str, int | None]:
        """What is changed."""
        return self.kind, self.element, self.attribute, self.number


def changes(
    spec: mujoco.MjSpec, parameter: int, target: str, factor: float, is_scaled: bool, key: Key
) -> Iterator[Change]:
    """Find what a target means in a model; SettingError of the option `key` where it means nothing."""
    found = FORM.fullmatch(target)
    if not found:
        raise SettingError(key, f"{EXPECTED}, found {quoted(target)}")
    kind, attribute = found["kind"] or "option", found["attribute"]
    if kind != "option" and kind not in CHANGED:
        text = f"{quoted(target)}: unknown kind '{kind}'{nearest(kind, CHANGED)}"
        raise SettingError(key, f"{text} (known: option, {', '.join(CHANGED)})")
    known = names(spec, kind) if found["name"] else []
    places = matching(known, found["name"], key, kind) if found["name"] else [0]
    if len(places) > 1 and kind == "body":  # a pattern means those of the mechanism, not the world
        places = [place for place in places if place != 0]
    for element in places:
        index = int(found["index"]) if found["index"] else None
        try:
            index = _checked(spec, kind, element, attribute, index, is_scaled)
        except ValueError as error:
            said = f"{kind} '{known[element]}'" if known else kind
            raise SettingError(key, f"{quoted(target)}: {said} {error}") from error
        stage = {"length": 1, "mass": 2 if kind == "geom" else 3}.get(attribute, 0)
        yield Change(stage, is_scaled, parameter, target, factor, kind, element, attribute, index)


def apply(spec: mujoco.MjSpec, planned: Sequence[Change], values: FloatArray) -> None:
    """Make the changes, in order, for parameters [D]; ValueError where one gives what cannot be."""
    masses: FloatArray | None = None
    for change in planned:
        value = change.factor * float(values[change.parameter])
        if change.attribute in NEVER_NEGATIVE and not value >= 0:
            raise ValueError(f"{change.target}: expected at least 0, found {value}")
        element = _element(spec, change.kind, change.element)
        if change.kind == "body" and change.attribute == "mass":
            if not change.is_scaled:
                masses = compiled(spec).body_mass if masses is None else masses
                if not masses[element.id] > 0:
                    raise ValueError(f"{change.target}: the body has no mass that could be scaled")
                value /= masses[element.id]
            scale_mass(element, value, spec)
        elif change.attribute == "length":
            scale = value if change.is_scaled else value / links.length(element)
            links.stretch(element, scale)
        elif change.attribute == "mass" and change.is_scaled:
            scale_geom_mass(element, value)
        else:
            _assign(element, change, value)


def value_now(spec: mujoco.MjSpec, change: Change) -> float:
    """Return the number that a change would replace."""
    element = _element(spec, change.kind, change.element)
    if change.kind == "body" and change.attribute == "mass":
        return float(compiled(spec).body_mass[element.id])
    if change.attribute == "length":
        return links.length(element)
    value = getattr(element, change.attribute)
    return float(value if np.ndim(value) == 0 else value[change.number or 0])


def _element(spec: mujoco.MjSpec, kind: str, index: int) -> Any:
    return spec.option if kind == "option" else elements(spec, kind)[index]


def _checked(
    spec: mujoco.MjSpec, kind: str, place: int, attribute: str, index: int | None, is_scaled: bool
) -> int | None:
    """The index of the number that is meant; ValueError unless the element has it."""
    element = _element(spec, kind, place)
    derived = {"body": ["mass", "length"], "geom": ["mass"]}.get(kind, [])
    if attribute in derived:
        if index is not None:
            raise ValueError(f"has one {attribute}; leave out [{index}]")
        if kind == "body" and place == 0:
            raise ValueError(f"is the world, which has no {attribute}")
        if attribute == "length" and (why := links.refusal(element, spec)):
            raise ValueError(f"{why}, and so no length")
        needs_mass = kind == "body" and attribute == "mass" and not is_scaled
        if needs_mass and not compiled(spec).body_mass[element.id] > 0:
            raise ValueError("has no mass in the file; change that of its geoms")
        return None
    known = {*_numbers(element), *derived}
    if attribute not in known:
        if attribute == "timestep":
            raise ValueError("has no timestep here; it is that of `simulation`")
        hint = nearest(attribute, known)
        raise ValueError(f"has no number '{attribute}'{hint} (known: {', '.join(sorted(known))})")
    value = np.asarray(getattr(element, attribute))
    if value.ndim == 0 and index is not None:
        raise ValueError(f"has one {attribute}; leave out [{index}]")
    if value.ndim and index is None and not is_scaled:
        if attribute not in FIRST:
            raise ValueError(f"has {value.size} numbers {attribute}; say which, from [0] on")
        index = 0
    if index is not None and index >= value.size:
        raise ValueError(f"has {value.size} numbers {attribute}, from [0] to [{value.size - 1}]")
    if attribute == "density" and kind == "geom" and np.isfinite(element.mass):
        raise ValueError("has a mass in the file, which its density does not change")
    if attribute not in SHAPE and not np.isfinite(value).all():
        raise ValueError(f"has no {attribute} in the file; give it there, or change another number")
    return index


def _numbers(element: Any) -> list[str]:
    """The attributes of an element that are real numbers, or arrays of them."""
    found = []
    for name in dir(element):
        is_other = name.startswith("_") or name in NOT_VARIED
        value = None if is_other else getattr(element, name)
        is_array = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0
        if isinstance(value, float) or is_array:
            found.append(name)
    return found


def _assign(element: Any, change: Change, value: float) -> None:
    """Set or scale the numbers of an attribute of an element."""
    if change.attribute in SHAPE and hasattr(element, "fromto"):
        links.straighten(element)
    present = getattr(element, change.attribute)
    if np.ndim(present) == 0:
        setattr(element, change.attribute, value * present if change.is_scaled else value)
    else:
        which = slice(None) if change.number is None else change.number
        present[which] = value * present[which] if change.is_scaled else value
