"""The pendubot: two links on hinges, one below the other, of which the inner one is driven."""

from dataclasses import dataclass
from typing import ClassVar

import mujoco
import numpy as np

from pamlflow.domains import mechanics
from pamlflow.domains.mechanism import Drive, Mechanism, hinge
from pamlflow.tasks import Variable

# In kg; the paper does not give it. As in the acrobot of the DeepMind Control Suite.
LINK_MASS = 1.0
DRIVE = Drive(control_limit=10.0)


@dataclass(frozen=True)
class Pendubot(Mechanism):
    """Pendubot tasks, which differ in the lengths of both links (paper, section 4).

    The angle of the outer link is relative to the inner one.
    """

    name: ClassVar = "pendubot"
    parameter_variables: ClassVar = (Variable("inner_length", "m"), Variable("outer_length", "m"))
    joints: ClassVar = (hinge("inner_", rest=np.pi), hinge("outer_", rest=0.0))
    control: ClassVar = Variable("torque", "Nm")
    control_blocks: ClassVar = 5

    options: Drive = DRIVE

    def build(self, spec: mujoco.MjSpec, *parameters: float) -> None:
        """Add the two links of lengths in m."""
        inner, outer = parameters
        link = mechanics.add_link(spec.worldbody, "inner", LINK_MASS, inner)
        mechanics.add_link(
            link, "outer", LINK_MASS, outer, height=inner, brightness=mechanics.OUTER_BRIGHTNESS
        )
        mechanics.add_motor(spec, "inner")
