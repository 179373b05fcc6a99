"""What is known of a task that is scored, and what is scored of it."""

import dataclasses

import numpy as np
import pytest

from pamlflow.models.interface import TaskArrays
from pamlflow.protocols import parse_protocol
from pamlflow.scoring import ShuffledTasks, evaluate, evaluate_mean, infer_by_protocol

LENGTHS = [30, 12, 30, 7]


@pytest.fixture(scope="module")
def tasks(make_tasks):
    return make_tasks(LENGTHS, seed=1)


@pytest.fixture(scope="module")
def steps():
    rng = np.random.default_rng(0)
    return [rng.permutation(length) for length in LENGTHS]


@pytest.fixture(scope="module")
def shuffled(tasks, steps):
    return ShuffledTasks(tasks, np.concatenate(steps))


def test_tasks_are_shuffled_each_in_its_own_order(tasks, steps, shuffled):
    for i, order in enumerate(steps):
        task, length = tasks.subset([i]), LENGTHS[i]
        np.testing.assert_array_equal(shuffled.inputs[i, :length], task.inputs[order])
        np.testing.assert_array_equal(shuffled.outputs[i, :length], task.outputs[order])
        assert shuffled.mask[i].sum() == length
        assert np.all(shuffled.inputs[i, length:] == 0.0)


@pytest.mark.parametrize("size", [1, 3])
def test_context_and_query_do_not_meet(shuffled, size):
    context, query = shuffled.context(size), shuffled.query(held_out=True)
    np.testing.assert_array_equal(context.sum(axis=1), np.full(4, size))
    np.testing.assert_array_equal(query.sum(axis=1), [15, 6, 15, round(0.5 * 7)])
    assert np.all(context * query == 0.0)
    assert np.all(query <= shuffled.mask)


def test_paper_and_full_see_and_score_everything(shuffled):
    np.testing.assert_array_equal(shuffled.context(None).sum(axis=1), LENGTHS)
    np.testing.assert_array_equal(shuffled.query(held_out=False).sum(axis=1), LENGTHS)


def test_context_of_a_short_task_stops_where_its_query_starts(shuffled):
    assert np.all(shuffled.context(15) * shuffled.query(held_out=True) == 0.0)


def test_tasks_of_one_transition_are_scored_with_nothing_known(trained, make_tasks):
    """That one is held out."""
    single = ShuffledTasks(make_tasks([1, 1]), np.zeros(2, dtype=np.int64))
    few, nothing = (
        evaluate(trained, single, parse_protocol(name), "predictive")
        for name in ("few_shot_5", "prior")
    )
    np.testing.assert_array_equal(few.nll, nothing.nll)
    both = infer_by_protocol(trained, single, parse_protocol("few_shot_5_descriptor"), "predictive")
    descriptor = infer_by_protocol(trained, single, parse_protocol("few_shot_0"), "predictive")
    np.testing.assert_array_equal(both.mean, descriptor.mean)


def test_units_are_those_of_the_tasks_or_as_given(tasks, steps, trained):
    order, protocol = np.concatenate(steps), parse_protocol("few_shot_5")
    own = ShuffledTasks(tasks, order)
    np.testing.assert_allclose(own.output_scale, tasks.outputs.std(axis=0))
    doubled = ShuffledTasks(tasks, order, 2.0 * own.output_scale)
    expected = evaluate(trained, own, protocol, "predictive")
    found = evaluate(trained, doubled, protocol, "predictive")
    np.testing.assert_allclose(found.squared_error, 0.25 * expected.squared_error)
    np.testing.assert_allclose(found.nll, expected.nll - 2.0 * np.log(2.0))
    np.testing.assert_array_equal(found.coverage, expected.coverage)


