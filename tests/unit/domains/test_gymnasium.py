"""The domain of gymnasium runs environments as a loop by hand does, and sets and reads what options name."""

import dataclasses
import sys

import numpy as np
import pytest

from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation, SimulationError
from pamlflow.domains.gymnasium.domain import Gymnasium
from pamlflow.plugins import PartError
from pamlflow.settings import SettingError
from pamlflow.tasks import Variable
from pamlflow.testing import check_domain

gymnasium = pytest.importorskip("gymnasium")

PENDULUM = {
    "environment": "Pendulum-v1",
    "parameters": {"mass": {"unit": "kg", "sets": "m"}, "length": {"unit": "m", "sets": "l"}},
    "state": {
        "angle": {"value": "state[0]", "angle": True},
        "angular_velocity": {"value": "state[1]", "unit": "rad/s"},
    },
    "controls": {"torque": {"unit": "Nm"}},
}
ACROBOT = {
    "environment": "Acrobot-v1",
    "parameters": {
        "inner_length": {"unit": "m", "sets": "LINK_LENGTH_1"},
        "outer_mass": {"unit": "kg", "sets": "LINK_MASS_2"},
    },
    "state": {
        "inner": {"value": "state[0]", "angle": True},
        "outer": {"value": "state[1]", "angle": True},
        "inner_velocity": {"value": "state[2]", "unit": "rad/s"},
        "outer_velocity": {"value": "state[3]", "unit": "rad/s"},
    },
    "controls": {"torque": {"unit": "Nm", "values": [-1.0, 0.0, 1.0]}},
}
CART_POLE = {
    "environment": "CartPole-v1",
    "parameters": {
        "pole_mass": {"unit": "kg", "sets": "masspole"},
        "half_length": {"unit": "m", "sets": "length"},
    },
    "derived": {
        "total_mass": "masspole + masscart",
        "polemass_length": "masspole * length",
    },
    "state": {
        "position": {"value": "state[0]", "unit": "m"},
        "velocity": {"value": "state[1]", "unit": "m/s"},
        "angle": {"value": "state[2]", "angle": True},
        "angular_velocity": {"value": "state[3]", "unit": "rad/s"},
    },
    "controls": {"force": {"unit": "N", "values": [-10.0, 10.0]}},
}
CUP = {
    "environment": "tests.own_environment:Cup",
    "parameters": {"surroundings": {"unit": "degC", "sets": "surroundings"}},
    "state": {"temperature": {"value": "state[0]", "unit": "degC"}},
}
SPACES = {
    "Pendulum-v1": {"mass": [0.5, 2.0], "length": [0.5, 2.0]},
    "Acrobot-v1": {"inner_length": [0.5, 2.0], "outer_mass": [0.5, 2.0]},
    "CartPole-v1": {"pole_mass": [0.05, 1.0], "half_length": [0.25, 1.0]},
    CUP["environment"]: {"surroundings": [0.0, 40.0]},
}


def made(options, **simulation):
    return make_domain("gymnasium", options, **simulation)


def drawn(domain, seed=0):
    return domain.draw_excitation(np.random.default_rng(seed))


@pytest.mark.parametrize("options", [PENDULUM, ACROBOT, CART_POLE, CUP])
def test_the_domain_keeps_the_contract(options):
    assert check_domain(Gymnasium, SPACES[options["environment"]], options=options) == ()


def test_variables_are_those_of_the_options():
    domain = made(PENDULUM)
    assert domain.parameter_variables == (Variable("mass", "kg"), Variable("length", "m"))
    assert [it.name for it in domain.input_variables] == [
        "cos_angle",
        "sin_angle",
        "angular_velocity",
        "torque",
    ]
    assert domain.output_variables == (
        Variable("angle_change", "rad"),
        Variable("angular_velocity_change", "rad/s"),
    )


