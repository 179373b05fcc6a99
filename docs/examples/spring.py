"""A domain of one's own (docs/add_a_domain.md): a mass on a spring, pushed by a force."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import expm

from pamlflow.domains.base import Excitation, SimulationError, Transitions, state_transitions
from pamlflow.tasks import Variable

DAMPING = 0.5  # N s/m
LARGEST_FORCE = 5.0  # N


@dataclass(frozen=True)
class Spring:
    """Masses on springs. The four settings are those of `simulation`; `substeps` means nothing here."""

    steps: int = 100
    time_step: float = 0.05
    substeps: int = 1
    initial_noise: float = 0.05

    parameter_variables = (Variable("mass", "kg"), Variable("stiffness", "N/m"))
    input_variables = (
        Variable("position", "m"),
        Variable("velocity", "m/s"),
        Variable("force", "N"),
    )
    output_variables = (Variable("position", "m"), Variable("velocity", "m/s"))

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """A force that changes every ten steps, and a start near rest."""
        blocks = rng.uniform(-LARGEST_FORCE, LARGEST_FORCE, size=(self.steps // 10 + 1, 1))
        controls = np.repeat(blocks, 10, axis=0)[: self.steps]
        return Excitation(controls, self.initial_noise * rng.standard_normal(2))

    def run(self, parameters: np.ndarray, excitation: Excitation) -> Transitions:
        """State and force [K, 3], and the change of the state [K, 2]; no coordinate is an angle.

        They are exact for a force that is constant within a step.
        """
        mass, stiffness = parameters
        if mass <= 0.0:
            raise SimulationError(f"mass {mass} kg: expected a number above 0")
        rates = np.array(
            [[0.0, 1.0, 0.0], [-stiffness / mass, -DAMPING / mass, 1.0 / mass], [0.0, 0.0, 0.0]]
        )
        step = expm(self.time_step * rates)[:2]
        states = [excitation.initial_state]
        for force in excitation.controls:
            states.append(step @ np.concatenate([states[-1], force]))
        return state_transitions(np.array(states), excitation.controls, angles=())
