"""How tasks are driven, and where they start."""

import numpy as np
import pytest
from mjcf_files import ACTUATED, CART_POLE, FLOATING, LINK, domain_of

from pamlflow.settings import SettingError

MASS = {"m": {"unit": "kg", "sets": "body:box.mass"}}
POLE = {"m": {"unit": "kg", "sets": "body:pole.mass"}}
BALL = {"m": {"unit": "kg", "sets": "body:ball.mass"}}


def drawn(domain, seed=0):
    return domain.draw_excitation(np.random.default_rng(seed))


@pytest.mark.parametrize("policy", ["held", "alternating", "waves"])
def test_controls_stay_in_the_range_of_each_actuator(tmp_path, policy):
    policy = {"kind": policy, "hold": 5, "noise": 0.3}
    domain = domain_of(tmp_path, ACTUATED, MASS, policy=policy, steps=400)
    push, slow = drawn(domain).controls.T
    assert -1 <= push.min() < -0.5 and 2.5 < push.max() <= 3
    assert -1 <= slow.min() < -0.7 and 0.7 < slow.max() <= 1
    assert not np.array_equal(drawn(domain, 1).controls, drawn(domain).controls)


def test_a_share_of_the_range_lies_in_its_middle(tmp_path):
    policy = {"share": 0.1, "noise": 0.5}
    push, slow = drawn(domain_of(tmp_path, ACTUATED, MASS, policy=policy)).controls.T
    assert (push.min(), push.max()) == pytest.approx((0.8, 1.2), abs=0.05)
    assert np.abs(slow).max() <= 0.1 + 1e-12


def test_held_controls_change_after_so_many_steps(tmp_path):
    domain = domain_of(tmp_path, ACTUATED, MASS, policy={"hold": 7}, steps=20)
    changes = np.flatnonzero(np.any(np.diff(drawn(domain).controls, axis=0), axis=1))
    np.testing.assert_array_equal(changes, [6, 13])


def test_an_actuator_without_a_range_needs_one(tmp_path):
    with pytest.raises(
        SettingError, match="controls: actuator 'rail' has no ctrlrange in the file"
    ):
        domain_of(tmp_path, CART_POLE, POLE)
    with pytest.raises(SettingError, match=r"controls.\*: actuator 'rail' has no ctrlrange"):
        domain_of(tmp_path, CART_POLE, POLE, controls={"*": {"low": -1}})
    pushed = {"*": {"low": -5, "high": 25}}
    controls = drawn(domain_of(tmp_path, CART_POLE, POLE, controls=pushed)).controls
    assert -5 <= controls.min() < 0 and 10 < controls.max() <= 25


def test_a_range_within_that_of_the_file_can_be_given(tmp_path):
    chosen = {"slow": {"unit": "N m"}, "push": {"low": 1, "unit": "N"}}
    domain = domain_of(tmp_path, ACTUATED, MASS, controls=chosen, steps=400)
    assert [(it.name, it.unit) for it in domain.input_variables[-2:]] == [
        ("push_control", "N"),
        ("slow_control", "N m"),
    ]
    push, slow = drawn(domain).controls.T
    assert 1 <= push.min() < 1.2 and 2.8 < push.max() <= 3 and slow.min() < -0.8


def test_other_actuators_stay_as_they_start(tmp_path):
    domain = domain_of(tmp_path, ACTUATED, MASS, controls={"pu*": {}}, start={"keyframe": "away"})
    assert [it.name for it in domain.input_variables][-1] == "push_control"
    excitation = drawn(domain)
    assert excitation.controls.shape == (50, 1)
    inputs, _ = domain.run(np.array([1.0]), excitation)
    activation = [it.name for it in domain.input_variables].index("slow_activation")
    np.testing.assert_allclose(
        inputs[:, activation], 0.3
    )  # that of the keyframe, held by its control


def test_a_model_without_actuators_moves_by_itself(tmp_path):
    domain = domain_of(tmp_path, LINK, {"l": {"sets": "body:link.length"}}, noise=0.5)
    assert drawn(domain).controls.shape == (50, 0)
    assert domain.run(np.array([1.0]), drawn(domain)).inputs.shape == (50, 3)


def test_tasks_start_at_rest_at_a_keyframe_or_at_positions(tmp_path):
    rest = drawn(domain_of(tmp_path, ACTUATED, MASS)).initial_state
    np.testing.assert_array_equal(rest, np.zeros(5))
    keyframe = {"keyframe": "away"}
    at_key = drawn(domain_of(tmp_path, ACTUATED, MASS, start=keyframe)).initial_state
    np.testing.assert_array_equal(at_key, [1.5, 0.5, 0.1, 0.0, 0.3])
    both = keyframe | {"positions": {"tu*": 3.0}}
    moved = drawn(domain_of(tmp_path, ACTUATED, MASS, start=both)).initial_state
    np.testing.assert_array_equal(moved, [1.5, 3.0, 0.1, 0.0, 0.3])


def test_noise_is_of_the_given_size_and_keeps_quaternions_whole(tmp_path):
    domain = domain_of(tmp_path, FLOATING, BALL, noise=0.2)
    rng = np.random.default_rng(0)
    states = np.array([domain.draw_excitation(rng).initial_state for _ in range(500)])
    assert states[:, 11:].std() == pytest.approx(0.2, rel=0.05)
    assert states[:, :3].std() == pytest.approx(0.2, rel=0.1)
    for columns in (slice(3, 7), slice(7, 11)):
        quaternions = states[:, columns]
        np.testing.assert_allclose(np.square(quaternions).sum(axis=1), 1.0, atol=1e-12)
        angles = 2 * np.arccos(quaternions[:, 0])
        assert np.sqrt(np.square(angles).mean()) == pytest.approx(np.sqrt(3) * 0.2, rel=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"controls": {"pull": {}}}, "controls.pull: the file has no actuator 'pull'"),
        (
            {"controls": {"push": {"high": 4}}},
            "expected low < high, within the -1 to 3 of the file",
        ),
        ({"controls": {"push": {"low": 2, "high": 1}}}, "within the -1 to 3 .*, found 2 and 1"),
        ({"controls": {"push": {"hi": 1}}}, "controls.push.hi: unknown key"),
        ({"start": {"keyframe": "awry"}}, "start.keyframe: .*'awry'; did you mean 'away'?"),
        ({"start": {"positions": {"rial": 1}}}, "start.positions.rial: .*did you mean 'rail'?"),
        ({"policy": {"kind": "wave"}}, "policy.kind: unknown policy 'wave': did you mean 'waves'?"),
        ({"policy": {"kind": "no_such:one"}}, "policy.kind: cannot load the policy 'no_such:one'"),
        ({"policy": {"hold": 0}}, "policy.hold: expected a whole number from 1"),
        ({"policy": {"holt": 1}}, "policy.holt: unknown key; did you mean 'hold'?"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, options, message):
    with pytest.raises(SettingError, match=message):
        domain_of(tmp_path, ACTUATED, MASS, **options)


def test_a_joint_of_several_positions_needs_a_keyframe(tmp_path):
    with pytest.raises(SettingError, match="joint 'root' has more than one position"):
        domain_of(tmp_path, FLOATING, BALL, start={"positions": {"root": 1.0}})