def test_the_pendulum_is_a_loop_over_the_environment():
    domain = made(PENDULUM, steps=250)  # more than the limit of the registered environment
    excitation = drawn(domain)
    inputs, outputs = domain.run(np.array([1.5, 0.75]), excitation)
    environment = gymnasium.make("Pendulum-v1", max_episode_steps=1000)
    environment.reset(seed=int(excitation.initial_state[0]))
    environment.unwrapped.m, environment.unwrapped.l = 1.5, 0.75
    assert len(inputs) == 250
    for row, change, control in zip(inputs, outputs, excitation.controls, strict=True):
        before = environment.unwrapped.state
        environment.step(control.astype(np.float32))
        angle, velocity = before
        expected = [np.cos(angle), np.sin(angle), velocity, control[0]]
        np.testing.assert_allclose(row, expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(change, environment.unwrapped.state - before, atol=1e-12)


def test_a_step_of_the_pendulum_is_its_formula():
    """https://gymnasium.farama.org/environments/classic_control/pendulum: a rod that is pivoted at its end."""
    domain, (mass, length) = made(PENDULUM), (1.5, 0.75)
    inputs, outputs = domain.run(np.array([mass, length]), drawn(domain))
    _, sine, velocity, torque = inputs.T
    inertia = mass * length**2 / 3.0
    acceleration = (mass * 10.0 * length / 2.0 * sine + torque) / inertia
    after = np.clip(velocity + 0.05 * acceleration, -8.0, 8.0)
    np.testing.assert_allclose(outputs[:, 1], after - velocity, atol=1e-12)
    np.testing.assert_allclose(outputs[:, 0], 0.05 * after, atol=1e-12)


def test_the_acrobot_is_a_loop_over_the_environment_whose_angles_do_not_jump():
    domain = made(ACROBOT, steps=400)
    excitation = drawn(domain, 3)
    inputs, outputs = domain.run(np.array([0.5, 0.6]), excitation)
    environment = gymnasium.make("Acrobot-v1")
    root, seed, wrapped = environment.unwrapped, int(excitation.initial_state[0]), 0
    environment.reset(seed=seed)
    root.LINK_LENGTH_1, root.LINK_MASS_2 = 0.5, 0.6
    for row, change, (torque,) in zip(inputs, outputs, excitation.controls, strict=True):
        before = np.array(root.state, dtype=np.float64)
        np.testing.assert_allclose(row[[0, 2]], np.cos(before[:2]), atol=1e-12)
        np.testing.assert_allclose(row[[1, 3]], np.sin(before[:2]), atol=1e-12)
        _, _, ended, _, _ = environment.step([-1.0, 0.0, 1.0].index(torque))
        turns = (root.state - before - change) / (2.0 * np.pi)
        np.testing.assert_allclose(turns, [*np.round(turns[:2]), 0.0, 0.0], atol=1e-12)
        wrapped += int(np.any(np.abs(np.round(turns)) == 1.0))
        if ended:
            seed += 1
            environment.reset(seed=seed)
    assert wrapped > 0 and np.abs(outputs[:, :2]).max() < np.pi
    assert set(excitation.controls[:, 0]) == {-1.0, 0.0, 1.0}
    assert gymnasium.make("Acrobot-v1").unwrapped.LINK_LENGTH_1 == 1.0


def cart_pole(mass, half_length, states, force):
    """The changes [K, 4] of states [K, 4] in an Euler step of 0.02 s, from the Lagrangian of cart and rod."""
    _, velocity, angle, rate = states.T
    cosine, sine, total = np.cos(angle), np.sin(angle), 1.0 + mass
    matrix = np.array(
        [
            [np.full_like(cosine, total), mass * half_length * cosine],
            [mass * half_length * cosine, np.full_like(cosine, 4.0 / 3.0 * mass * half_length**2)],
        ]
    )
    right = np.stack([force + mass * half_length * rate**2 * sine, mass * 9.8 * half_length * sine])
    acceleration = np.linalg.solve(np.moveaxis(matrix, -1, 0), right.T[:, :, None])[:, :, 0]
    return 0.02 * np.stack([velocity, acceleration[:, 0], rate, acceleration[:, 1]], axis=1)


def test_what_the_environment_derives_from_parameters_is_derived_anew():
    """Its constructor computes two products of masses and lengths, which would be those of other parameters."""
    domain = made(CART_POLE, steps=80)
    excitation = drawn(domain)
    inputs, outputs = domain.run(np.array([0.8, 0.9]), excitation)
    states = np.stack(
        [inputs[:, 0], inputs[:, 1], np.arctan2(inputs[:, 3], inputs[:, 2]), inputs[:, 4]], axis=1
    )
    expected = cart_pole(0.8, 0.9, states, inputs[:, 5])
    np.testing.assert_allclose(outputs, expected, atol=1e-12)
    starts = np.flatnonzero(np.abs(states[1:] - states[:-1] - outputs[:-1]).max(axis=1) > 1e-9) + 1
    assert len(starts) > 1  # episodes end, and no transition leads from one to the next
    assert np.abs(states[starts]).max() < 0.05  # where the environment begins

    plain = made({**CART_POLE, "derived": {}}, steps=80)
    assert not np.allclose(plain.run(np.array([0.8, 0.9]), excitation).outputs, outputs)


def test_an_angle_can_be_decoded_from_its_cosine_and_sine():
    state = {
        "angle": {"value": "atan2(observation[1], observation[0])", "angle": True},
        "angular_velocity": {"value": "observation[2]", "unit": "rad/s"},
    }
    plain = made(PENDULUM, steps=200)
    excitation, task = drawn(plain, 4), np.array([0.5, 0.5])
    found = made({**PENDULUM, "state": state}, steps=200).run(task, excitation)
    expected = plain.run(task, excitation)
    wound = np.cumsum(expected.outputs[:, 0])
    assert np.ptp(wound) > 2.0 * np.pi  # it turned over
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)  # observations are of single precision


