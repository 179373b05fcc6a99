"""Views of tasks, and tasks observed through them."""

import dataclasses

import numpy as np
import pytest

from pamlflow.descriptors import (
    DescriptorView,
    FullDescriptors,
    make_descriptor_view,
    observe_tasks,
)
from pamlflow.domains.cart_pole import CartPole
from pamlflow.spaces import Box
from pamlflow.tasks import Variable

DOMAIN = CartPole(steps=12)
SPACE = Box(DOMAIN.parameter_variables, np.array([0.5, 0.5]), np.array([5.0, 2.0]))


@dataclasses.dataclass(frozen=True)
class LengthOnly:
    """Descriptor = length; the mass is drawn anew each time."""

    parameter_space: Box

    @property
    def space(self):
        return Box((Variable("pole_length", "m"),), np.array([0.5]), np.array([2.0]))

    def parameters(self, descriptors, rng):
        masses = rng.uniform(0.5, 5.0, size=len(descriptors))
        return np.column_stack([masses, descriptors])

    def describe(self, parameters, rng):
        return parameters[:, 1:]


def test_full_descriptors_are_the_parameters():
    view, rng = make_descriptor_view("full", SPACE), np.random.default_rng(0)
    points = SPACE.sample(5, rng)
    assert isinstance(view, DescriptorView)
    assert view.space is SPACE
    np.testing.assert_array_equal(view.parameters(points, rng), points)
    np.testing.assert_array_equal(view.describe(points, rng), points)


def test_unknown_view_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="unknown descriptor view 'ful': did you mean 'full'"):
        make_descriptor_view("ful", SPACE)


def test_observed_tasks_share_the_excitation_and_keep_their_order():
    rng = np.random.default_rng(0)
    excitation = DOMAIN.draw_excitation(rng)
    descriptors = SPACE.sample(3, rng)
    tasks = observe_tasks(DOMAIN, FullDescriptors(SPACE), descriptors, excitation, rng)
    np.testing.assert_array_equal(tasks.descriptors, descriptors)
    np.testing.assert_array_equal(tasks.parameters, descriptors)
    np.testing.assert_array_equal(tasks.lengths, [12, 12, 12])
    inputs, outputs, mask = tasks.padded()
    assert mask.all()
    for i, task in enumerate(descriptors):
        expected = DOMAIN.transitions(DOMAIN.simulate(task, excitation), excitation.controls)
        np.testing.assert_array_equal(inputs[i], expected[0])
        np.testing.assert_array_equal(outputs[i], expected[1])


def test_view_may_show_less_than_the_parameters():
    rng = np.random.default_rng(0)
    view = LengthOnly(SPACE)
    assert isinstance(view, DescriptorView)
    descriptors = view.space.sample(4, rng)
    tasks = observe_tasks(DOMAIN, view, descriptors, DOMAIN.draw_excitation(rng), rng)
    np.testing.assert_array_equal(tasks.descriptors, tasks.parameters[:, 1:])
    assert tasks.descriptor_variables == (Variable("pole_length", "m"),)
    assert tasks.parameter_variables == DOMAIN.parameter_variables


def test_not_finite_state_is_refused_by_task_and_step(monkeypatch):
    def broken(self, parameters, excitation):
        states = np.zeros((13, 4))
        states[8, 2] = np.nan if parameters[0] > 3 else 0.0
        return states

    monkeypatch.setattr(CartPole, "simulate", broken)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="task 1, step 8: input 'cos_angle' is nan"):
        observe_tasks(
            DOMAIN,
            FullDescriptors(SPACE),
            np.array([[1.0, 1.0], [4.0, 1.0]]),
            DOMAIN.draw_excitation(rng),
            rng,
        )
