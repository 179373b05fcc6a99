"""The cart-pole: a freely swinging pole on a cart, to which a horizontal force is applied."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pamlflow.domains import mechanics
from pamlflow.domains.base import Excitation, state_transitions
from pamlflow.domains.controls import alternating_control
from pamlflow.tasks import Variable
from pamlflow.types import FloatArray

# In kg; the paper does not give it. As in the DeepMind Control Suite.
CART_MASS = 1.0
FORCE_BLOCKS = 10


@dataclass(frozen=True)
class CartPole:
    """Cart-pole tasks, which differ in the mass and length of the pole (paper, section 4).

    States are [position m, velocity m/s, angle rad, angular velocity rad/s], the angle zero upright
    and unwrapped. A trial starts hanging, with normal noise of standard deviation `initial_noise`
    on each state variable, and lasts `steps` control steps of `time_step` seconds, each integrated
    in `substeps`. The force is clipped to `force_limit` N after noise of `force_noise` N is added.
    """

    parameter_variables: ClassVar = (Variable("pole_mass", "kg"), Variable("pole_length", "m"))
    input_variables: ClassVar = (
        Variable("position", "m"),
        Variable("velocity", "m/s"),
        Variable("cos_angle", "1"),
        Variable("sin_angle", "1"),
        Variable("angular_velocity", "rad/s"),
        Variable("force", "N"),
    )
    output_variables: ClassVar = (
        Variable("position_change", "m"),
        Variable("velocity_change", "m/s"),
        Variable("angle_change", "rad"),
        Variable("angular_velocity_change", "rad/s"),
    )

    steps: int = 100
    time_step: float = 0.05
    substeps: int = 10
    initial_noise: float = 0.05
    force_limit: float = 25.0
    force_noise: float = 1.0

    def __post_init__(self) -> None:
        """Check the settings."""
        for name in ("steps", "time_step", "substeps", "force_limit"):
            if not getattr(self, name) > 0:
                raise ValueError(f"cart_pole: {name} must be positive, found {getattr(self, name)}")
        for name in ("initial_noise", "force_noise"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"cart_pole: {name} must be >= 0, found {getattr(self, name)}")

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """Draw the forces [K, 1] in N and the initial state [4] of a trial."""
        force = alternating_control(
            self.steps, FORCE_BLOCKS, self.force_limit, self.force_noise, rng
        )
        hanging = np.array([0.0, 0.0, np.pi, 0.0])
        return Excitation(force[:, None], hanging + self.initial_noise * rng.standard_normal(4))

    def simulate(self, parameters: FloatArray, excitation: Excitation) -> FloatArray:
        """Return the states [K + 1, 4] of the task with parameters [pole mass kg, pole length m].

        Raises SimulationError, naming the parameters, when the simulation is unstable.
        """
        mass, length = parameters
        task = f"cart-pole with pole_mass = {mass} kg, pole_length = {length} m"
        if not (mass > 0 and length > 0):
            raise ValueError(f"{task}: both must be positive; change the experiment's space")
        spec = mechanics.empty_model(self.time_step / self.substeps)
        cart = mechanics.add_cart(spec, "cart", CART_MASS)
        mechanics.add_link(cart, "pole", mass, length)
        mechanics.add_motor(spec, "cart")
        return mechanics.integrate(spec, excitation, self.substeps, task)

    def transitions(
        self, states: FloatArray, controls: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the inputs [K, 6] and outputs [K, 4] in states [K + 1, 4], forces [K, 1]."""
        return state_transitions(states, controls, angles={2})
