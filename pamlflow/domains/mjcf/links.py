"""The length of a link: of a body, together with all that lies along it."""

from typing import Any

import mujoco
import numpy as np

from pamlflow.domains.mjcf.source import has_inertial
from pamlflow.types import FloatArray

ROUND = (mujoco.mjtGeom.mjGEOM_CAPSULE, mujoco.mjtGeom.mjGEOM_CYLINDER)
POINTS = (mujoco.mjtGeom.mjGEOM_SPHERE,)
LOOPS = (mujoco.mjtEq.mjEQ_CONNECT, mujoco.mjtEq.mjEQ_WELD)


def refusal(body: mujoco.MjsBody, spec: mujoco.MjSpec) -> str:
    """Return why a body has no length that can be changed; empty if it has one."""
    if has_inertial(body, spec):
        return "has an `inertial` of its own, which does not follow from its length"
    if any(each.type in LOOPS for each in spec.equalities):
        return "is in a file that closes loops by `equality`, which another length would tear"
    parts = [*body.geoms, *body.sites, *body.joints, *body.bodies]
    if any(part.frame is not None for part in parts):
        return "has a `frame`; change the numbers of its parts"
    if any(geom.type not in (*ROUND, *POINTS) for geom in body.geoms):
        return (
            "has geoms other than capsules, cylinders and spheres; change their sizes and positions"
        )
    if not any(geom.type in ROUND for geom in body.geoms):
        return "has no capsule or cylinder"
    return ""


def length(body: mujoco.MjsBody) -> float:
    """Return the length in m of the longest capsule or cylinder of a body, without its caps."""
    return max(_length(geom) for geom in body.geoms if geom.type in ROUND)


def stretch(body: mujoco.MjsBody, factor: float) -> None:
    """Multiply a body's length by a factor: its capsules and cylinders, and where all else of it stands.

    Its first joint, or its origin without one, stays where it is; radii stay as they are, and so do
    densities, not masses.
    """
    joints = list(body.joints)
    centre = joints[0].pos.copy() if joints else np.zeros(3)
    for geom in body.geoms:
        if geom.type in ROUND and not is_from_to(geom):
            geom.size[1] *= factor
    for part in (*body.geoms, *body.sites):
        if is_from_to(part):
            ends = part.fromto.reshape(2, 3)
            part.fromto = _from(centre, ends, factor).ravel()
    for part in (*body.geoms, *body.sites, *joints, *body.bodies):
        part.pos = _from(centre, part.pos, factor)


def is_from_to(part: Any) -> bool:
    """Whether a geom or site is given by its two ends."""
    return bool(np.isfinite(part.fromto[0]))


def straighten(part: Any) -> None:
    """Give a geom or site by position, direction and size, where it is given by its two ends."""
    if not is_from_to(part):
        return
    start, end = part.fromto.reshape(2, 3)
    along = start - end
    quaternion = np.empty(4)
    mujoco.mju_quatZ2Vec(quaternion, along / np.linalg.norm(along))
    part.pos, part.quat = (start + end) / 2, quaternion
    half = np.linalg.norm(along) / 2
    if part.type in ROUND:
        part.size[1] = half
    else:  # the width is that of both other axes
        part.size[1:] = part.size[0], half
    part.fromto = np.full(6, np.nan)


def _length(geom: mujoco.MjsGeom) -> float:
    if is_from_to(geom):
        start, end = geom.fromto.reshape(2, 3)
        return float(np.linalg.norm(end - start))
    return 2.0 * float(geom.size[1])


def _from(centre: FloatArray, points: FloatArray, factor: float) -> FloatArray:
    moved: FloatArray = centre + factor * (points - centre)
    return moved
