"""The cart-pole against its equations of motion, written down independently."""

import time

import numpy as np
import pytest
from capsules import GRAVITY, inertia
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation, SimulationError, TaskDomain
from pamlflow.domains.cart_pole import CartPole
from pamlflow.domains.mechanism import Drive

CART = 1.0
CORNERS = [(0.5, 0.5), (0.5, 2.0), (5.0, 0.5), (5.0, 2.0)]

masses, lengths = st.floats(0.5, 5.0), st.floats(0.5, 2.0)
states = st.tuples(st.floats(-2, 2), st.floats(-4, 4), st.floats(-7, 7), st.floats(-8, 8))
forces = st.floats(-25, 25)


def derivative(state, force, mass, length):
    """Lagrange's equations; the centre of mass is at (x + l sin t, l cos t), l half the length."""
    _, velocity, angle, speed = state
    arm = length / 2
    coupling = mass * arm * np.cos(angle)
    matrix = [[CART + mass, coupling], [coupling, inertia(mass, length) + mass * arm**2]]
    forces = [
        force + mass * arm * np.sin(angle) * speed**2,
        mass * GRAVITY * arm * np.sin(angle),
    ]
    acceleration = np.linalg.solve(matrix, forces)
    return [velocity, acceleration[0], speed, acceleration[1]]


def energy(states, mass, length):
    _, velocity, angle, speed = states.T
    arm = length / 2
    kinetic = (
        (CART + mass) * velocity**2 / 2
        + mass * arm * np.cos(angle) * velocity * speed
        + (inertia(mass, length) + mass * arm**2) * speed**2 / 2
    )
    return kinetic + mass * GRAVITY * arm * np.cos(angle)


def run(domain, task, initial_state, controls):
    excitation = Excitation(np.reshape(controls, (-1, 1)), np.array(initial_state))
    return domain.simulate(np.array(task), excitation)


