"""Domains with parameters that are the same for all tasks."""

import numpy as np
import pytest

from pamlflow.domains import make_domain
from pamlflow.domains.base import PicturedDomain, TaskDomain
from pamlflow.domains.cart_pole import CartPole
from pamlflow.domains.fixed import fix_parameters
from pamlflow.tasks import Variable


class NoPictures:
    """A task domain that cannot show its tasks."""

    def __init__(self, domain):
        for name in ("parameter_variables", "input_variables", "output_variables"):
            setattr(self, name, getattr(domain, name))
        for name in ("draw_excitation", "run"):
            setattr(self, name, getattr(domain, name))


@pytest.mark.parametrize(
    ("fixed", "left"), [("pole_mass", "pole_length"), ("pole_length", "pole_mass")]
)
def test_what_is_left_varies_and_the_rest_is_fixed(fixed, left):
    whole = make_domain("cart_pole", steps=10)
    domain = fix_parameters(whole, {fixed: 2.0})
    assert [variable.name for variable in domain.parameter_variables] == [left]
    task = np.array([2.0, 0.7] if fixed == "pole_mass" else [0.7, 2.0])
    ours, theirs = (it.draw_excitation(np.random.default_rng(1)) for it in (domain, whole))
    np.testing.assert_array_equal(ours.controls, theirs.controls)
    pairs = zip(domain.run(np.array([0.7]), ours), whole.run(task, ours), strict=True)
    for mine, its in pairs:
        np.testing.assert_array_equal(mine, its)
    seen = domain.picture(np.array([0.7]), 16, 6.0, "rays")
    np.testing.assert_array_equal(seen, whole.picture(task, 16, 6.0, "rays"))
    assert domain.input_variables == whole.input_variables
    assert domain.output_variables == whole.output_variables


def test_it_can_show_its_tasks_if_the_domain_can():
    pictured = fix_parameters(CartPole(), {"pole_mass": 1.0})
    plain = fix_parameters(NoPictures(CartPole()), {"pole_mass": 1.0})
    assert isinstance(pictured, PicturedDomain) and not isinstance(plain, PicturedDomain)
    assert isinstance(plain, TaskDomain)
    assert plain.parameter_variables == (Variable("pole_length", "m"),)


def test_nothing_fixed_is_the_domain_itself():
    domain = CartPole()
    assert fix_parameters(domain, {}) is domain


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"mass": 1.0}, "fixed: 'mass' is no parameter; expected some of"),
        ({"pole_mass": 1.0, "pole_length": 1.0}, "at least one of .* must vary, found all fixed"),
    ],
)
def test_impossible_names_are_refused(fixed, message):
    with pytest.raises(ValueError, match=message):
        fix_parameters(CartPole(), fixed)