def test_a_run_can_start_where_it_is_told():
    domain = made(
        {**PENDULUM, "start": {"angle": 3.0, "angular_velocity": -1.0}}, initial_noise=0.0
    )
    inputs, _ = domain.run(np.array([1.0, 1.0]), drawn(domain))
    np.testing.assert_allclose(inputs[0, :3], [np.cos(3.0), np.sin(3.0), -1.0], atol=1e-12)
    noisy = made({**PENDULUM, "start": {"angle": 3.0}}, initial_noise=0.1)
    starts = np.array([drawn(noisy, seed).initial_state[1] for seed in range(200)])
    assert starts.mean() == pytest.approx(3.0, abs=0.03)
    assert starts.std() == pytest.approx(0.1, abs=0.02)
    own = made(PENDULUM)
    first = [own.run(np.array([1.0, 1.0]), drawn(own, seed)).inputs[0, 0] for seed in (0, 0, 1)]
    assert first[0] == first[1] != first[2]


def test_controls_are_what_the_environment_takes():
    for policy in (
        {},
        {"kind": "alternating"},
        {"kind": "waves", "noise": 0.1},
        {"kind": "tests.own_environment:half"},
    ):
        domain = made({**PENDULUM, "policy": policy}, steps=200)
        controls = drawn(domain).controls
        np.testing.assert_array_equal(controls, controls.astype(np.float32))
        assert -2.0 <= controls.min() < 0.0 < controls.max() <= 2.0
    held = drawn(made({**PENDULUM, "policy": {"hold": 7}}, steps=200)).controls[:, 0]
    assert set(np.diff(np.flatnonzero(np.diff(held)))) == {7}
    narrow = {**PENDULUM, "controls": {"torque": {"low": 0.5, "high": 1.0}}}
    controls = drawn(made(narrow, steps=500)).controls
    assert 0.5 <= controls.min() < 0.52 < 0.98 < controls.max() <= 1.0
    less = drawn(made({**PENDULUM, "policy": {"share": 0.25}}, steps=500)).controls
    assert -0.5 <= less.min() < -0.45 and 0.45 < less.max() <= 0.5
    exact, noisy = (
        drawn(made({**CUP, "policy": {"kind": "alternating", "hold": 4, "noise": noise}})).controls
        for noise in (0.0, 0.1)
    )
    assert (np.sign(exact[2:-4]) == -np.sign(exact[6:])).all() and exact.shape == (100, 2)
    assert 0.05 < np.std(noisy - exact * np.sign(exact[0] * noisy[0])) < 0.11


