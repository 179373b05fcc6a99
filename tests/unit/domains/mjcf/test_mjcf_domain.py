"""Tasks of an MJCF file move as they should, and what cannot be run is said."""

import numpy as np
import pytest
from mjcf_files import ACTUATED, CART_POLE, FLOATING, LINK, domain_of

from pamlflow.domains import make_domain
from pamlflow.domains.base import Excitation, SimulationError
from pamlflow.domains.mjcf.domain import Mjcf
from pamlflow.plugins import PartError
from pamlflow.settings import SettingError
from pamlflow.testing import check_domain
from tests.unit.domains.capsules import RADIUS, inertia

POLE = {
    "pole_mass": {"unit": "kg", "sets": "body:pole.mass"},
    "pole_length": {"unit": "m", "sets": "body:pole.length"},
}
PUSHED = {"rail": {"unit": "N", "low": -25, "high": 25}}
LENGTH = {"length": {"unit": "m", "sets": "body:link.length"}}


def test_a_cart_pole_in_a_file_is_the_cart_pole(tmp_path):
    """The built-in one is checked against closed equations of motion."""
    ours = make_domain("cart_pole", steps=40)
    same = {"time_step": 0.05, "substeps": 10, "controls": PUSHED}
    theirs = domain_of(tmp_path, CART_POLE, POLE, **same)
    assert theirs.parameter_variables == ours.parameter_variables
    excitation = ours.draw_excitation(np.random.default_rng(3))
    position, velocity, angle, rate = excitation.initial_state
    start = Excitation(excitation.controls, np.array([position, angle, velocity, rate]))
    for task in ([0.5, 0.5], [3.0, 1.7]):
        expected = ours.run(np.array(task), excitation)
        found = theirs.run(np.array(task), start)
        np.testing.assert_allclose(found.inputs, expected.inputs, atol=1e-9)
        np.testing.assert_allclose(found.outputs, expected.outputs, atol=1e-9)


ROD = LINK.replace('size="0.02"', f'size="{RADIUS}"')


def about_its_end(mass, length):
    """Moment of inertia of a capsule about one end of its axis."""
    return inertia(mass, length) + mass * length**2 / 4


def test_a_pendulum_swings_with_the_period_of_its_inertia(tmp_path):
    """Small swings of inertia I, about a point l above the centre of mass m, take 2 pi sqrt(I / m g l)."""
    domain = domain_of(tmp_path, ROD, LENGTH, steps=400, time_step=0.01, substeps=5)
    for length in (0.5, 2.0):
        start = Excitation(np.empty((400, 0)), np.array([0.01, 0.0]))
        angles = domain.simulate(np.array([length]), start)[:, 0]
        crossings = np.flatnonzero(np.diff(np.sign(angles)) != 0)
        times = 0.01 * (crossings + angles[crossings] / (angles[crossings] - angles[crossings + 1]))
        period = 2 * np.diff(times).mean()
        expected = 2 * np.pi * np.sqrt(about_its_end(1.0, length) / (9.81 * length / 2))
        assert period == pytest.approx(expected, rel=1e-4)


def test_a_pendulum_without_damping_keeps_its_energy(tmp_path):
    domain = domain_of(tmp_path, ROD, LENGTH, steps=200)
    start = Excitation(np.empty((200, 0)), np.array([2.5, 0.0]))
    for length in (0.5, 2.0):
        angles, rates = domain.simulate(np.array([length]), start).T
        height = -length / 2 * np.cos(angles)
        energy = about_its_end(1.0, length) * rates**2 / 2 + 9.81 * height
        assert np.ptp(energy) < 1e-6 * 9.81 * length
        assert np.ptp(height) > 0.5 * length


def test_names_and_units_are_those_of_the_file(tmp_path):
    domain = domain_of(tmp_path, CART_POLE, POLE, controls=PUSHED)
    assert domain.input_variables[-1].unit == "N"
    assert [variable.name for variable in domain.input_variables] == [
        "rail",
        "rail_velocity",
        "cos_hinge",
        "sin_hinge",
        "hinge_velocity",
        "rail_control",
    ]
    assert [(it.name, it.unit) for it in domain.output_variables] == [
        ("rail_change", "m"),
        ("rail_velocity_change", "m/s"),
        ("hinge_change", "rad"),
        ("hinge_velocity_change", "rad/s"),
    ]


def test_the_contract_of_a_domain_is_kept(tmp_path):
    path = tmp_path / "model.xml"
    path.write_text(CART_POLE)
    options = {"file": str(path), "parameters": POLE, "controls": PUSHED}
    space = {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]}
    fails = {"pole_mass": -1.0, "pole_length": 1.0}

    class FineSteps(Mjcf):
        """In the steps of the file."""

        def __init__(self, substeps, **settings):
            super().__init__(substeps=10 * substeps, **settings)

    assert check_domain(FineSteps, space, options=options, fails=fails) == ()


