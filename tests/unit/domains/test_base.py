"""What domains share: excitations, and transitions of recorded trajectories."""

import numpy as np
import pandas as pd
import pytest

from pamlflow.domains.base import Excitation, state_transitions

ANGLES, RATES, TORQUES = [0.0, 1.0, 3.0], [5.0, 2.0, 4.0], [7.0, 9.0]
STATES = np.column_stack([ANGLES, RATES])
CONTROLS = np.array(TORQUES)[:, None]
INPUTS = np.column_stack([np.cos(ANGLES[:2]), np.sin(ANGLES[:2]), RATES[:2], TORQUES])
OUTPUTS = [[1.0, -3.0], [2.0, 2.0]]


def assert_transitions(found, inputs=INPUTS, outputs=OUTPUTS):
    np.testing.assert_array_equal(found[0], inputs)
    np.testing.assert_array_equal(found[1], outputs)


@pytest.mark.parametrize("kind", ["u1", "i1", "u8", "f2", "f4", "f8", "g"])
def test_transitions_are_those_of_the_numbers_whatever_their_type(kind):
    assert_transitions(state_transitions(STATES.astype(kind), CONTROLS.astype(kind), [0]))


def test_half_floats_lose_no_digits_in_a_difference():
    states = np.array([[2048.0], [2047.0], [0.0999755859375]], dtype=np.float16)
    _, outputs = state_transitions(states, [0.0, 0.0], [])
    np.testing.assert_array_equal(outputs, [[-1.0], [0.0999755859375 - 2047.0]])


@pytest.mark.parametrize("angles", [{0}, (0,), [-2], np.array([0], dtype=np.uint8), range(1)])
def test_angles_are_numbers_of_columns(angles):
    assert_transitions(state_transitions(STATES, CONTROLS, angles))


@pytest.mark.parametrize("angles", ["0", ["angle"], [True, False], [2], [0, 0], [0.0], 0, None])
def test_what_is_no_column_is_no_angle(angles):
    with pytest.raises(ValueError, match="angles: expected different whole numbers from 0 to 1"):
        state_transitions(STATES, CONTROLS, angles)


@pytest.mark.parametrize("angles", [["angle"], [0]])
def test_columns_of_a_data_frame_stay_in_order_and_may_be_called_by_name(angles):
    states = pd.DataFrame({"angle": ANGLES, "rate": RATES})
    controls = pd.DataFrame({"torque": TORQUES})
    assert_transitions(state_transitions(states, controls, angles))
    assert_transitions(state_transitions(states, controls["torque"], angles))
    with pytest.raises(ValueError, match=r"some of 'angle', 'rate', found 'speed'"):
        state_transitions(states, controls, ["speed"])


def test_a_single_state_variable_or_control_may_have_one_axis():
    assert_transitions(state_transitions(STATES, TORQUES, [0]))
    inputs, outputs = np.column_stack([RATES[:2], TORQUES]), [[-3.0], [2.0]]
    assert_transitions(state_transitions(RATES, TORQUES, []), inputs, outputs)


@pytest.mark.parametrize(
    ("states", "controls", "message"),
    [
        (
            STATES,
            np.zeros((3, 1)),
            "expected 2 rows, .* 3 states, found 3; leave out the one after",
        ),
        (STATES, np.zeros((5, 1)), r"controls: expected 2 rows, .* found 5; leave out those after"),
        (STATES, np.zeros((1, 2)), r"controls: .* found \[1, 2\]; .* \(transposed\)"),
        (STATES.T, CONTROLS, r"states: expected shape \[3, E\], found \[2, 3\]; .* \(transposed\)"),
        (STATES[:1], CONTROLS[:0], "states: expected at least two, .* found 1"),
        (STATES[None], CONTROLS, r"states: expected shape \[K \+ 1, E\], found \[1, 3, 2\]"),
        (STATES + 0j, CONTROLS, "states: expected an array of real numbers, found complex"),
        (STATES, [["7"], ["9"]], "controls: expected an array of real numbers, found text"),
        (np.ma.masked_equal(STATES, 3.0), CONTROLS, "states: .* found masked values"),
    ],
)
def test_what_is_no_trajectory_is_refused(states, controls, message):
    with pytest.raises(ValueError, match=message):
        state_transitions(states, controls, [0])


def test_a_state_that_blew_up_is_no_matter_of_numpys_error_state():
    with np.errstate(all="raise"):
        _, outputs = state_transitions([[0.0], [np.inf], [np.inf]], TORQUES, [0])
    assert not np.isfinite(outputs).all()


@pytest.mark.parametrize(
    ("controls", "state", "message"),
    [
        ([1.0, 2.0], [0.0], r"excitation: controls: expected shape \[K, U\], found \[2\]"),
        ([[1.0]], [[0.0]], r"excitation: initial_state: expected shape \[E\], found \[1, 1\]"),
        ([[1j]], [0.0], "excitation: controls: expected an array of real numbers"),
    ],
)
def test_what_is_no_excitation_is_refused(controls, state, message):
    with pytest.raises(ValueError, match=message):
        Excitation(controls, state)


def test_an_excitation_is_a_copy():
    controls = np.zeros((2, 1), dtype=np.float16)
    excitation = Excitation(controls, np.zeros(1))
    controls[:] = 1.0
    assert excitation.controls.dtype == np.float64 and not excitation.controls.any()
