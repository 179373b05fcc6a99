"""Tasks that were recorded, and that none can be run again."""

import dataclasses

import numpy as np
import pytest
from own_records import Decays

from pamlflow.domains import make_domain
from pamlflow.domains.base import RecordedDomain
from pamlflow.domains.records import Records, drawn
from pamlflow.spaces import Box
from pamlflow.world import World

TASKS = Decays().tasks
SPACE = {"rate": [0.0, 1.0], "gain": [1.0, 2.0]}


def with_descriptors(descriptors):
    return dataclasses.replace(TASKS, descriptors=descriptors)


def test_a_class_with_tasks_is_made_with_its_options_alone():
    assert isinstance(Decays(), RecordedDomain)
    records = make_domain("own_records:Decays", {"number": 12}, steps=100)
    assert isinstance(records, Records) and records.tasks.num_tasks == 12
    assert records.parameter_variables == TASKS.descriptor_variables


def test_each_task_is_found_by_what_is_known_of_it():
    records = Records(TASKS)
    for row in (0, 7, 15):
        expected = TASKS.subset([row])
        found = records.record(TASKS.descriptors[row])
        np.testing.assert_array_equal(found.inputs, expected.inputs)
        np.testing.assert_array_equal(found.outputs, expected.outputs)
    with pytest.raises(ValueError, match=r"no task with rate = 0\.0 1/s, gain = 0\.0 m/N was rec"):
        records.record(np.zeros(2))


def test_tasks_that_are_alike_are_refused():
    twice = TASKS.descriptors.copy()
    twice[3] = twice[8]
    with pytest.raises(ValueError, match=r"tasks: 2 of them have rate = .*; put what was recorded"):
        Records(with_descriptors(twice))


def test_pictures_are_refused():
    pictures = np.linspace(0.0, 1.0, 16)[:, None, None, None] * np.ones((1, 8, 8, 2))
    with pytest.raises(ValueError, match="expected descriptors that are numbers, found pictures"):
        Records(with_descriptors(pictures))


def test_the_others_are_all_but_some():
    records = Records(TASKS)
    others = records.others(TASKS.descriptors[[2, 9]])
    np.testing.assert_array_equal(others, np.delete(TASKS.descriptors, [2, 9], axis=0))


def test_drawn_rows_are_different_and_in_order():
    rows = drawn(np.arange(9.0)[:, None], 6, np.random.default_rng(0))[:, 0]
    assert len(rows) == 6 and (np.diff(rows) > 0).all()
    with pytest.raises(ValueError, match="expected at least 10 recorded tasks, found 9"):
        drawn(np.arange(9.0)[:, None], 10, np.random.default_rng(0))


def test_all_tasks_must_lie_in_the_space():
    records = Records(TASKS)
    records.require_within(Box.from_config(SPACE, records.parameter_variables))
    with pytest.raises(ValueError, match=r"space: a recorded task has rate = .* outside; widen"):
        records.require_within(
            Box.from_config(SPACE | {"rate": [0.0, 0.5]}, records.parameter_variables)
        )


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (lambda self: 1 / 0, r"`tasks`: .*test_records\.py, line \d+: ZeroDivisionError"),
        (lambda self: [1, 2], r"`tasks`: expected a pamlflow\.tasks\.TaskSet, found"),
        (lambda self: with_descriptors(np.ones((16, 2))), "tasks: 16 of them have rate = 1.0"),
    ],
)
def test_what_are_no_tasks_is_told(monkeypatch, tasks, message):
    monkeypatch.setattr(Decays, "tasks", property(tasks))
    with pytest.raises(ValueError, match=f"domain 'own_records:Decays': {message}"):
        make_domain("own_records:Decays")


def world_of(**settings):
    return World.from_config({"domain": "own_records:Decays", "space": SPACE, **settings})


def test_running_a_task_is_taking_its_record():
    world, rng = world_of(descriptors={"hidden": ["gain"]}), np.random.default_rng(0)
    parameters = TASKS.descriptors[[4, 1]]
    tasks = world.run(
        parameters, world.descriptors.describe(parameters, rng), world.draw_excitations(2, rng)
    )
    expected = TASKS.subset([4, 1])
    np.testing.assert_array_equal(tasks.inputs, expected.inputs)
    np.testing.assert_array_equal(tasks.lengths, expected.lengths)
    np.testing.assert_array_equal(tasks.parameters, parameters)
    np.testing.assert_array_equal(tasks.descriptors, parameters[:, :1])


def test_nothing_of_a_recorded_task_can_be_fixed():
    with pytest.raises(ValueError, match="fixed: recorded tasks are as they are"):
        world_of(fixed={"gain": 1.0}, space={"rate": [0.0, 1.0]})
