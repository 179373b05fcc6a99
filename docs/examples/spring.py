"""A domain of one's own (docs/add_a_domain.md): a mass on a spring, pushed by a force."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.linalg import expm

from pamlflow.domains.base import Excitation, SimulationError, Transitions, state_transitions
from pamlflow.settings import Bounds, Settings
from pamlflow.tasks import Variable

LARGEST_FORCE = 5.0  # N


@dataclass(frozen=True)
class SpringSettings(Settings):
    """What a configuration can set below `options` of an experiment."""

    damping: Annotated[float, Bounds(0.0, 100.0)] = 0.5  # N s/m


@dataclass(frozen=True)
class Spring:
    """Masses on springs. The first four settings are those of `simulation`; `substeps` means nothing here."""

    steps: int = 100
    time_step: float = 0.05
    substeps: int = 1
    initial_noise: float = 0.05
    options: SpringSettings = SpringSettings()

    parameter_variables = (Variable("mass", "kg"), Variable("stiffness", "N/m"))
    output_variables = (Variable("position", "m"), Variable("velocity", "m/s"))
    input_variables = (*output_variables, Variable("force", "N"))

    def draw_excitation(self, rng: np.random.Generator) -> Excitation:
        """A force that changes every ten steps, and a start near rest."""
        blocks = rng.uniform(-LARGEST_FORCE, LARGEST_FORCE, size=(self.steps // 10 + 1, 1))
        controls = np.repeat(blocks, 10, axis=0)[: self.steps]
        return Excitation(controls, self.initial_noise * rng.standard_normal(2))

    def run(self, parameters: np.ndarray, excitation: Excitation) -> Transitions:
        """State and force [K, 3], and the change of the state [K, 2], exact for a force in steps."""
        mass, stiffness = parameters
        if mass <= 0.0:
            raise SimulationError(f"mass {mass} kg: expected a number above 0")
        damping = self.options.damping
        rates = np.array(
            [[0.0, 1.0, 0.0], [-stiffness / mass, -damping / mass, 1.0 / mass], [0.0, 0.0, 0.0]]
        )
        step = expm(self.time_step * rates)[:2]
        states = [excitation.initial_state]
        for force in excitation.controls:
            states.append(step @ np.concatenate([states[-1], force]))
        return state_transitions(np.array(states), excitation.controls, angles=())
