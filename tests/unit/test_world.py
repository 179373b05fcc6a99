"""Tasks as an experiment asks for them and its domain runs them."""

import logging

import numpy as np
import pytest

from pamlflow.domains.base import SimulationError
from pamlflow.domains.cart_pole import CartPole
from pamlflow.tasks import Variable
from pamlflow.world import MAX_REPLACEMENTS, World

EXPERIMENT = {
    "domain": "cart_pole",
    "simulation": {"steps": 12},
    "space": {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]},
}


def world_of(**settings):
    return World.from_config({**EXPERIMENT, **settings})


def excitation(world):
    return world.domain.draw_excitation(np.random.default_rng(1))


@pytest.fixture
def fails_when_heavy(monkeypatch):
    """Cart-poles heavier than 3 kg cannot be simulated."""
    simulate = CartPole.simulate

    def broken(self, parameters, excitation):
        if parameters[0] > 3.0:
            raise SimulationError(f"cart_pole with pole_mass = {parameters[0]} kg blew up")
        return simulate(self, parameters, excitation)

    monkeypatch.setattr(CartPole, "simulate", broken)


def test_observed_tasks_share_the_excitation_and_keep_their_order():
    world, rng = world_of(), np.random.default_rng(0)
    descriptors = world.view.space.sample(3, rng)
    shared = excitation(world)
    tasks = world.observe(descriptors, shared, rng)
    np.testing.assert_array_equal(tasks.descriptors, descriptors)
    np.testing.assert_array_equal(tasks.parameters, descriptors)
    np.testing.assert_array_equal(tasks.lengths, [12, 12, 12])
    inputs, outputs, mask = tasks.padded()
    assert mask.all()
    for i, task in enumerate(descriptors):
        states = world.domain.simulate(task, shared)
        expected = world.domain.transitions(states, shared.controls)
        np.testing.assert_array_equal(inputs[i], expected[0])
        np.testing.assert_array_equal(outputs[i], expected[1])


def test_hidden_parameters_are_kept_as_the_truth_and_not_shown():
    world, rng = world_of(descriptors={"hidden": ["pole_mass"]}), np.random.default_rng(0)
    tasks = world.observe(np.array([[1.0], [1.0]]), excitation(world), rng)
    assert tasks.descriptor_variables == (Variable("pole_length", "m"),)
    assert tasks.parameter_variables == CartPole.parameter_variables
    np.testing.assert_array_equal(tasks.parameters[:, 1:], tasks.descriptors)
    assert tasks.parameters[0, 0] != tasks.parameters[1, 0]
    assert not np.array_equal(tasks.subset([0]).outputs, tasks.subset([1]).outputs)


def test_superfluous_dimension_has_no_effect():
    world = world_of(descriptors={"superfluous": {"epsilon": [0.5, 5.0]}})
    descriptors = np.array([[1.0, 1.0, 0.5], [1.0, 1.0, 5.0]])
    tasks = world.observe(descriptors, excitation(world), np.random.default_rng(0))
    np.testing.assert_array_equal(tasks.subset([0]).outputs, tasks.subset([1]).outputs)
    np.testing.assert_array_equal(tasks.descriptors, descriptors)


PICTURED = {
    "fixed": {"pole_mass": 1.0},
    "space": {"pole_length": [0.5, 4.5]},
    "descriptors": {"pictures": {"size": 8}},
}


def test_fixed_parameters_are_no_part_of_a_task():
    world = world_of(fixed={"pole_mass": 2.0}, space={"pole_length": [0.5, 2.0]})
    tasks = world.observe(np.array([[1.0]]), excitation(world), np.random.default_rng(0))
    assert tasks.parameter_variables == (Variable("pole_length", "m"),)
    whole = world_of()
    expected = whole.run(np.array([[2.0, 1.0]]), np.array([[2.0, 1.0]]), excitation(whole))
    np.testing.assert_array_equal(tasks.outputs, expected.outputs)


def test_a_fixed_parameter_has_no_range():
    with pytest.raises(ValueError, match=r"expected bounds of \['pole_length'\]"):
        world_of(fixed={"pole_mass": 2.0})


def test_tasks_are_run_and_seen_as_pictures():
    world = world_of(**PICTURED)
    lengths = np.array([[1.0], [3.0]])
    pictures = world.view.describe(lengths, np.random.default_rng(0))
    tasks = world.run(lengths, pictures, excitation(world))
    np.testing.assert_array_equal(tasks.descriptors, pictures)
    assert [variable.name for variable in tasks.descriptor_variables] == ["brightness"]