def test_discrete_actions_are_drawn_alike_and_counted_where_no_values_are_given():
    options = {key: value for key, value in ACROBOT.items() if key != "controls"}
    controls = drawn(made({**options, "policy": {"hold": 1}}, steps=3000)).controls
    values, counts = np.unique(controls, return_counts=True)
    assert values.tolist() == [0.0, 1.0, 2.0]
    np.testing.assert_allclose(counts, 1000, atol=100)
    swapped = {**ACROBOT, "controls": {"torque": {"values": [1.0, 0.0, -1.0]}}}
    up = Excitation([[1.0]], [5.0])
    one, other = (made(it).run(np.array([1.0, 1.0]), up).outputs for it in (ACROBOT, swapped))
    assert one[0, 3] > 0.0 > other[0, 3]


def test_an_attribute_can_follow_the_time_step():
    options = {**PENDULUM, "derived": {"dt": "time_step"}}
    excitation = drawn(made(PENDULUM))
    usual, half = (
        made(options, time_step=step).run(np.array([1.0, 1.0]), excitation)
        for step in (0.05, 0.025)
    )
    np.testing.assert_array_equal(
        usual.outputs, made(PENDULUM, time_step=9.0).run(np.array([1.0, 1.0]), excitation).outputs
    )
    assert half.outputs[0, 1] == pytest.approx(usual.outputs[0, 1] / 2.0)


def test_a_control_can_be_repeated():
    task, controls = np.array([1.0, 1.0]), np.array([[1.0], [-0.5]])
    once = made(PENDULUM).run(task, Excitation(np.repeat(controls, 3, axis=0), [5.0]))
    thrice = made({**PENDULUM, "repeat": 3}).run(task, Excitation(controls, [5.0]))
    np.testing.assert_array_equal(thrice.inputs, once.inputs[::3])
    np.testing.assert_allclose(thrice.outputs, once.outputs.reshape(2, 3, 2).sum(1), atol=1e-14)


def cup(**changed):
    arguments = {"ends_after": 7}
    return made({**CUP, "arguments": arguments, **changed}, steps=20)


def temperatures(domain):
    return domain.run(np.array([30.0]), drawn(domain)).inputs[:, 0]


def decays(states, outputs):
    return states[1:] == pytest.approx(states[:-1] + outputs[:-1])


def test_an_episode_that_ends_is_followed_by_another_one_or_is_an_error():
    domain = cup()
    inputs, outputs = domain.run(np.array([30.0]), drawn(domain))
    broken = np.abs(np.diff(inputs[:, 0]) - outputs[:-1, 0]) > 1e-9
    assert np.flatnonzero(broken).tolist() == [6, 13]
    assert len({*inputs[[0, 7, 14], 0]}) == 3

    domain = cup(ended="continue")
    inputs, outputs = domain.run(np.array([30.0]), drawn(domain))
    np.testing.assert_allclose(np.diff(inputs[:, 0]), outputs[:-1, 0], atol=1e-12)

    domain = cup(ended="stop")
    text = r"episode of the task with surroundings = 30\.0 degC after 7 steps; choose another value"
    with pytest.raises(SimulationError, match=text):
        domain.run(np.array([30.0]), drawn(domain))
    exact = Excitation(drawn(domain).controls[:7], drawn(domain).initial_state)
    assert len(domain.run(np.array([30.0]), exact).inputs) == 7

    truncated = cup(arguments={"ends_after": 7, "forgets": True})
    assert len({*temperatures(truncated)[[0, 7, 14]]}) == 3


def test_an_environment_can_be_one_that_a_module_registers_without_its_limit_of_time():
    domain = made({**CUP, "environment": "tests.own_environment:tests/Cup-v0"}, steps=20)
    excitation = drawn(domain)
    found = domain.run(np.array([30.0]), excitation)
    expected = made(CUP).run(np.array([30.0]), excitation)
    np.testing.assert_array_equal(found.inputs, expected.inputs)


def test_a_control_that_an_end_cuts_short_is_no_transition():
    domain = cup(repeat=3)  # two whole ones in each episode
    inputs, outputs = domain.run(np.array([30.0]), drawn(domain))
    broken = np.abs(np.diff(inputs[:, 0]) - outputs[:-1, 0]) > 1e-9
    assert np.flatnonzero(broken).tolist() == list(range(1, 19, 2))
    domain = cup(repeat=8)
    with pytest.raises(SimulationError, match=r"ended the episode of .* after 0 steps"):
        domain.run(np.array([30.0]), drawn(domain))


