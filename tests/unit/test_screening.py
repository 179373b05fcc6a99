"""What is looked for in tasks before a model learns from them."""

import dataclasses
import re

import numpy as np
import pytest

from pamlflow.screening import (
    cost_of_inference,
    find_outliers,
    remarks,
    require_computable,
    require_variation,
)


@pytest.fixture(scope="module")
def tasks(make_tasks):
    return make_tasks([30, 20, 1, 40])


def changed(tasks, quantity, row, column, value):
    """The tasks with another value in one place, or in several rows."""
    values = getattr(tasks, quantity).copy()
    values[row, column] = value
    return dataclasses.replace(tasks, **{quantity: values})


def rescaled(tasks, factor):
    """The tasks in another unit."""
    return dataclasses.replace(tasks, inputs=factor * tasks.inputs, outputs=factor * tasks.outputs)


@pytest.mark.parametrize("unit", [1e-15, 1.0, 1e9])
@pytest.mark.parametrize(
    ("quantity", "column", "name"), [("inputs", 1, "force"), ("outputs", 0, "first_change")]
)
def test_an_outlier_is_named_by_task_step_and_variable(tasks, unit, quantity, column, name):
    spoilt = rescaled(changed(tasks, quantity, 52, column, 1e6), unit)
    (found,) = find_outliers(spoilt)
    assert (found.task, found.step, found.variable.name) == (3, 1, name)
    assert (found.value, found.others) == (pytest.approx(1e6 * unit), 0)
    values = getattr(spoilt, quantity)[:, column]
    assert found.median == pytest.approx(np.median(values))
    within = np.mean(np.abs(values - found.median) <= found.usual)
    assert within == pytest.approx(0.9, abs=0.02)
    (remark,) = remarks(spoilt, 200)
    assert f"task 3, step 1: {quantity[:-1]} '{name}' is {1e6 * unit:.4g} " in remark


def test_the_worst_of_several_outliers_is_named_and_the_others_counted(tasks):
    spoilt = changed(tasks, "outputs", [3, 33, 60, 61], 1, [5e3, -9e3, 5e3, 5e3])
    (found,) = find_outliers(spoilt)
    assert (found.task, found.step, found.value, found.others) == (1, 3, -9e3, 3)
    assert "and 3 more like it" in str(found)


def test_only_the_tasks_that_were_added_are_remarked_on(tasks):
    spoilt = changed(tasks, "outputs", 5, 0, 1e6)
    assert len(remarks(spoilt, 200)) == 1
    assert remarks(spoilt, 200, first_task=1) == []
    spoilt = changed(spoilt, "outputs", 80, 0, 1e5)
    (found,) = find_outliers(spoilt, first_task=1)
    assert (found.task, found.value, found.others) == (3, 1e5, 0)


def test_ordinary_data_and_rare_contacts_are_no_outliers(tasks):
    assert remarks(tasks, 200) == []
    contact = np.where(np.arange(91) % 30 == 4, 1e4 + np.arange(91), 0.0)
    assert remarks(changed(tasks, "inputs", slice(None), 1, contact), 200) == []
    assert remarks(changed(tasks, "inputs", slice(None), 1, np.arange(91) % 2), 200) == []
    tails = np.random.default_rng(0).standard_t(3, 91)
    assert remarks(changed(tasks, "outputs", slice(None), 1, tails), 200) == []


def test_what_alone_differs_from_a_constant_is_an_outlier(tasks):
    constant = changed(tasks, "inputs", slice(None), 0, 9.81)
    (remark,) = remarks(constant, 200)
    assert remark.startswith("input 'position' is 9.81 m in all transitions")
    assert remarks(constant, 200, first_task=1) == []
    (found,) = find_outliers(changed(constant, "inputs", 90, 0, 1e6))
    assert (found.task, found.step, found.usual) == (3, 39, 0.0)
    rounded = changed(constant, "inputs", 90, 0, 9.81 + 1e-14)
    assert find_outliers(rounded) == []


def test_a_few_transitions_say_nothing_of_each_other(tasks):
    few = tasks.subset([2, 2, 2])
    assert remarks(few, 200) == []
    assert find_outliers(changed(few, "outputs", 1, 0, 1e6)) == []


@pytest.mark.parametrize(
    ("quantity", "row", "value", "message"),
    [
        ("outputs", 31, 1e200, "task 1, step 1: output 'first_change' is 1e+200 m, expected"),
        ("inputs", 50, -1e300, "task 2, step 0: input 'position' is -1e+300 m, expected"),
        ("descriptors", 3, 1e160, "task 3: descriptor 'amplitude' is 1e+160 kg, expected"),
        ("inputs", slice(None), 1e-200, "input 'position': values are of the order of 1.0e-200 m"),
    ],
)
def test_what_cannot_be_squared_is_refused(tasks, quantity, row, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        require_computable(changed(tasks, quantity, row, 0, value))


@pytest.mark.parametrize("factor", [1e-130, 1.0, 1e130])
def test_what_can_be_squared_is_accepted(tasks, factor):
    require_computable(rescaled(tasks, factor))
    require_computable(changed(tasks, "outputs", slice(None), 0, 0.0))
    require_computable(changed(tasks, "outputs", 7, 0, 1e-310))


@pytest.mark.parametrize(
    ("indices", "found"),
    [
        ([2], "1 transition in 1 task that"),
        ([0], "30 transitions in 1 task that"),
        ([0, 1, 2], "51 transitions in 3 tasks that"),
    ],
)
def test_a_robot_that_stood_still_teaches_nothing(tasks, indices, found):
    still = changed(tasks.subset(indices), "outputs", slice(None), slice(None), 7.0)
    with pytest.raises(ValueError, match=f"found {found} are all alike, .*; record longer tasks"):
        require_variation(still)
    require_variation(changed(tasks, "outputs", slice(None), 0, 7.0))


def test_a_long_fit_is_announced_with_its_cost_and_a_remedy(make_tasks):
    assert remarks(make_tasks([500] * 10), 200) == []
    assert remarks(make_tasks([17_000]), 200) == []
    (remark,) = remarks(make_tasks([20_000]), 200)
    assert remark.startswith(
        "20000 transitions and 200 inducing points: an iteration takes about 0.8 s"
    )
    assert "keep every n-th transition of long tasks (task 0 has 20000)" in remark
    unequal = make_tasks([100] * 4 + [20_000])
    for first_task in (0, 4):
        (remark,) = remarks(unequal, 200, first_task)
        assert remark.startswith("100000 transitions (20400 recorded; all tasks are filled up to")
        assert "task 4 has 20000" in remark
    assert remarks(unequal, 20) == []


def test_a_long_inference_is_announced_with_a_remedy():
    assert cost_of_inference(17_000, 200) is None
    assert "20000 transitions with 200 inducing points" in cost_of_inference(20_000, 200)
