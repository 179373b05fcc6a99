"""What is seen of a state, in which columns, and how it changes."""

import itertools

import mujoco
import numpy as np
import pytest
from mjcf_files import ACTUATED, FLOATING, domain_of

from pamlflow.domains.base import Excitation
from pamlflow.settings import SettingError

MASS = {"m": {"unit": "kg", "sets": "body:box.mass"}}
BALL = {"m": {"unit": "kg", "sets": "body:ball.mass"}}


def names(variables):
    return [variable.name for variable in variables]


def test_positions_and_velocities_are_chosen_by_name(tmp_path):
    observed = ["joint:rail.velocity", "joint:t*", "joint:rail.velocity", "actuator:slow"]
    domain = domain_of(tmp_path, ACTUATED, MASS, observed=observed)
    assert names(domain.input_variables) == [
        "rail_velocity",
        "cos_turn",
        "sin_turn",
        "turn_velocity",
        "slow_activation",
        "push_control",
        "slow_control",
    ]
    excitation = domain.draw_excitation(np.random.default_rng(0))
    states = domain.simulate(np.array([1.0]), excitation)
    inputs, outputs = domain.run(np.array([1.0]), excitation)
    turn = states[:, 1]
    np.testing.assert_array_equal(inputs[:, 1], np.cos(turn[:-1]))
    np.testing.assert_array_equal(inputs[:, 2], np.sin(turn[:-1]))
    np.testing.assert_array_equal(outputs, np.diff(states[:, [2, 1, 3, 4]], axis=0))
    np.testing.assert_array_equal(inputs[:, -2:], excitation.controls)


def test_an_activation_follows_its_control_as_a_filter(tmp_path):
    """act' = (ctrl - act) / tau, in steps of Euler."""
    domain = domain_of(tmp_path, ACTUATED, MASS, observed=["actuator:slow"])
    excitation = domain.draw_excitation(np.random.default_rng(0))
    inputs, outputs = domain.run(np.array([1.0]), excitation)
    step = 0.02 / 20
    kept = (1 - step / 0.2) ** 20
    expected = (1 - kept) * (excitation.controls[:, 1] - inputs[:, 0])
    np.testing.assert_allclose(outputs[:, 0], expected, atol=1e-12)


def test_sensors_show_the_present_state(tmp_path):
    observed = ["sensor:where", "sensor:heading", "sensor:turning", "sensor:pace"]
    domain = domain_of(tmp_path, ACTUATED, MASS, observed=observed)
    assert names(domain.input_variables)[:7] == [
        "where",
        "cos_heading",
        "sin_heading",
        "turning",
        "pace_x",
        "pace_y",
        "pace_z",
    ]
    assert [it.unit for it in domain.output_variables] == ["m", "rad", "rad/s"] + ["m/s"] * 3
    excitation = domain.draw_excitation(np.random.default_rng(0))
    states = domain.simulate(np.array([1.0]), excitation)
    np.testing.assert_array_equal(states[:, 5:8], states[:, [0, 1, 3]])
    np.testing.assert_allclose(states[:, 8], states[:, 2], atol=1e-12)
    inputs, outputs = domain.run(np.array([1.0]), excitation)
    np.testing.assert_array_equal(inputs[:, 1], np.cos(states[:-1, 1]))
    np.testing.assert_array_equal(outputs[:, 1], np.diff(states[:, 1]))


def test_sensors_leave_the_motion_as_it_is(tmp_path):
    domain = domain_of(tmp_path, ACTUATED, MASS)
    excitation = domain.draw_excitation(np.random.default_rng(0))
    without = domain_of(
        tmp_path, ACTUATED.split("<sensor>")[0] + ACTUATED.split("</sensor>")[1], MASS
    )
    states = domain.simulate(np.array([1.0]), excitation)
    expected = without.simulate(np.array([1.0]), excitation)
    np.testing.assert_array_equal(states[:, : expected.shape[1]], expected)


def test_a_free_body_turns_by_its_angular_velocity(tmp_path):
    """Without a torque and arm a ball turns evenly: by rate times time about the axes of the body."""
    alone = FLOATING.split('<body name="arm"')[0] + "</body></worldbody></mujoco>"
    domain = domain_of(tmp_path, alone, BALL)
    assert names(domain.output_variables) == [
        *(f"root_{axis}_change" for axis in "xyz"),
        *(f"root_rotation_{axis}" for axis in "xyz"),
        *(f"root_velocity_{axis}_change" for axis in "xyz"),
        *(f"root_angular_velocity_{axis}_change" for axis in "xyz"),
    ]
    rate, velocity = np.array([3.0, -8.0, 5.0]), np.array([1.0, 0.5, -2.0])
    start = np.array([0, 0, 0, 0.6, 0.8, 0, 0, *velocity, *rate])
    inputs, outputs = domain.run(np.array([1.0]), Excitation(np.empty((50, 0)), start))
    np.testing.assert_allclose(outputs[:, :3], np.tile(0.02 * velocity, (50, 1)), atol=1e-12)
    np.testing.assert_allclose(outputs[:, 3:6], np.tile(0.02 * rate, (50, 1)), atol=1e-9)
    x_axis, y_axis = inputs[:, 3:6], inputs[:, 6:9]
    np.testing.assert_allclose(x_axis[0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(y_axis[0], [0, 0.6**2 - 0.8**2, 2 * 0.6 * 0.8], atol=1e-12)
    np.testing.assert_allclose(np.square(x_axis).sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose((x_axis * y_axis).sum(axis=1), 0.0, atol=1e-12)
    assert np.abs(np.diff(x_axis, axis=0)).max() < 0.25  # no jump in more than a turn


def test_quaternions_change_as_mujoco_differentiates_them(tmp_path):
    domain = domain_of(tmp_path, FLOATING, BALL, observed=["joint:socket.position"], noise=1.0)
    excitation = domain.draw_excitation(np.random.default_rng(0))
    states = domain.simulate(np.array([1.0]), excitation)
    model = mujoco.MjModel.from_xml_string(FLOATING)
    assert model.jnt_qposadr[1] == 7
    expected = np.empty((50, model.nv))
    for row, (before, after) in enumerate(itertools.pairwise(states)):
        mujoco.mj_differentiatePos(model, expected[row], 1.0, before[:11], after[:11])
    found = domain.run(np.array([1.0]), excitation).outputs
    np.testing.assert_allclose(found, expected[:, 6:], atol=1e-10)
    assert np.abs(found).max() > 0.001


@pytest.mark.parametrize(
    ("observed", "message"),
    [
        (["rail"], "observed.0: expected joint:<name>"),
        (["sensor:where.velocity"], "observed.0: expected joint:<name>"),
        (
            ["joint:*", "joint:rial"],
            "observed.1: the file has no joint 'rial'; did you mean 'rail'",
        ),
        (["sensor:speed"], "the file has no sensor 'speed'"),
        (["sensor:shock"], "'shock' depends on the control, not on the state alone"),
        ([], "observed: nothing of the state is seen"),
        (["actuator:push"], "observed: nothing of the state is seen"),
    ],
)
def test_what_cannot_be_observed_is_refused(tmp_path, observed, message):
    with pytest.raises(SettingError, match=message):
        domain_of(tmp_path, ACTUATED, MASS, observed=observed)


def test_two_quantities_of_one_name_are_refused(tmp_path):
    text = ACTUATED.replace('<jointpos name="where"', '<jointpos name="rail"')
    with pytest.raises(SettingError, match="two of these would be called rail"):
        domain_of(tmp_path, text, MASS, observed=["joint:rail", "sensor:rail"])
