"""The cart-pole: a freely swinging pole on a cart, to which a horizontal force is applied."""

from dataclasses import dataclass
from typing import ClassVar

import mujoco
import numpy as np

from pamlflow.domains import mechanics
from pamlflow.domains.mechanism import Mechanism, hinge, slide
from pamlflow.tasks import Variable

# In kg; the paper does not give it. As in the DeepMind Control Suite.
CART_MASS = 1.0


@dataclass(frozen=True)
class CartPole(Mechanism):
    """Cart-pole tasks, which differ in the mass and length of the pole (paper, section 4)."""

    name: ClassVar = "cart_pole"
    parameter_variables: ClassVar = (Variable("pole_mass", "kg"), Variable("pole_length", "m"))
    joints: ClassVar = (slide(), hinge("", rest=np.pi))
    control: ClassVar = Variable("force", "N")
    control_blocks: ClassVar = 10

    def build(self, spec: mujoco.MjSpec, *parameters: float) -> None:
        """Add a cart and its pole of a mass in kg and a length in m."""
        mass, length = parameters
        cart = mechanics.add_cart(spec, "cart", CART_MASS)
        mechanics.add_link(cart, "pole", mass, length)
        mechanics.add_motor(spec, "cart")
