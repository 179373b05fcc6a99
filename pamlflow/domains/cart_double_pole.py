"""The cart-double-pole: two freely swinging poles, one on the other, on a cart that is pushed."""

from dataclasses import dataclass
from typing import ClassVar

import mujoco
import numpy as np

from pamlflow.domains import mechanics
from pamlflow.domains.cart_pole import CART_MASS
from pamlflow.domains.mechanism import Mechanism, hinge, slide
from pamlflow.tasks import Variable

# In kg; the paper does not give it.
POLE_MASS = 1.0


@dataclass(frozen=True)
class CartDoublePole(Mechanism):
    """Cart-double-pole tasks, which differ in the lengths of both poles (paper, section 4).

    The angle of the outer pole is relative to the inner one.
    """

    name: ClassVar = "cart_double_pole"
    parameter_variables: ClassVar = (Variable("inner_length", "m"), Variable("outer_length", "m"))
    joints: ClassVar = (slide(), hinge("inner_", rest=np.pi), hinge("outer_", rest=0.0))
    control: ClassVar = Variable("force", "N")
    control_blocks: ClassVar = 10

    def build(self, spec: mujoco.MjSpec, *parameters: float) -> None:
        """Add a cart and its two poles of lengths in m."""
        inner, outer = parameters
        cart = mechanics.add_cart(spec, "cart", CART_MASS)
        pole = mechanics.add_link(cart, "inner", POLE_MASS, inner)
        mechanics.add_link(
            pole, "outer", POLE_MASS, outer, height=inner, brightness=mechanics.OUTER_BRIGHTNESS
        )
        mechanics.add_motor(spec, "cart")