@pytest.mark.parametrize(
    ("name", "objective"), [("few_shot_5", "predictive"), ("few_shot_5", "elbo"), ("paper", "elbo")]
)
def test_h_is_inferred_by_the_objective_of_the_protocol(shuffled, trained, name, objective):
    """`paper` has one of its own."""
    configured = "predictive" if name == "paper" else objective
    protocol = parse_protocol(name)
    found = infer_by_protocol(trained, shuffled, protocol, configured)
    context = shuffled.context(protocol.context)
    data = TaskArrays(shuffled.inputs, shuffled.outputs, context)
    expected = trained.infer(data=data, objective=objective)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda steps: steps[:-1], r"steps: expected shape \[79\], found \[78\]"),
        (lambda steps: steps + 0.5, "steps: expected whole numbers"),
        (lambda steps: np.sort(steps), "steps: expected of each task its own steps"),
        (lambda steps: np.where(steps == 29, -1, steps), "expected of each task its own steps"),
    ],
)
def test_steps_are_those_of_each_task(tasks, steps, change, message):
    with pytest.raises(ValueError, match=message):
        ShuffledTasks(tasks, change(np.concatenate(steps)))


def test_units_are_one_for_each_output(tasks, steps):
    with pytest.raises(ValueError, match=r"output_scale: expected shape \[2\], found \[1\]"):
        ShuffledTasks(tasks, np.concatenate(steps), np.ones(1))
    with pytest.raises(
        ValueError, match=r"output_scale: expected numbers above 0, found \[1\. 0\.\]"
    ):
        ShuffledTasks(tasks, np.concatenate(steps), np.array([1.0, 0.0]))


@pytest.mark.parametrize("protocol", ["paper", "full"])
def test_the_mean_scores_one_deviation_an_output_on_all_transitions(make_tasks, protocol):
    """sqrt(P) and P/2 (1 + log 2 pi), whatever the units and the steps' order."""
    tasks = make_tasks([20] * 5, seed=2)
    rng = np.random.default_rng(0)
    steps = np.concatenate([rng.permutation(20) for _ in range(5)])
    found = evaluate_mean(ShuffledTasks(tasks, steps), parse_protocol(protocol))
    assert np.sqrt(found.squared_error.mean()) == pytest.approx(np.sqrt(2.0))
    assert found.nll.mean() == pytest.approx(1.0 + np.log(2.0 * np.pi))


def test_the_mean_is_scored_on_what_the_protocol_scores(tasks, steps, shuffled):
    found = evaluate_mean(shuffled, parse_protocol("few_shot_5"))
    mean, deviation = tasks.outputs.mean(axis=0), tasks.outputs.std(axis=0)
    for i, (order, held_out) in enumerate(zip(steps, [15, 6, 15, 4], strict=True)):
        error = (tasks.subset([i]).outputs[order[-held_out:]] - mean) / deviation
        squared = np.sum(error**2, axis=1)
        assert found.squared_error[i] == pytest.approx(squared.mean())
        assert found.nll[i] == pytest.approx(np.log(2.0 * np.pi) + 0.5 * squared.mean())


def test_a_constant_output_is_scored_by_the_mean_without_an_error(tasks, steps):
    """Its unit is 1, and its variance is taken to be that."""
    outputs = np.column_stack([tasks.outputs[:, 0], np.full(len(tasks.outputs), 7.0)])
    constant = dataclasses.replace(tasks, outputs=outputs)
    found = evaluate_mean(ShuffledTasks(constant, np.concatenate(steps)), parse_protocol("full"))
    number = np.array(LENGTHS) / sum(LENGTHS)
    assert found.squared_error @ number == pytest.approx(1.0)
    assert found.nll @ number == pytest.approx(0.5 + np.log(2.0 * np.pi))


def test_the_mean_in_other_units_is_as_far_off(tasks, steps):
    order, protocol = np.concatenate(steps), parse_protocol("full")
    own = ShuffledTasks(tasks, order)
    expected = evaluate_mean(own, protocol)
    found = evaluate_mean(ShuffledTasks(tasks, order, 2.0 * own.output_scale), protocol)
    np.testing.assert_allclose(found.squared_error, 0.25 * expected.squared_error)
    np.testing.assert_allclose(found.nll, expected.nll - 2.0 * np.log(2.0))
