"""Learning a robot, which a mass on a spring plays here: `python docs/examples/robot.py FOLDER`."""

import sys
from typing import Any

import numpy as np
from spring import Spring

from pamlflow import Box, Learner

TASKS = 10

robot = Spring()
excitation = robot.draw_excitation(np.random.default_rng(0))


def run(descriptor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Set the robot up as `descriptor` says, run it, and return inputs [T, Dx] and outputs [T, P]."""
    return robot.run(descriptor, excitation)


def learn(folder: str, tasks: int = TASKS, **options: Any) -> Learner:
    """Run tasks until so many are recorded in the folder, those of earlier calls included."""
    box = Box(robot.parameter_variables, [0.5, 2.0], [3.0, 10.0])
    learner = Learner(folder, box, robot.input_variables, robot.output_variables, **options)
    while learner.num_tasks < tasks:
        descriptor = learner.ask()
        print(f"task {learner.num_tasks}: {descriptor}")
        inputs, outputs = run(descriptor)
        learner.tell(descriptor, inputs, outputs)
    return learner


if __name__ == "__main__":
    learner = learn(sys.argv[1])
    light = learner.model().infer(descriptors=np.array([[0.7, 4.0]]))
    print("q(h*) of a mass of 0.7 kg on a spring of 4 N/m:", light.mean[0], light.variance[0])
