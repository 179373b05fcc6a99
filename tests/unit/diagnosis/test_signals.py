"""Which columns are the state that an output changes is found in the numbers, not in the names."""

import dataclasses

import numpy as np

from pamlflow.diagnosis.signals import State, states_of
from pamlflow.world import World

SETTINGS = {
    "domain": "cart_double_pole",
    "space": {"inner_length": [0.5, 2.0], "outer_length": [0.5, 2.0]},
    "simulation": {"excitation": "per_task"},
}
STATES = {0: (0,), 1: (1,), 2: (2, 3), 3: (4,), 4: (5, 6), 5: (7,)}


def tasks():
    world, rng = World.from_config(SETTINGS), np.random.default_rng(0)
    return world.observe(world.space.sobol(4, rng), world.draw_excitations(4, rng), rng)


def test_states_are_found_whatever_the_order_of_columns():
    found = tasks()
    assert states_of(found) == {number: State(columns) for number, columns in STATES.items()}
    order = np.array([8, 6, 5, 4, 3, 2, 1, 0, 7])
    mixed = dataclasses.replace(
        found,
        inputs=found.inputs[:, order],
        input_variables=tuple(found.input_variables[column] for column in order),
    )
    place = {int(old): new for new, old in enumerate(order)}
    moved = {n: State(tuple(place[it] for it in columns)) for n, columns in STATES.items()}
    assert states_of(mixed) == moved


def test_states_are_found_where_episodes_end_and_not_where_nothing_follows():
    found = tasks()
    shuffled = np.random.default_rng(0).permutation(len(found.inputs))
    assert states_of(dataclasses.replace(found, outputs=found.outputs[shuffled])) == {}
    inputs = found.inputs.copy()
    inputs[::10] += [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]  # one of ten begins elsewhere
    ends = states_of(dataclasses.replace(found, inputs=inputs))
    assert ends == {number: State(columns) for number, columns in STATES.items()}


def test_a_run_of_one_step_has_no_states():
    found = tasks()
    ones = dataclasses.replace(
        found,
        lengths=np.ones(400, dtype=int),
        descriptors=np.zeros((400, 2)),
        parameters=np.zeros((400, 2)),
    )
    assert states_of(ones) == {}
