"""Units as logs write them."""

import pytest

from pamlflow.domains.frames.units import same_unit, unit_in, without_unit


@pytest.mark.parametrize(
    ("label", "name", "unit"),
    [
        ("angle [deg]", "angle", "deg"),
        ("angle_[deg]", "angle", "deg"),
        ("torque (N m)", "torque", "N m"),
        ("angle", "angle", None),
        ("state[3]", "state[3]", None),
        ("rate []", "rate []", None),
    ],
)
def test_a_label_may_have_a_unit(label, name, unit):
    assert (without_unit(label), unit_in(label)) == (name, unit)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("N m", "N*m", True),
        ("N·m", "Nm", True),
        ("m/s^2", "m/s²", True),
        ("m/s**2", "m/s2", True),
        ("degrees", "°", True),
        ("degrees/s", "deg/sec", True),
        ("[rad]", "radians", True),
        ("rad", "deg", False),
        ("m", "mm", False),
        ("rad/s", "rad", False),
    ],
)
def test_a_unit_may_be_spelt_in_several_ways(one, other, same):
    assert same_unit(one, other) is same
