"""Tasks as an experiment asks for them and its domain runs them."""

import logging

import numpy as np
import pandas as pd
import pytest
from own_domain import Decay

from pamlflow.descriptors import VectorDescriptors
from pamlflow.domains.base import (
    EndedEarly,
    Excitation,
    NotFinite,
    SimulationError,
    Transitions,
)
from pamlflow.domains.cart_pole import CartPole
from pamlflow.spaces import Box
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
    descriptors = world.descriptors.space.sample(3, rng)
    shared = excitation(world)
    tasks = world.observe(descriptors, shared, rng)
    np.testing.assert_array_equal(tasks.descriptors, descriptors)
    np.testing.assert_array_equal(tasks.parameters, descriptors)
    np.testing.assert_array_equal(tasks.lengths, [12, 12, 12])
    inputs, outputs, mask = tasks.padded()
    assert mask.all()
    for i, task in enumerate(descriptors):
        expected = world.domain.run(task, shared)
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
    pictures = world.descriptors.describe(lengths, np.random.default_rng(0))
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
    with pytest.raises(SimulationError, match="read-only"):
        world.run(asked, asked, excitation(world))


@pytest.mark.parametrize(
    ("inputs", "outputs", "found"),
    [
        (np.ones((12, 6)), np.ones((11, 4)), r"\(12, 6\) and \(11, 4\)"),
        (np.ones((12, 6)), np.ones(12), r"\(12, 6\) and \(12,\)"),
        (np.ones((12, 3)), np.ones((12, 4)), r"\(12, 3\) and \(12, 4\)"),
        (np.ones((13, 6)), np.ones((13, 4)), r"\(13, 6\) and \(13, 4\)"),
    ],
)
def test_transitions_of_a_wrong_shape_are_refused(monkeypatch, inputs, outputs, found):
    monkeypatch.setattr(CartPole, "run", lambda self, *task: Transitions(inputs, outputs))
    world, asked = world_of(), np.array([[1.0, 1.0]])
    message = rf"`run`: expected inputs \[K, 6\] and outputs \[K, 4\].* shapes {found}"
    with pytest.raises(ValueError, match=message):
        world.run(asked, asked, excitation(world))


def world_with(domain, **settings):
    """The world of a domain of one's own, of rates from 0 to 1."""
    return World(
        domain, VectorDescriptors(Box(domain.parameter_variables, [0.0], [1.0])), **settings
    )


RATES = np.array([[0.1], [0.5], [0.9]])


class OwnBuffers(Decay):
    """Returns the same arrays each time, and draws into the same picture."""

    def __init__(self):
        super().__init__()
        self.controls, self.start = np.zeros((5, 1)), np.zeros(1)
        self.states, self.inputs, self.outputs = (
            np.zeros((6, 1)),
            np.zeros((5, 2)),
            np.zeros((5, 1)),
        )

    def draw_excitation(self, rng):
        self.controls[:], self.start[:] = rng.standard_normal((5, 1)), rng.standard_normal(1)
        return Excitation(self.controls, self.start)

    def simulate(self, parameters, excitation):
        self.states[:] = super().simulate(parameters, excitation)
        return self.states

    def run(self, parameters, excitation):
        self.inputs[:], self.outputs[:] = super().run(parameters, excitation)
        return Transitions(self.inputs, self.outputs)


@pytest.mark.parametrize("settings", [{}, {"excitation": "per_task", "runs": 2}])
def test_a_domain_may_use_its_arrays_again(settings):
    tasks = []
    for domain in (Decay(), OwnBuffers()):
        world, rng = world_with(domain, **settings), np.random.default_rng(0)
        tasks.append(world.observe(RATES, world.draw_excitations(3, rng), rng))
    np.testing.assert_array_equal(tasks[1].inputs, tasks[0].inputs)
    np.testing.assert_array_equal(tasks[1].outputs, tasks[0].outputs)
    first, last = tasks[1].subset([0]), tasks[1].subset([2])
    assert not np.array_equal(first.outputs, last.outputs)


def test_a_domain_may_return_a_data_frame_with_its_columns_in_any_order():
    class Frames(Decay):
        def run(self, parameters, excitation):
            inputs, outputs = super().run(parameters, excitation)
            return Transitions(pd.DataFrame(inputs[:, ::-1], columns=["force", "level"]), outputs)

    worlds = [world_with(domain) for domain in (Decay(), Frames())]
    plain, framed = (world.run(RATES, RATES, excitation(world)) for world in worlds)
    np.testing.assert_array_equal(framed.inputs, plain.inputs)


class Fails(Decay):
    """Cannot run rates above 0.8, and says so in a way of its own."""

    def __init__(self, how):
        super().__init__()
        self.how = how

    def simulate(self, parameters, excitation):
        if parameters[0] > 0.8:
            return self.how(super().simulate(parameters, excitation))
        return super().simulate(parameters, excitation)


def undefined(states):
    return nothing_of_this_name  # noqa: F821


def lines(states):
    raise RuntimeError("first line\nsecond line")


def unstable(states):
    raise SimulationError("unstable")


