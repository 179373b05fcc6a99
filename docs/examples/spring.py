"""A domain and strategies of one's own (docs/extending.md): a mass on a spring, pushed by a force."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.linalg import expm
from scipy.spatial.distance import cdist

from pamlflow.acquisition import Selection, Situation, Strategy
from pamlflow.domains.base import Excitation, SimulationError, Transitions, state_transitions
from pamlflow.models.interface import LatentPosterior
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
        damping = self.options.damping
        rates = np.array(
            [[0.0, 1.0, 0.0], [-stiffness / mass, -damping / mass, 1.0 / mass], [0.0, 0.0, 0.0]]
        )
        step = expm(self.time_step * rates)[:2]
        states = [excitation.initial_state]
        for force in excitation.controls:
            states.append(step @ np.concatenate([states[-1], force]))
        return state_transitions(np.array(states), excitation.controls, angles=())


@dataclass(frozen=True)
class FarthestSettings(Settings):
    """What a configuration can set below `strategies.<name>.options`."""

    num_candidates: int = 1000


def farthest(situation: Situation, settings: FarthestSettings) -> Selection:
    """Choose the candidate farthest from the tasks so far, in units of their own spread."""
    candidates = situation.offer.spread(settings.num_candidates, situation.rng)
    unit = np.concatenate([candidates, situation.chosen]).std(axis=0)
    utilities = cdist(candidates / unit, situation.chosen / unit).min(axis=1)
    latent = situation.model.infer(descriptors=candidates)
    return Selection(candidates, latent, utilities, int(np.argmax(utilities)))


FARTHEST = Strategy("farthest", farthest, FarthestSettings, label="Farthest")


def most_informative(situation: Situation) -> Selection:
    """Choose the candidate whose record would say most of its dynamics, if run like the newest task.

    That is the mutual information of f and the outputs at these inputs, in nats, summed over the outputs.
    """
    tasks, model = situation.tasks, situation.model
    candidates = situation.offer.spread(64, situation.rng)
    latent = model.infer(descriptors=candidates)
    inputs = tasks.inputs[None, -tasks.lengths[-1] :: 5]  # [1, T, Dx]
    utilities = np.empty(len(candidates))
    for c in range(len(candidates)):
        one = LatentPosterior(*(part if part is None else part[[c]] for part in latent))
        of_f = model.covariance(inputs, one)[:, 0, :, 0]  # [P, T, T]
        observed, exact = (model.predict(inputs, one, noise=noise)[1] for noise in (True, False))
        noise = (observed - exact)[0].T  # [P, T]
        ratio = np.eye(inputs.shape[1]) + of_f / noise[:, :, None]
        utilities[c] = 0.5 * np.linalg.slogdet(ratio)[1].sum()
    return Selection(candidates, latent, utilities, int(np.argmax(utilities)))