def test_a_world_of_pictures_has_no_box_to_choose_from():
    with pytest.raises(ValueError, match="give the experiment a `pool`"):
        _ = world_of(**PICTURED).space


def test_failed_task_stops_with_its_parameters(fails_when_heavy):
    world = world_of()
    with pytest.raises(SimulationError, match=r"pole_mass = 4\.0 kg"):
        world.observe(
            np.array([[1.0, 1.0], [4.0, 1.0]]), excitation(world), np.random.default_rng(0)
        )


def test_failed_task_is_replaced_and_reported_if_the_config_says_so(fails_when_heavy, caplog):
    world = world_of(failed_tasks="replace")
    asked = np.array([[1.0, 1.0], [4.0, 1.0], [2.0, 0.5]])
    with caplog.at_level(logging.WARNING):
        tasks = world.observe(asked, excitation(world), np.random.default_rng(0))
    assert "pole_mass = 4.0 kg blew up; a task drawn uniformly takes its place" in caplog.text
    np.testing.assert_array_equal(tasks.descriptors[[0, 2]], asked[[0, 2]])
    assert tasks.descriptors[1, 0] <= 3.0
    np.testing.assert_array_equal(tasks.parameters, tasks.descriptors)
    expected = world.run(tasks.parameters[1:2], tasks.descriptors[1:2], excitation(world))
    np.testing.assert_array_equal(tasks.subset([1]).outputs, expected.outputs)


def test_world_in_which_nothing_runs_is_given_up(monkeypatch, caplog):
    def broken(self, parameters, excitation):
        raise SimulationError("blew up")

    monkeypatch.setattr(CartPole, "simulate", broken)
    world = world_of(failed_tasks="replace")
    with pytest.raises(SimulationError):
        world.observe(np.array([[1.0, 1.0]]), excitation(world), np.random.default_rng(0))
    assert caplog.text.count("takes its place") == MAX_REPLACEMENTS


def test_a_task_that_is_not_finite_is_one_that_failed(monkeypatch, caplog):
    def broken(self, parameters, excitation):
        states = np.zeros((13, 4))
        states[8, 2] = np.nan if parameters[0] > 3 else 0.0
        return states

    monkeypatch.setattr(CartPole, "simulate", broken)
    world, asked = world_of(), np.array([[1.0, 1.0], [4.0, 1.0]])
    message = r"pole_mass = 4\.0 kg, pole_length = 1\.0 m is not finite in step 7; change `space`"
    with pytest.raises(SimulationError, match=message):
        world.run(asked, asked, excitation(world))
    with pytest.raises(SimulationError, match=message):
        world.observe(asked, excitation(world), np.random.default_rng(0))
    tolerant = world_of(failed_tasks="replace")
    tasks = tolerant.observe(asked, excitation(world), np.random.default_rng(0))
    assert tasks.num_tasks == 2 and tasks.parameters[1, 0] <= 3.0
    assert "is not finite in step 7" in caplog.text


def test_a_domain_cannot_change_the_truth(monkeypatch):
    def halves(self, parameters, excitation):
        parameters /= 2.0

    monkeypatch.setattr(CartPole, "simulate", halves)
    world, asked = world_of(), np.array([[1.0, 1.0]])
    with pytest.raises(ValueError, match="read-only"):
        world.run(asked, asked, excitation(world))


@pytest.mark.parametrize(
    ("inputs", "outputs", "found"),
    [
        (np.ones((12, 6)), np.ones((11, 4)), r"\(12, 6\) and \(11, 4\)"),
        (np.ones((12, 6)), np.ones(12), r"\(12, 6\) and \(12,\)"),
        (np.ones((12, 3)), np.ones((12, 4)), r"\(12, 3\) and \(12, 4\)"),
    ],
)
def test_transitions_of_a_wrong_shape_are_refused(monkeypatch, inputs, outputs, found):
    monkeypatch.setattr(CartPole, "transitions", lambda self, states, controls: (inputs, outputs))
    world, asked = world_of(), np.array([[1.0, 1.0]])
    message = rf"`transitions`: expected inputs \[K, 6\] and outputs \[K, 4\].* shapes {found}"
    with pytest.raises(ValueError, match=message):
        world.run(asked, asked, excitation(world))