def test_a_parameter_can_be_an_argument_and_an_entry_and_is_set_after_each_reset():
    options = {
        **CUP,
        "arguments": {"forgets": True},
        "parameters": {
            "rate": {"unit": "1/s", "sets": "arguments.rate"},
            "heat": {"sets": "settings['heat'][1]"},
            "room": {"unit": "degC"},
        },
        "derived": {"surroundings": "abs(-room)"},
    }
    domain = made(options)
    inputs, outputs = domain.run(np.array([0.25, 4.0, 31.0]), drawn(domain))
    temperature, first, second = inputs.T
    expected = 0.1 * (0.25 * (31.0 - temperature) + first + 4.0 * second)
    np.testing.assert_allclose(outputs[:, 0], expected, atol=1e-12)
    from tests.own_environment import Cup

    assert Cup.settings == {"heat": [1.0, 2.0]}


def test_a_parameter_that_does_not_stay_is_an_error_of_the_task():
    domain = made({**CUP, "parameters": {"fixed": {"sets": "fixed"}}})
    with pytest.raises(SimulationError, match=r"`fixed` is 1\.0 after it was set to 2\.0"):
        domain.run(np.array([2.0]), drawn(domain))


def test_a_whole_number_stays_one():
    domain = made({**CUP, "parameters": {"sensors": {"sets": "sensors"}}})
    environment = domain._blueprint.environment(np.array([5.0]))
    assert repr(environment._made.unwrapped.sensors) == "5"
    environment.close()


def changed(options, *key_and_value):
    """Options with another value below a key; without the key if that is None."""
    *path, last, value = key_and_value
    copy = {**options}
    inner = copy
    for name in path:
        inner[name] = {**inner[name]}
        inner = inner[name]
    inner[last] = value
    if value is None:
        del inner[last]
    return copy


