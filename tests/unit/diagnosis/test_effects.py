"""The effect of a parameter is that of one end of its range against the other."""

import numpy as np
import pytest

from pamlflow.diagnosis.effects import effects, without_effect
from pamlflow.domains.base import SimulationError, Transitions
from pamlflow.spaces import Box
from pamlflow.tasks import Variable

VARIABLES = (Variable("a", "1"), Variable("b", "1"))
BOX = Box(VARIABLES, np.array([0.0, 1.0]), np.array([2.0, 3.0]))
TIMES = np.arange(8.0)


def run(parameters):
    """A square wave of amplitude a, and a ramp of slope b in the other output."""
    wave = np.where(TIMES % 2, 1.0, -1.0)
    return Transitions(TIMES[:, None], np.stack([parameters[0] * wave, parameters[1] * TIMES], 1))


def test_an_effect_is_relative_to_the_deviation_of_what_changes():
    wave = 2.0 / np.sqrt(2.0)  # differs by 2, and both ends together have a variance of 0 and 4
    steps = np.concatenate([TIMES, 3.0 * TIMES])
    ramp = np.sqrt(np.mean(np.square(2.0 * TIMES))) / steps.std()
    np.testing.assert_allclose(effects(run, BOX), [wave, ramp])


def test_what_changes_nothing_is_zero_and_what_changes_rounding_is_not():
    assert effects(lambda it: run(it * [1.0, 0.0]), BOX)[1] == 0.0
    sizes = effects(lambda it: run(np.array([it[0], 1.0 + 1e-15 * it[1]])), BOX)
    assert 0.0 < sizes[1] < 1e-14
    assert without_effect(VARIABLES, np.array([0.0, sizes[1]])) == ("a",)


def test_the_largest_effect_in_several_tasks_counts_and_a_task_that_fails_does_not():
    def switched(parameters):
        if parameters[0] > 1.9:
            raise SimulationError("too much")
        return run(np.array([1.0, parameters[1] if parameters[0] > 1.0 else 1.0]))

    bases = np.array([[0.5, 2.0], [1.5, 2.0]])
    found = effects(switched, BOX, bases)
    assert np.isnan(found[0]) and found[1] > 0.5
    assert without_effect(VARIABLES, found) == ()


def test_parameters_cannot_be_written_to():
    def writes(parameters):
        parameters *= 2.0
        return run(parameters)

    with pytest.raises(ValueError, match="read-only"):
        effects(writes, BOX)