@settings(max_examples=50, deadline=None)
@given(masses, lengths, states, forces)
def test_one_step_obeys_the_equations_of_motion(mass, length, state, force):
    ours = run(CartPole(), (mass, length), state, [force])[1]
    solution = solve_ivp(
        lambda _, x: derivative(x, force, mass, length), (0, 0.05), state, rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(ours, solution.y[:, -1], rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("task", CORNERS)
def test_energy_is_conserved_without_control(task):
    states = run(CartPole(), task, [0.0, 0.5, 1.0, 2.0], np.zeros(250))
    energies = energy(states, *task)
    assert np.ptp(states[:, 2]) > 2.0
    scale = task[0] * GRAVITY * task[1] / 2
    assert np.ptp(energies) < 5e-4 * scale


@settings(max_examples=20, deadline=None)
@given(masses, lengths, states, st.lists(forces, min_size=1, max_size=20))
def test_mirrored_excitation_gives_the_mirrored_trajectory(mass, length, state, control):
    domain = CartPole()
    ours = run(domain, (mass, length), state, control)
    mirrored = run(domain, (mass, length), -np.array(state), -np.array(control))
    np.testing.assert_allclose(mirrored, -ours, rtol=1e-7, atol=1e-7)


def test_integrator_is_of_fourth_order():
    def end(substeps):
        control = 20 * np.cos(np.arange(10))
        return run(CartPole(substeps=substeps), (2.0, 1.0), [0.0, 0.0, 2.0, 1.0], control)[-1]

    reference = end(200)
    errors = np.array([np.linalg.norm(end(substeps) - reference) for substeps in (5, 10, 20)])
    np.testing.assert_allclose(errors[:-1] / errors[1:], 16, rtol=0.2)


def test_hanging_pole_stays_where_it_is():
    states = run(CartPole(), (1.0, 1.0), [0.3, 0.0, np.pi, 0.0], np.zeros(50))
    np.testing.assert_allclose(states, np.tile(states[0], (51, 1)), atol=1e-12)


def test_transitions_are_inputs_and_differences():
    domain = CartPole()
    excitation = domain.draw_excitation(np.random.default_rng(0))
    states = domain.simulate(np.array([0.5, 0.5]), excitation)
    inputs, outputs = domain.run(np.array([0.5, 0.5]), excitation)
    assert states.shape == (101, 4)
    np.testing.assert_array_equal(inputs[:, [0, 1, 4]], states[:-1, [0, 1, 3]])
    np.testing.assert_array_equal(inputs[:, 2], np.cos(states[:-1, 2]))
    np.testing.assert_array_equal(inputs[:, 3], np.sin(states[:-1, 2]))
    np.testing.assert_array_equal(inputs[:, 5], excitation.controls[:, 0])
    np.testing.assert_allclose(states[0] + np.cumsum(outputs, axis=0), states[1:], atol=1e-9)
    assert inputs.shape[1] == len(domain.input_variables)
    assert outputs.shape[1] == len(domain.output_variables)


def test_angle_is_not_wrapped():
    states = run(CartPole(), (1.0, 1.0), [0.0, 0.0, 0.0, 15.0], np.zeros(40))
    assert states[-1, 2] > 4 * np.pi
    assert abs(np.diff(states[:, 2])).max() < np.pi


def test_trial_starts_hanging_with_small_noise():
    starts = [
        CartPole(initial_noise=0.05).draw_excitation(np.random.default_rng(seed)).initial_state
        for seed in range(500)
    ]
    np.testing.assert_allclose(np.mean(starts, axis=0), [0, 0, np.pi, 0], atol=0.01)
    np.testing.assert_allclose(np.std(starts, axis=0), 0.05, rtol=0.1)


def test_force_is_clipped_once_for_physics_and_model():
    domain = CartPole(options=Drive(control_noise=30.0))
    excitation = domain.draw_excitation(np.random.default_rng(0))
    force = excitation.controls[:, 0]
    assert abs(force).max() == 25.0
    states = domain.simulate(np.array([1.0, 1.0]), excitation)
    inputs, _ = domain.run(np.array([1.0, 1.0]), excitation)
    np.testing.assert_array_equal(inputs[:, 5], force)
    for step in np.flatnonzero(abs(force) == 25.0)[:5]:
        again = run(domain, (1.0, 1.0), states[step], inputs[step, 5])
        np.testing.assert_allclose(again[1], states[step + 1], atol=1e-9)


def test_physics_has_no_force_limit_of_its_own():
    states = run(CartPole(), (1.0, 1.0), [0.0, 0.0, np.pi, 0.0], [100.0])
    solution = solve_ivp(
        lambda _, x: derivative(x, 100.0, 1.0, 1.0), (0, 0.05), states[0], rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(states[1], solution.y[:, -1], atol=1e-5)


@pytest.mark.parametrize("task", CORNERS)
def test_cart_stays_within_a_few_metres(task):
    domain = CartPole()
    for seed in range(5):
        excitation = domain.draw_excitation(np.random.default_rng(seed))
        assert abs(domain.simulate(np.array(task), excitation)[:, 0]).max() < 5.0


@pytest.mark.parametrize("speed", [3e4, 1e6])
@pytest.mark.parametrize("steps", [1, 100])
def test_unstable_simulation_raises_and_names_the_parameters(speed, steps, tmp_path, monkeypatch):
    """The slower one leaves MuJoCo's range in its last substep, and is not reset to upright."""
    monkeypatch.chdir(tmp_path)
    message = r"pole_mass = 2\.0 kg, pole_length = 0\.5 m.*control step 0, state \[.*e\+"
    with pytest.raises(SimulationError, match=message):
        run(CartPole(substeps=1), (2.0, 0.5), [0.0, 0.0, 1.0, speed], np.zeros(steps))
    assert list(tmp_path.iterdir()) == []


def test_control_that_mujoco_would_ignore_raises():
    with pytest.raises(SimulationError, match="control step 1"):
        run(CartPole(), (2.0, 0.5), [0.0, 0.0, 1.0, 0.0], [0.0, 1e11])


@pytest.mark.parametrize(
    ("controls", "state"), [(np.zeros((5, 2)), np.zeros(4)), (np.zeros((5, 1)), np.zeros(3))]
)
def test_excitation_of_another_domain_is_refused(controls, state):
    with pytest.raises(ValueError, match=r"expected controls \[K, 1\] and an initial state \[4\]"):
        CartPole().simulate(np.array([1.0, 1.0]), Excitation(controls, state))


def test_excitation_must_be_finite():
    with pytest.raises(ValueError, match="controls must be finite"):
        Excitation(np.array([[np.nan]]), np.zeros(4))


@pytest.mark.parametrize("task", [(0.0, 1.0), (1.0, -1.0), (np.nan, 1.0)])
def test_parameters_must_be_positive(task):
    with pytest.raises(ValueError, match="parameters must be positive"):
        run(CartPole(), task, np.zeros(4), np.zeros(1))


@pytest.mark.parametrize(
    "setting", [{"steps": 0}, {"time_step": 0.0}, {"substeps": -1}, {"initial_noise": -0.1}]
)
def test_settings_are_checked(setting):
    with pytest.raises(ValueError, match=f"cart_pole: {next(iter(setting))} must be"):
        CartPole(**setting)


def test_made_by_name():
    domain = make_domain("cart_pole", steps=50, time_step=0.1)
    assert domain == CartPole(steps=50, time_step=0.1)
    assert isinstance(domain, TaskDomain)
    assert make_domain("pamlflow.domains.cart_pole:CartPole") == CartPole()


def test_unknown_domain_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="unknown domain 'cartpole': did you mean 'cart_pole'"):
        make_domain("cartpole")


def test_own_domain_must_be_one():
    with pytest.raises(ValueError, match=r"builtins:dict.*dict lacks .*TaskDomain"):
        make_domain("builtins:dict")


def test_hundred_tasks_take_about_a_second():
    domain = CartPole()
    excitation = domain.draw_excitation(np.random.default_rng(0))
    start = time.process_time()
    for _ in range(100):
        domain.simulate(np.array([1.0, 1.0]), excitation)
    assert time.process_time() - start < 5.0
