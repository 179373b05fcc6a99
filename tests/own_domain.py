"""A small domain of a user: a decay at a rate, pushed by a force; tests break it in all ways."""

import numpy as np

from pamlflow.domains.base import Excitation, state_transitions
from pamlflow.tasks import Variable


class Decay:
    parameter_variables = (Variable("rate", "1/s"),)
    input_variables = (Variable("level", "m"), Variable("force", "N"))
    output_variables = (Variable("level_change", "m"),)

    def __init__(self, steps=5):
        self.steps = steps

    def draw_excitation(self, rng):
        return Excitation(rng.standard_normal((self.steps, 1)), rng.standard_normal(1))

    def simulate(self, parameters, excitation):
        states = [excitation.initial_state]
        for force in excitation.controls:
            states.append((1.0 - parameters[0]) * states[-1] + force)
        return np.array(states)

    def run(self, parameters, excitation):
        states = self.simulate(parameters, excitation)
        return state_transitions(states, excitation.controls, ())

    def picture(self, parameters, size, height, renderer):
        return np.full((size, size, 1), parameters[0])
