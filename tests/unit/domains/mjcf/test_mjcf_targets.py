"""What parameters change in a model, and the errors where they cannot."""

import mujoco
import numpy as np
import pytest
from mjcf_files import ACTUATED, LINK

from pamlflow.domains.mjcf import links
from pamlflow.domains.mjcf.elements import names
from pamlflow.domains.mjcf.family import Family
from pamlflow.domains.mjcf.options import MjcfOptions
from pamlflow.domains.mjcf.source import read
from pamlflow.settings import SettingError
from tests.unit.domains.capsules import RADIUS, inertia

ROBOT = """
<mujoco>
  <compiler angle="radian"/>
  <worldbody>
    <geom name="floor" type="plane" size="1 1 0.1"/>
    <body name="upper">
      <joint name="shoulder" axis="0 1 0" damping="0.5" stiffness="2"/>
      <geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.05" density="800"/>
      <geom name="motor" type="sphere" pos="0.4 0 0" size="0.08" mass="0.7"/>
      <site name="elbow" pos="0.4 0 0"/>
      <body name="lower" pos="0.4 0 0">
        <joint name="elbow" axis="0 1 0" damping="0.25"/>
        <geom name="forearm" type="cylinder" pos="0 0 0.15" size="0.03 0.15"/>
        <geom type="box" pos="0 0 0.3" axisangle="0 0 1 0.5" size="0.02 0.03 0.04"/>
        <geom type="box" pos="0 0 0.3" size="0.02 0.03 0.04"/>
      </body>
    </body>
    <body name="weight" pos="0 1 0">
      <inertial pos="0 0 0" mass="2" diaginertia="0.1 0.2 0.25"/>
      <joint name="slider" type="slide" axis="0 0 1"/>
      <geom type="sphere" size="0.1"/>
    </body>
  </worldbody>
  <actuator>
    <motor joint="shoulder" gear="50"/>
    <position name="servo" joint="elbow" kp="20"/>
  </actuator>
</mujoco>
"""


@pytest.fixture
def family(tmp_path):
    """A family of the robot, or of another text, and its parameters."""

    def make(text=ROBOT, /, **parameters):
        path = tmp_path / "robot.xml"
        path.write_text(text)
        sections = {
            name: each if isinstance(each, dict) else {"sets": each}
            for name, each in parameters.items()
        }
        options = MjcfOptions.from_config({"file": str(path), "parameters": sections})
        return Family(read(path), options.parameters)

    return make


def model_of(family, *values):
    return family.model(np.array(values))


def test_what_has_no_name_goes_by_that_of_its_body_or_of_what_it_drives(family):
    spec = family(p="body:upper.mass").spec
    assert names(spec, "geom") == [
        *("floor", "upper", "motor", "forearm"),
        *("lower/0", "lower/1", "weight"),
    ]
    assert names(spec, "actuator") == ["shoulder", "servo"]


@pytest.mark.parametrize(
    ("target", "value", "found"),
    [
        ("option.gravity[2]", -3.7, lambda m: m.opt.gravity[2]),
        ("option.viscosity", 0.1, lambda m: m.opt.viscosity),
        ("joint:elbow.damping", 3.0, lambda m: m.dof_damping[1]),
        ("joint:elbow.stiffness", 3.0, lambda m: m.jnt_stiffness[1]),
        ("joint:elbow.armature", 0.3, lambda m: m.dof_armature[1]),
        ("joint:elbow.frictionloss", 0.3, lambda m: m.dof_frictionloss[1]),
        ("geom:floor.friction", 0.3, lambda m: m.geom_friction[0, 0]),
        ("geom:floor.friction[1]", 0.3, lambda m: m.geom_friction[0, 1]),
        ("geom:motor.size[0]", 0.3, lambda m: m.geom_size[2, 0]),
        ("actuator:shoulder.gear", 7.0, lambda m: m.actuator_gear[0, 0]),
        ("actuator:servo.gainprm[0]", 7.0, lambda m: m.actuator_gainprm[1, 0]),
        ("body:lower.pos[0]", 0.5, lambda m: m.body_pos[2, 0]),
        ("body:lower.gravcomp", 0.5, lambda m: m.body_gravcomp[2]),
        ("site:elbow.pos[0]", 0.5, lambda m: m.site_pos[0, 0]),
    ],
)
def test_a_number_of_the_file_is_set_or_scaled(family, target, value, found):
    assert found(model_of(family(p=target), value)) == pytest.approx(value, rel=1e-12)
    before = found(model_of(family(p="body:upper.mass"), 1.0))
    if before:
        scaled = model_of(family(p={"scales": target}), 1.5)
        assert found(scaled) == pytest.approx(1.5 * before, rel=1e-12)


