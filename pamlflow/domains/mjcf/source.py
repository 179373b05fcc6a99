"""Reading of an MJCF file into a model that can be changed and compiled anew for each task."""

import warnings
from pathlib import Path

import mujoco

from pamlflow.settings import SettingError


def read(path: Path) -> mujoco.MjSpec:
    """Return the model of an MJCF file, so that every change of it means what it says.

    What is only drawn is left out, for textures take most of the time to compile. The total mass of
    `settotalmass` becomes that of the parts, which then can be changed. Raises SettingError of the option
    `file` where MuJoCo cannot use it.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "compiler attribute 'settotalmass'")
            spec = mujoco.MjSpec.from_file(str(path))
            _undress(spec)
            # A static body that is fused into its parent has no mass of its own.
            spec.compiler.fusestatic = False
            _spread_total_mass(spec)
            spec.compile()
    except (ValueError, mujoco.FatalError) as error:
        raise SettingError(("file",), f"{path}: {_told(error)}") from error
    return spec


def compiled(spec: mujoco.MjSpec) -> mujoco.MjModel:
    """Return the model of a spec; ValueError with what MuJoCo says where there is none."""
    try:
        return spec.compile()
    except (ValueError, mujoco.FatalError) as error:
        raise ValueError(f"MuJoCo refuses the model: {_told(error)}") from error


def scale_mass(body: mujoco.MjsBody, factor: float, spec: mujoco.MjSpec) -> None:
    """Multiply mass and inertia of a body by a factor."""
    if has_inertial(body, spec):
        body.mass *= factor
        body.inertia *= factor
        body.fullinertia *= factor
        return
    for geom in body.geoms:
        scale_geom_mass(geom, factor)


def scale_geom_mass(geom: mujoco.MjsGeom, factor: float) -> None:
    """Multiply the mass of a geom by a factor: its own, or that of its density."""
    name = "density" if geom.mass != geom.mass else "mass"  # not a number where none is given
    setattr(geom, name, getattr(geom, name) * factor)


def has_inertial(body: mujoco.MjsBody, spec: mujoco.MjSpec) -> bool:
    """Whether the mass of a body is that of its `inertial`, and not of its geoms."""
    always_geoms = mujoco.mjtInertiaFromGeom.mjINERTIAFROMGEOM_TRUE
    return bool(body.explicitinertial) and spec.compiler.inertiafromgeom != always_geoms


def _undress(spec: mujoco.MjSpec) -> None:
    for dressed in (*spec.geoms, *spec.sites, *spec.tendons):
        dressed.material = ""
    for part in (*spec.skins, *spec.materials, *spec.textures):
        spec.delete(part)


def _spread_total_mass(spec: mujoco.MjSpec) -> None:
    total = spec.compiler.settotalmass
    if not total > 0:
        return
    spec.compiler.settotalmass = -1
    factor = total / spec.compile().body_mass[1:].sum()
    for body in spec.bodies:
        scale_mass(body, factor, spec)


def _told(error: Exception) -> str:
    """Return what MuJoCo says, in one line."""
    return " ".join(str(error).split())
