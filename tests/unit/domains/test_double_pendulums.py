"""The pendubot and the cart-double-pole against their equations of motion, written down independently."""

import numpy as np
import pytest
from capsules import DoublePendulum
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation, SimulationError, TaskDomain
from pamlflow.domains.cart_double_pole import CartDoublePole
from pamlflow.domains.pendubot import Pendubot

CASES = {"pendubot": (Pendubot, None, 0.6), "cart_double_pole": (CartDoublePole, 1.0, 0.5)}
CORNERS = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]

unit = st.floats(0, 1)
hinges = st.tuples(st.floats(-7, 7), st.floats(-5, 5), st.floats(-7, 7), st.floats(-5, 5))
carts = st.tuples(st.floats(-2, 2), st.floats(-4, 4))


def run(domain, task, initial_state, controls):
    excitation = Excitation(np.reshape(controls, (-1, 1)), np.array(initial_state))
    return domain.simulate(np.array(task), excitation)


def example(name, corner):
    """The domain, a task in the paper's box (corner in the unit square), and its equations."""
    kind, cart, shortest = CASES[name]
    task = shortest + np.array(corner) * (3.0 - shortest)
    return kind(), task, DoublePendulum(cart, 1.0, *task)


@pytest.mark.parametrize("name", CASES)
@given(corner=st.tuples(unit, unit), cart=carts, links=hinges, share=st.floats(-1, 1))
def test_one_step_obeys_the_equations_of_motion(name, corner, cart, links, share):
    domain, task, equations = example(name, corner)
    state = links if equations.held else cart + links
    control = share * domain.options.control_limit
    ours = run(domain, task, state, [control])[1]
    solution = solve_ivp(
        lambda _, x: equations.derivative(x, control), (0, 0.05), state, rtol=1e-11, atol=1e-12
    )
    np.testing.assert_allclose(ours, solution.y[:, -1], rtol=2e-5, atol=1e-4)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("corner", CORNERS)
def test_energy_is_conserved_without_control(name, corner):
    domain, task, equations = example(name, corner)
    state = [1.5, 1.0, 0.5, -1.0] if equations.held else [0.0, 0.5, 1.5, 1.0, 0.5, -1.0]
    states = run(domain, task, state, np.zeros(250))
    energies = equations.energy(states)
    assert np.ptp(states[:, -4]) > 1.0 and np.ptp(states[:, -2]) > 1.0
    assert np.ptp(energies) < 4e-4 * 9.81 * (1.5 * task[0] + 0.5 * task[1])


@pytest.mark.parametrize("name", CASES)
@given(corner=st.tuples(unit, unit), cart=carts, links=hinges, share=st.floats(-1, 1))
def test_mirrored_excitation_gives_the_mirrored_trajectory(name, corner, cart, links, share):
    domain, task, equations = example(name, corner)
    state = np.array(links if equations.held else cart + links)
    control = share * domain.options.control_limit * np.ones(5)
    ours = run(domain, task, state, control)
    np.testing.assert_allclose(run(domain, task, -state, -control), -ours, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_integrator_is_of_fourth_order(name):
    kind, _, _ = CASES[name]
    start = np.array(kind().draw_excitation(np.random.default_rng(0)).initial_state)

    def end(substeps):
        control = 8 * np.cos(np.arange(10))
        return run(kind(substeps=substeps), (1.0, 1.5), start, control)[-1]

    reference = end(200)
    errors = np.array([np.linalg.norm(end(substeps) - reference) for substeps in (5, 10, 20)])
    np.testing.assert_allclose(errors[:-1] / errors[1:], 16, rtol=0.25)


@pytest.mark.parametrize("name", CASES)
def test_hanging_links_stay_where_they_are(name):
    domain = CASES[name][0](initial_noise=0.0)
    rest = domain.draw_excitation(np.random.default_rng(0)).initial_state
    states = run(domain, (1.0, 2.0), rest, np.zeros(50))
    np.testing.assert_allclose(states, np.tile(rest, (51, 1)), atol=1e-12)


def test_torque_acts_on_the_inner_hinge_alone():
    """From rest, a torque turns the inner link one way and the outer one back, as the mass matrix says."""
    states = run(Pendubot(substeps=1, time_step=1e-4), (1.0, 1.0), [np.pi, 0, 0, 0], [10.0])
    expected = DoublePendulum(None, 1.0, 1.0, 1.0).derivative([np.pi, 0, 0, 0], 10.0)
    np.testing.assert_allclose(states[1, [1, 3]] / 1e-4, np.array(expected)[[1, 3]], rtol=1e-4)
    assert states[1, 1] > 0 > states[1, 3]


@pytest.mark.parametrize("name", CASES)
def test_variables_match_the_transitions(name):
    domain = make_domain(name)
    assert isinstance(domain, TaskDomain) and type(domain) is CASES[name][0]
    excitation = domain.draw_excitation(np.random.default_rng(0))
    states = domain.simulate(np.array([0.6, 0.6]), excitation)
    inputs, outputs = domain.run(np.array([0.6, 0.6]), excitation)
    names = [variable.name for variable in domain.input_variables]
    assert inputs.shape == (100, len(names))
    assert outputs.shape == (100, len(domain.output_variables))
    for link, column in (("inner", -4), ("outer", -2)):
        angles = states[:-1, column]
        np.testing.assert_array_equal(inputs[:, names.index(f"cos_{link}_angle")], np.cos(angles))
        np.testing.assert_array_equal(inputs[:, names.index(f"sin_{link}_angle")], np.sin(angles))
        speed = inputs[:, names.index(f"{link}_angular_velocity")]
        np.testing.assert_array_equal(speed, states[:-1, column + 1])
    np.testing.assert_array_equal(inputs[:, -1], excitation.controls[:, 0])
    np.testing.assert_allclose(states[0] + np.cumsum(outputs, axis=0), states[1:], atol=1e-9)


def test_controls_stay_within_the_papers_limits():
    for name, limit in (("pendubot", 10.0), ("cart_double_pole", 25.0)):
        controls = make_domain(name).draw_excitation(np.random.default_rng(0)).controls
        assert limit * 0.99 < abs(controls).max() <= limit


@pytest.mark.parametrize("name", CASES)
def test_unstable_simulation_raises_and_names_the_parameters(name):
    domain = CASES[name][0](substeps=1)
    start = np.zeros(2 * len(domain.joints))
    start[-1] = 1e6
    with pytest.raises(SimulationError, match=rf"{name} with inner_length = 2\.0 m, outer_length"):
        run(domain, (2.0, 0.5), start, np.zeros(100))


@pytest.mark.parametrize("name", CASES)
def test_lengths_must_be_positive(name):
    with pytest.raises(ValueError, match=r"outer_length = -1\.0 m: parameters must be positive"):
        make_domain(name).simulate(
            np.array([1.0, -1.0]), make_domain(name).draw_excitation(np.random.default_rng(0))
        )