def test_several_targets_have_factors_of_their_own(family):
    servo = {"sets": {"actuator:servo.gainprm[0]": 1.0, "actuator:servo.biasprm[1]": -1.0}}
    model = model_of(family(kp=servo, damping={"scales": "joint:*o*.damping"}), 35.0, 3.0)
    assert (model.actuator_gainprm[1, 0], model.actuator_biasprm[1, 1]) == (35.0, -35.0)
    np.testing.assert_allclose(model.dof_damping, [1.5, 0.75, 0.0])
    all_of_it = model_of(family(friction={"scales": "geom:floor.friction"}), 0.5)
    np.testing.assert_allclose(all_of_it.geom_friction[0], [0.5, 0.0025, 0.00005])


def test_the_mass_of_a_body_is_shared_by_its_geoms_and_its_inertia_follows(family):
    before = model_of(family(p="option.viscosity"), 0.0)
    heavy = model_of(family(m="body:upper.mass"), 9.0)
    assert heavy.body_mass[1] == pytest.approx(9.0, rel=1e-12)
    ratio = 9.0 / before.body_mass[1]
    np.testing.assert_allclose(heavy.body_inertia[1], ratio * before.body_inertia[1], rtol=1e-10)
    np.testing.assert_allclose(heavy.body_ipos[1], before.body_ipos[1], atol=1e-14)
    same_mass = model_of(family(m={"scales": "body:*.mass"}), 2.0)
    np.testing.assert_allclose(same_mass.body_mass, 2 * before.body_mass)


def test_an_inertial_of_its_own_is_scaled_with_the_mass(family):
    model = model_of(family(m="body:weight.mass"), 5.0)
    assert model.body_mass[3] == 5.0
    np.testing.assert_allclose(np.sort(model.body_inertia[3]), [0.25, 0.5, 0.625])


def test_the_mass_of_a_geom_is_set_or_that_of_its_density_scaled(family):
    model = model_of(family(m="geom:forearm.mass", n={"scales": "geom:upper.mass"}), 2.0, 3.0)
    before = model_of(family(p="option.viscosity"), 0.0)
    boxes = 2 * 1000 * 8 * 0.02 * 0.03 * 0.04
    assert model.body_mass[2] == pytest.approx(2.0 + boxes)
    assert model.body_mass[1] - 0.7 == pytest.approx(3.0 * (before.body_mass[1] - 0.7))


def test_a_length_moves_all_that_lies_along_a_link(family):
    model = model_of(family(length="body:upper.length", m="body:upper.mass"), 0.8, 3.0)
    np.testing.assert_allclose(model.geom_pos[1:3], [[0.4, 0, 0], [0.8, 0, 0]], atol=1e-15)
    np.testing.assert_allclose(model.geom_size[1, :2], [0.05, 0.4])
    assert (model.body_pos[2, 0], model.site_pos[0, 0]) == (0.8, 0.8)
    assert model.geom_size[2, 0] == 0.08
    assert model.body_mass[1] == pytest.approx(3.0)  # set after the shape, on which it depends


def test_a_scaled_length_is_a_factor_of_that_in_the_file(family):
    twice = model_of(family(LINK, length={"scales": "body:link.length"}), 2.0)
    two = model_of(family(LINK, length="body:link.length"), 2.0)
    np.testing.assert_array_equal(twice.geom_size, two.geom_size)
    np.testing.assert_array_equal(twice.body_inertia, two.body_inertia)


@pytest.mark.parametrize("kind", ["capsule", "cylinder", "box", "ellipsoid"])
def test_a_geom_of_two_ends_is_the_same_by_position_and_size(kind):
    geom = f'<geom type="{kind}" fromto="0.1 0.2 0.3 0.5 -0.2 0.4" size="0.05"/>'
    text = f"<mujoco><worldbody><body><freejoint/>{geom}</body></worldbody></mujoco>"
    spec = mujoco.MjSpec.from_string(text)
    straight = spec.copy()
    links.straighten(straight.geoms[0])
    one, other = spec.compile(), straight.compile()
    for name in ("geom_pos", "geom_size", "body_inertia", "body_ipos", "geom_quat"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-12)


def test_the_length_of_a_geom_of_two_ends_can_be_set(family):
    model = model_of(family(LINK, half="geom:rod.size[1]", end="geom:rod.pos[2]"), 0.7, -0.7)
    np.testing.assert_allclose(model.geom_size[0], [0.02, 0.7, 0.0])
    np.testing.assert_allclose(model.geom_pos[0], [0.0, 0.0, -0.7])