@pytest.mark.parametrize(
    ("options", "key", "text"),
    [
        ({}, "environment", "missing; docs/own_environment.md"),
        (changed(PENDULUM, "state", None), "state", "missing"),
        (changed(PENDULUM, "parameters", {}), "parameters", "missing"),
        (
            changed(PENDULUM, "environment", "Pendulm-v1"),
            "environment",
            "`Pendulm` doesn't exist.*Did",
        ),
        (changed(PENDULUM, "environment", "no_such_module:Cup"), "environment", "No module named"),
        (
            changed(PENDULUM, "environment", "no_such_module:Cup-v0"),
            "environment",
            "No module named",
        ),
        (
            changed(PENDULUM, "arguments", {"gg": 1}),
            "environment",
            "unexpected keyword argument 'gg'",
        ),
        (
            changed(PENDULUM, "environment", "tests.own_environment:not_an_environment"),
            "environment",
            "expected a gymnasium.Env, found object",
        ),
        (
            changed(CUP, "environment", "tests.own_environment:Vectors"),
            "environment",
            "MultiBinary",
        ),
        (
            changed(PENDULUM, "parameters", "mass", {"sets": "gravity"}),
            "parameters.mass.sets",
            r"PendulumEnv has no attribute 'gravity' \(its numbers: dt, g, l, m, max_speed, max_torque",
        ),
        (
            changed(CART_POLE, "parameters", "pole_mass", {"sets": "mas_pole"}),
            "parameters.pole_mass.sets",
            "CartPoleEnv has no attribute 'mas_pole'; did you mean 'masspole'",
        ),
        (
            changed(PENDULUM, "parameters", "mass", {}),
            "parameters.mass.sets",
            "missing, expected the",
        ),
        (
            changed(PENDULUM, "parameters", "mass", {"sets": "l"}),
            "parameters.length.sets",
            "'mass' sets l",
        ),
        (
            changed(PENDULUM, "parameters", "mass", {"sets": "2 * m"}),
            "parameters.mass.sets",
            "one attribute",
        ),
        (
            changed(PENDULUM, "parameters", "mass", {"sets": "m["}),
            "parameters.mass.sets",
            "expected an att",
        ),
        (
            changed(PENDULUM, "parameters", "mass", {"sets": "arguments.a.b"}),
            "parameters.mass.sets",
            "expected arguments.<name>",
        ),
        (
            changed(PENDULUM, "parameters", "time_step", {"sets": "m"}),
            "parameters.time_step",
            "choose another",
        ),
        (changed(PENDULUM, "derived", {"m": "length"}), "derived.m", "'mass' sets it"),
        (changed(PENDULUM, "derived", {"dtt": "length"}), "derived.dtt", "did you mean 'dt'"),
        (changed(PENDULUM, "derived", {"dt": "lengths"}), "derived.dt", "no attribute 'lengths'"),
        (
            changed(PENDULUM, "derived", {"dt": "open('x')"}),
            "derived.dt",
            "known functions are abs",
        ),
        (
            changed(PENDULUM, "state", "angle", "value", "state[5]"),
            "state.angle.value",
            "no entry 5: it has 2",
        ),
        (
            changed(PENDULUM, "state", "angle", "value", "state"),
            "state.angle.value",
            "expected a number",
        ),
        (changed(PENDULUM, "state", "angle", "value", ""), "state.angle.value", "missing"),
        (
            changed(PENDULUM, "state", "angle", "unit", "deg"),
            "state.angle.unit",
            "an angle is in rad",
        ),
        (
            changed(PENDULUM, "state", "angle", "angel", True),
            "state.angle.angel",
            "did you mean 'angle'",
        ),
        (
            changed(PENDULUM, "controls", {"a": {}, "b": {}}),
            "controls",
            "expected 1 name, .*found a, b",
        ),
        (
            changed(PENDULUM, "controls", "torque", {"low": -3}),
            "controls.torque.low",
            "within .*-2 to 2",
        ),
        (
            changed(PENDULUM, "controls", "torque", {"low": 1, "high": 0}),
            "controls.torque.high",
            "more than",
        ),
        (
            changed(PENDULUM, "controls", "torque", {"values": [1]}),
            "controls.torque.values",
            "give `low`",
        ),
        (
            changed(ACROBOT, "controls", "torque", {"values": [1, 2]}),
            "controls.torque.values",
            "3 diff",
        ),
        (
            changed(ACROBOT, "controls", "torque", {"values": "abc"}),
            "controls.torque.values",
            "a list of",
        ),
        (
            changed(ACROBOT, "controls", "torque", {"low": 0}),
            "controls.torque.low",
            "give `values`",
        ),
        (
            changed(CUP, "environment", "tests.own_environment:Unbounded"),
            "controls.action.low",
            "missing, the environment has no such bound",
        ),
        (changed(PENDULUM, "start", {"angl": 1}), "start.angl", "did you mean 'angle'"),
        (changed(PENDULUM, "start", {"angle": "up"}), "start.angle", "expected a number"),
        (
            {**changed(PENDULUM, "state", "angle", "value", "-state[0]"), "start": {"angle": 1}},
            "start.angle",
            "cannot be set",
        ),
        (
            {
                **changed(PENDULUM, "state", "angle", "value", "observation[0]"),
                "start": {"angular_velocity": 1},
            },
            "state.angle.value",
            "an observation is of before it",
        ),
        (changed(PENDULUM, "ended", "never"), "ended", 'expected "reset" or'),
        (changed(PENDULUM, "policy", {"hold": 0}), "policy.hold", "from 1 to"),
    ],
)
def test_options_that_mean_nothing_are_named(options, key, text):
    with pytest.raises(SettingError, match=text) as raised:
        made(options)
    assert ".".join(map(str, raised.value.key)) == key


def test_a_policy_of_ones_own_is_checked():
    for kind, text in (
        ("hold", "unknown policy 'hold': did you mean 'held'"),
        ("tests.own_environment:too_much", r"expected numbers from -1 to 1 of shape \(100, 1\)"),
    ):
        with pytest.raises(SettingError, match=text) as raised:
            made(changed(PENDULUM, "policy", {"kind": kind}))
        assert raised.value.key == ("policy", "kind")


def test_without_gymnasium_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(PartError, match=r"'gymnasium' needs .*: pip install -e '\.\[gymnasium\]'"):
        made(PENDULUM)


def test_a_domain_is_the_same_after_it_was_copied():
    domain = made(PENDULUM)
    again = dataclasses.replace(domain)
    excitation, task = drawn(domain), np.array([1.0, 2.0])
    for one, other in zip(domain.run(task, excitation), again.run(task, excitation), strict=True):
        np.testing.assert_array_equal(one, other)