FAILURES = [
    (lambda states: 1 / 0, r"test_world\.py, line \d+: ZeroDivisionError: division by zero"),
    (undefined, r"test_world\.py, line \d+: NameError: name 'nothing_of_this_name'"),
    (lines, r"test_world\.py, line \d+: RuntimeError: first line second line"),
    (lambda states: np.linalg.inv(states), r"test_world\.py, line \d+: LinAlgError: "),
    (unstable, "the task with rate = 0.9 1/s: unstable$"),
    (lambda states: states[:4], "controls: expected 3 rows, .* 4 states, found 5; leave out those"),
    (lambda states: states[:1], "states: expected at least two, .* found 1"),
    (lambda states: states + 1j, "rate = 0.9 1/s: .*found complex numbers"),
    (lambda states: None, "rate = 0.9 1/s: .* found objects such as None"),
    (lambda states: states.T, r"states: .* found \[1, 6\]; .* \(transposed\)"),
    (lambda states: states[0, 0], r"rate = 0\.9 1/s: .*ValueError: states: "),
    (lambda states: np.full_like(states, np.nan), "is not finite in step 0"),
]


@pytest.mark.parametrize(("how", "message"), FAILURES)
def test_whatever_fails_is_a_task_that_failed(how, message, caplog):
    world, rng = world_with(Fails(how)), np.random.default_rng(0)
    with pytest.raises(SimulationError, match=message) as failed:
        world.observe(RATES, world.draw_excitations(3, rng), rng)
    assert "rate = 0.9 1/s" in str(failed.value) and "\n" not in str(failed.value)
    tolerant = world_with(Fails(how), failed_tasks="replace")
    tasks = tolerant.observe(RATES, tolerant.draw_excitations(3, rng), rng)
    assert tasks.num_tasks == 3 and tasks.parameters[2, 0] <= 0.8
    assert "rate = 0.9 1/s" in caplog.text


class OwnError(EndedEarly):
    """Of a user, and made with more than a message."""

    def __init__(self, text, step):
        super().__init__(text)
        self.step = step


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (EndedEarly("over"), EndedEarly),
        (NotFinite("wide"), NotFinite),
        (SimulationError("odd"), SimulationError),
        (OwnError("over", 3), EndedEarly),
    ],
)
def test_a_failure_keeps_its_kind(error, kind):
    def fails(states):
        raise error

    with pytest.raises(SimulationError) as failed:
        world_with(Fails(fails)).run(RATES[2:], RATES[2:], Excitation(np.ones((3, 1)), [1.0]))
    assert type(failed.value) is kind and failed.value.args == (
        f"the task with rate = 0.9 1/s: {error}",
    )


def test_the_error_of_a_domain_is_kept_for_the_log():
    world = world_with(Fails(lambda states: 1 / 0))
    with pytest.raises(SimulationError) as failed:
        world.run(RATES, RATES, excitation(world))
    assert isinstance(failed.value.__cause__, ZeroDivisionError)


def test_transitions_that_end_early_are_a_task_that_failed():
    class Short(Decay):
        def run(self, parameters, excitation):
            inputs, outputs = super().run(parameters, excitation)
            return Transitions(inputs[:2], outputs[:2])

    world = world_with(Short())
    with pytest.raises(SimulationError, match=r"rate = 0\.1 1/s ended after 2 of 5 steps"):
        world.run(RATES, RATES, excitation(world))


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (lambda rng: 1 / 0, r"`draw_excitation`: .*test_world\.py, line \d+: ZeroDivisionError"),
        (
            lambda rng: np.zeros(3),
            "`draw_excitation`: expected a pamlflow.*Excitation, found array",
        ),
        (lambda rng: Excitation([1.0], [0.0]), r"`draw_excitation`: .* found \[1\]"),
    ],
)
def test_what_is_no_excitation_is_refused(drawn, message):
    domain = Decay()
    domain.draw_excitation = drawn
    with pytest.raises(ValueError, match=message):
        world_with(domain).draw_excitations(1, np.random.default_rng(0))


def test_by_default_all_tasks_share_one_excitation():
    world = world_with(Decay())
    drawn = world.draw_excitations(3, np.random.default_rng(0))
    assert [len(runs) for runs in drawn] == [1, 1, 1] and drawn[0][0] is drawn[2][0]
    expected = Decay().draw_excitation(np.random.default_rng(0))
    np.testing.assert_array_equal(drawn[0][0].controls, expected.controls)


@pytest.mark.parametrize(("excitation", "different"), [("shared", 2), ("per_task", 6)])
def test_each_run_of_a_task_has_its_excitation_and_follows_the_one_before(excitation, different):
    world, rng = world_with(Decay(), excitation=excitation, runs=2), np.random.default_rng(0)
    drawn = world.draw_excitations(3, rng)
    assert len({id(run) for runs in drawn for run in runs}) == different
    tasks = world.observe(RATES, drawn, rng)
    np.testing.assert_array_equal(tasks.lengths, [10, 10, 10])
    for task, runs in enumerate(drawn):
        controls = np.concatenate([run.controls for run in runs])
        found = tasks.subset([task])
        np.testing.assert_array_equal(found.inputs[:, 1:], controls)
        for number, run in enumerate(runs):
            assert found.inputs[5 * number, 0] == run.initial_state[0]
        expected = -RATES[task] * found.inputs[:, :1] + controls
        np.testing.assert_allclose(found.outputs, expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"excitation": "own"}, 'excitation: expected "shared" or "per_task", found \'own\''),
        ({"runs": 0}, "runs: expected at least 1, found 0"),
    ],
)
def test_how_tasks_are_run_is_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        world_with(Decay(), **settings)


def test_a_domain_is_not_made_with_how_tasks_are_run():
    simulation = {"steps": 4, "excitation": "per_task", "runs": 3}
    space = {"rate": [0.0, 1.0]}
    settings = {"domain": "own_domain:Decay", "space": space, "simulation": simulation}
    world = World.from_config(settings)
    assert (world.domain.steps, world.excitation, world.runs) == (4, "per_task", 3)
