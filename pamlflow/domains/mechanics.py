"""Carts, links and motors in MuJoCo, and the integration of their motion.

Angles are zero where links point up and grow about the y axis; gravity is 9.81 m/s^2. There is no
friction, no contact and no end of the rail.
"""

import mujoco
import numpy as np

from pamlflow.domains import stepping
from pamlflow.domains.base import Excitation
from pamlflow.domains.rendering import PICTURE_GROUP
from pamlflow.types import FloatArray

# In m; the paper does not give it. As in the cart-pole of the DeepMind Control Suite.
LINK_RADIUS = 0.045

# In pictures, of 6 m in 64 pixels say, a link of its true radius would be a line of one pixel.
DRAWN_RADIUS = 0.1
CART_BRIGHTNESS = 0.5
OUTER_BRIGHTNESS = 0.75  # of a link on another one, which has 1


def empty_model(step: float) -> mujoco.MjSpec:
    """Return an empty model, to be integrated by Runge-Kutta steps of `step` seconds."""
    spec = mujoco.MjSpec()
    spec.option.timestep = step
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_RK4
    spec.option.disableflags = mujoco.mjtDisableBit.mjDSBL_CONTACT | stepping.NO_RESET
    return spec


def add_cart(spec: mujoco.MjSpec, name: str, mass: float) -> mujoco.MjsBody:
    """Add a cart of `mass` kg that slides along the x axis, and return its body."""
    cart = spec.worldbody.add_body(name=name)
    cart.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[1, 0, 0])
    cart.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.2, 0.15, 0.1],
        mass=mass,
        group=PICTURE_GROUP,
        rgba=_grey(CART_BRIGHTNESS),
    )
    return cart


def add_link(
    parent: mujoco.MjsBody,
    name: str,
    mass: float,
    length: float,
    height: float = 0.0,
    brightness: float = 1.0,
) -> mujoco.MjsBody:
    """Add a link (a capsule, mass in kg, length in m) to `parent`, and return its body.

    Its lower end is hinged `height` m above the parent's origin, while the parent stands upright.
    Pictures show a thicker capsule of no mass, of a `brightness` in 0..1.
    """
    link = parent.add_body(name=name, pos=[0, 0, height])
    link.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_HINGE, axis=[0, 1, 0])
    link.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[0, 0, 0, 0, 0, length],
        size=[LINK_RADIUS, 0, 0],
        mass=mass,
    )
    link.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        fromto=[0, 0, 0, 0, 0, length],
        size=[DRAWN_RADIUS, 0, 0],
        mass=0.0,
        group=PICTURE_GROUP,
        rgba=_grey(brightness),
    )
    return link


def add_motor(spec: mujoco.MjSpec, joint: str) -> None:
    """Let a control act on `joint` as a force in N or a torque in Nm, without limits of its own."""
    spec.add_actuator(name=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=joint)


def _grey(brightness: float) -> list[float]:
    """The colour of a geom, in red, green, blue and opacity."""
    return [brightness, brightness, brightness, 1.0]


def integrate(spec: mujoco.MjSpec, excitation: Excitation, substeps: int, task: str) -> FloatArray:
    """Return the states [K + 1, E] of a model whose controls change every `substeps` steps.

    A state holds the coordinate and velocity of each joint in turn.
    Raises SimulationError, naming the `task`, when the simulation is unstable.
    """
    model = spec.compile()
    data = mujoco.MjData(model)
    controls, initial_state = excitation.controls, excitation.initial_state
    if controls.shape[1:] != (model.nu,) or initial_state.shape != (model.nq + model.nv,):
        raise ValueError(
            f"excitation: expected controls [K, {model.nu}] and an initial state "
            f"[{model.nq + model.nv}], found shapes {controls.shape} and {initial_state.shape}"
        )
    states = np.empty((len(controls) + 1, initial_state.size))
    states[0] = initial_state
    data.qpos[:], data.qvel[:] = initial_state[0::2], initial_state[1::2]
    for step in stepping.driven(model, data, controls, substeps, task):
        states[step + 1, 0::2], states[step + 1, 1::2] = data.qpos, data.qvel
    return states
