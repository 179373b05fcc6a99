"""A robot for tests that train nothing: a mass on a spring, and a learner of it."""

import numpy as np

from pamlflow import Box, Learner, Variable

BOX = Box((Variable("mass", "kg"), Variable("stiffness", "N/m")), [0.5, 2.0], [3.0, 10.0])
STATE = (Variable("position", "m"), Variable("velocity", "m/s"))
INPUTS = (*STATE, Variable("force", "N"))


def run(descriptor, steps=30):
    """Inputs [T, 3] of random states and forces, and outputs [T, 2]: one Euler step."""
    mass, stiffness = descriptor
    inputs = np.random.default_rng(5).standard_normal((steps, 3))
    position, velocity, force = inputs.T
    acceleration = (force - stiffness * position) / mass
    return inputs, 0.1 * np.stack([velocity, acceleration], axis=1)


def open_learner(folder, **changed):
    """A learner with two initial tasks, but for what is changed."""
    given = {"space": BOX, "input_variables": INPUTS, "output_variables": STATE, "initial_tasks": 2}
    return Learner(folder, **given | changed)


def record(learner, *masses):
    """Tell tasks of these masses."""
    for mass in masses:
        learner.tell([mass, 4.0], *run([mass, 4.0]))


def files_of(folder):
    """The content of each file in the folder, hidden ones included."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