@pytest.mark.parametrize("text", [FLOATING, ACTUATED])
def test_the_same_task_gives_the_same_numbers(tmp_path, text):
    name = "ball" if text is FLOATING else "box"
    domain = domain_of(
        tmp_path,
        text,
        {"m": {"sets": f"body:{name}.mass"}},
        noise=0.3,
    )
    excitation = domain.draw_excitation(np.random.default_rng(0))
    first = domain.run(np.array([1.0]), excitation)
    other = domain.run(np.array([1.5]), excitation)
    again = domain.run(np.array([1.0]), excitation)
    np.testing.assert_array_equal(np.hstack(first), np.hstack(again))
    assert not np.array_equal(np.hstack(first), np.hstack(other))
    assert first.inputs.shape == (50, len(domain.input_variables))
    assert first.outputs.shape == (50, len(domain.output_variables))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "pole_mass = -1.0 kg, pole_length = 1.0 m: body:pole.mass: expected at least 0"),
        (0.0, "pole_mass = 0.0 kg.*MuJoCo refuses the model: Error: mass and inertia"),
    ],
)
def test_a_task_without_a_model_is_named(tmp_path, value, message):
    domain = domain_of(tmp_path, CART_POLE, POLE, controls=PUSHED)
    excitation = domain.draw_excitation(np.random.default_rng(0))
    with pytest.raises(SimulationError, match=message):
        domain.run(np.array([value, 1.0]), excitation)


STIFF = '<option timestep="0.01"/><worldbody><body><joint name="j" type="slide" stiffness="1"/>'
STIFF = f'<mujoco>{STIFF}<geom size="0.1" mass="1"/></body></worldbody></mujoco>'


def test_a_simulation_that_becomes_unstable_is_named_and_not_reset(tmp_path):
    """With autoreset MuJoCo would go on from the initial state, and only its last state be huge."""
    parameters = {"k": {"unit": "N/m", "sets": "joint:j.stiffness"}}
    domain = domain_of(tmp_path, STIFF, parameters, time_step=0.1, substeps=10, steps=30, noise=0.1)
    excitation = domain.draw_excitation(np.random.default_rng(0))
    assert np.isfinite(domain.run(np.array([100.0]), excitation).outputs).all()
    message = r"k = 100000000.0 N/m: the simulation is unstable at control step \d+.*mjWARN_BADQ"
    with pytest.raises(SimulationError, match=message):
        domain.run(np.array([1e8]), excitation)


def test_a_state_that_is_huge_in_the_end_is_found(tmp_path):
    parameters = {"g": {"sets": "option.gravity[2]"}}
    text = STIFF.replace('stiffness="1"', "")
    domain = domain_of(tmp_path, text, parameters, time_step=0.01, substeps=1, steps=1)
    excitation = Excitation(np.empty((1, 0)), np.zeros(2))
    with pytest.raises(SimulationError, match="unstable at control step 0"):
        domain.run(np.array([1e13]), excitation)


def test_steps_longer_than_those_of_the_file_are_refused(tmp_path):
    with pytest.raises(PartError, match=r"longer than the 0.01 s that the file.*substeps: 7"):
        domain_of(tmp_path, CART_POLE, POLE, time_step=0.07, substeps=6)
    domain_of(tmp_path, CART_POLE, POLE, time_step=0.07, substeps=7, controls=PUSHED)


def test_an_excitation_of_another_model_is_refused(tmp_path):
    domain = domain_of(tmp_path, LINK, LENGTH)
    with pytest.raises(ValueError, match=r"expected controls \[K, 0\] and an initial state \[2\]"):
        domain.run(np.array([1.0]), Excitation(np.ones((3, 1)), np.zeros(2)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<mujoco><world", "Error=XML_ERROR"),
        ("<html/>", "Unrecognized XML model type: 'html'"),
        (
            '<mujoco><worldbody><geom sice="1"/></worldbody></mujoco>',
            "unrecognized attribute: 'sice'",
        ),
        ("<mujoco><include file='part.xml'/></mujoco>", "part.xml"),
        ("", "model.xml"),
    ],
)
def test_a_file_that_mujoco_cannot_read_is_named(tmp_path, content, message):
    with pytest.raises(SettingError, match=f"file: .*model.xml.*{message}|file: .*{message}"):
        domain_of(tmp_path, content, POLE)


def test_settings_out_of_range_are_refused(tmp_path):
    for wrong in ({"steps": 0}, {"time_step": -1.0}, {"noise": -0.1}):
        with pytest.raises(PartError, match=next(iter(wrong)).replace("noise", "initial_noise")):
            domain_of(tmp_path, LINK, LENGTH, **wrong)
