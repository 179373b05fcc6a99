"""Test protocols: what their names mean, and which transitions they score."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.protocols import ScoringProtocol, held_out_from, parse_protocol


@pytest.mark.parametrize(
    ("name", "context", "descriptor", "held_out", "objective"),
    [
        ("paper", None, False, False, "elbo"),
        ("full", None, False, False, None),
        ("prior", 0, False, True, None),
        ("few_shot_0", 0, True, True, None),
        ("few_shot_20", 20, False, True, None),
        ("few_shot_20_descriptor", 20, True, True, None),
    ],
)
def test_names(name, context, descriptor, held_out, objective):
    expected = ScoringProtocol(name, context, descriptor, held_out, objective)
    assert parse_protocol(name) == expected


@given(st.integers(1, 10_000))
def test_any_number_of_transitions(number):
    assert parse_protocol(f"few_shot_{number}").context == number
    assert not parse_protocol(f"few_shot_{number}").descriptor


@pytest.mark.parametrize(
    "name",
    ["", "few_shot", "few_shot_", "few_shot_-1", "few_shot_2.5", "few_shot_5_image", "Paper"],
)
def test_unknown_names_are_answered_with_the_known_ones(name):
    with pytest.raises(ValueError, match=rf"unknown test protocol '{name}'.*paper.*few_shot_<k>"):
        parse_protocol(name)


@pytest.mark.parametrize(
    ("steps", "first"), [(100, 50), (99, 49), (30, 15), (3, 1), (2, 1), (1, 0)]
)
def test_half_of_the_steps_is_held_out(steps, first):
    assert held_out_from(steps) == first


@given(st.integers(1, 10_000))
def test_something_is_held_out_and_half_of_the_steps_may_be_shown(steps):
    """The configuration allows contexts of up to half of the steps."""
    assert steps // 2 <= held_out_from(steps) < steps