def test_a_total_mass_of_the_file_is_that_of_its_parts(tmp_path):
    text = ROBOT.replace('angle="radian"', 'angle="radian" settotalmass="30"')
    path = tmp_path / "total.xml"
    path.write_text(text)
    plain = mujoco.MjModel.from_xml_path(str(path))
    ours = read(path).compile()
    np.testing.assert_allclose(ours.body_mass, plain.body_mass, rtol=1e-12)
    np.testing.assert_allclose(ours.body_inertia, plain.body_inertia, rtol=1e-10)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("upper mass", "expected a target such as body:arm.mass"),
        ("bodi:upper.mass", "unknown kind 'bodi'; did you mean 'body'?"),
        ("sensor:x.noise", "unknown kind 'sensor'"),
        ("body:uper.mass", "the file has no body 'uper'; did you mean 'upper'?"),
        ("joint:leg_*.damping", r"no joint 'leg_\*' \(known: shoulder, elbow, slider\)"),
        ("site:tip.pos[0]", r"the file has no site 'tip' \(known: elbow\)"),
        ("tendon:x.width", r"the file has no tendon 'x' \(known: none\)"),
        ("joint:elbow.dampin", "joint 'elbow' has no number 'dampin'; did you mean 'damping'?"),
        ("option.gravity", r"has 3 numbers gravity; say which, from \[0\] on"),
        ("option.gravity[3]", r"has 3 numbers gravity, from \[0\] to \[2\]"),
        ("option.viscosity[0]", r"has one viscosity; leave out \[0\]"),
        ("body:upper.mass[1]", r"has one mass; leave out \[1\]"),
        ("option.timestep", "it is that of `simulation`"),
        ("actuator:servo.ctrlrange[1]", "has no number 'ctrlrange'"),
        ("geom:motor.density", "has a mass in the file, which its density does not change"),
        ("geom:motor.fromto[0]", "has no fromto in the file"),
        ("body:world.mass", "is the world, which has no mass"),
        ("body:lower.length", "has geoms other than capsules, cylinders and spheres"),
        ("body:weight.length", "has an `inertial` of its own"),
    ],
)
def test_a_target_that_means_nothing_is_refused(family, target, message):
    with pytest.raises(SettingError, match=message) as raised:
        family(p=target)
    assert raised.value.key == ("parameters", "p", "sets")


def test_a_length_that_would_tear_a_loop_is_refused(family):
    loop = '<equality><connect body1="lower" body2="weight" anchor="0 0 0.3"/></equality>'
    with pytest.raises(SettingError, match="closes loops by `equality`, which another length"):
        family(ROBOT.replace("<actuator>", f"{loop}<actuator>"), p="body:upper.length")


def test_a_mass_cannot_be_set_where_another_parameter_takes_it_away(family):
    made = family(LINK, density="geom:rod.density", mass="body:link.mass")
    assert model_of(made, 500.0, 2.0).body_mass[1] == pytest.approx(2.0)
    with pytest.raises(
        ValueError, match=r"MuJoCo refuses the model|has no mass that could be scaled"
    ):
        model_of(made, 0.0, 2.0)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({}, "expected what it `sets` or `scales`"),
        ({"sets": {"option.viscosity": 0}}, "expected a factor other than 0"),
        ({"scales": "option.viscosity"}, "what is 0 stays 0"),
        ({"sets": "body:upper.inertia[0]"}, "changes nothing of the model"),
        ({"sets": "geom:lower/0.quat[1]"}, "changes nothing of the model"),
    ],
)
def test_a_parameter_without_effect_is_refused(family, section, message):
    with pytest.raises(SettingError, match=message):
        family(p=section)


def test_two_parameters_set_no_number_twice(family):
    text = r"'joint:elb\*.damping' sets what 'joint:elbow.damping' of a sets, too"
    with pytest.raises(SettingError, match=text):
        family(a="joint:elbow.damping", b="joint:elb*.damping")
    both = family(a="joint:elbow.damping", b={"scales": "joint:elbow.damping"})
    assert model_of(both, 3.0, 2.0).dof_damping[1] == 6.0


def test_something_must_vary(family):
    with pytest.raises(SettingError, match="parameters: missing, expected a section"):
        family()


@pytest.mark.parametrize(
    ("target", "value", "message"),
    [
        ("body:upper.mass", -1.0, "body:upper.mass: expected at least 0, found -1.0"),
        ("body:upper.mass", 0.0, "MuJoCo refuses the model: Error: mass and inertia"),
        ("joint:elbow.damping", -1.0, "expected at least 0"),
        ("joint:elbow.armature", np.nan, "expected at least 0, found nan"),
        ("joint:elbow.frictionloss", -1.0, "expected at least 0"),
        ("geom:motor.size[0]", 0.0, "MuJoCo refuses the model: Error: size 0 must be positive"),
    ],
)
def test_a_value_that_makes_no_model_is_refused(family, target, value, message):
    with pytest.raises(ValueError, match=message):
        model_of(family(p=target), value)


def test_shapes_have_the_inertia_of_a_capsule(family):
    """Against the closed form for a cylinder between two half spheres."""
    text = LINK.replace('size="0.02"', f'size="{RADIUS}"')
    made = family(text, mass="body:link.mass", length="body:link.length")
    for mass, length in ((0.5, 0.5), (2.0, 1.7)):
        model = model_of(made, mass, length)
        assert model.body_inertia[1].max() == pytest.approx(inertia(mass, length), rel=1e-9)
        assert model.body_ipos[1, 2] == pytest.approx(-length / 2)


def test_an_actuated_file_has_all_kinds_of_elements(family):
    spec = family(ACTUATED, p="body:box.mass").spec
    assert names(spec, "sensor") == ["where", "heading", "turning", "pace", "shock"]
    assert names(spec, "key") == ["away"]
