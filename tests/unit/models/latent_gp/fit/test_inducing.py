"""Greedy conditional variance against solving from scratch at every step."""

import numpy as np
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from pamlflow.models.latent_gp.fit.inducing import (
    choose_inducing_points,
    greedy_conditional_variance,
    joint_inputs,
)
from pamlflow.models.latent_gp.use.statistics import DynamicsValues, Transitions


def left_over(points, lengthscales, chosen):
    """Conditional variance of every point given the chosen ones."""
    K = reference.kernel(points, points, lengthscales)
    cross = K[:, chosen]
    return 1.0 - np.sum(cross @ np.linalg.pinv(K[np.ix_(chosen, chosen)]) * cross, axis=1)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), number=st.integers(1, 12), count=st.integers(1, 12))
def test_same_points_as_the_naive_twin(seed, number, count):
    rng = np.random.default_rng(seed)
    points, lengthscales = rng.normal(size=(number, 2)), np.array([0.8, 1.5])
    chosen = greedy_conditional_variance(points, lengthscales, count)
    expected = reference.greedy_conditional_variance(points, lengthscales, count)
    assert len(chosen) == min(count, number)
    for step in range(len(chosen)):
        if chosen[step] != expected[step]:  # only where the gains are as good as equal
            gains = left_over(points, lengthscales, expected[:step])
            assert abs(gains[chosen[step]] - gains[expected[step]]) < 1e-8
            break


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), repeats=st.integers(1, 6), count=st.integers(1, 30))
def test_indices_are_distinct_even_among_duplicates(seed, repeats, count):
    points = np.repeat(np.random.default_rng(seed).normal(size=(4, 2)), repeats, axis=0)
    chosen = greedy_conditional_variance(points, np.ones(2), count)
    assert len(set(chosen.tolist())) == len(chosen) == min(count, len(points))
    assert chosen.dtype == np.int64


def test_duplicates_come_last():
    distinct = np.array([[0.0], [3.0], [6.0]])
    points = np.vstack([distinct, distinct, distinct])
    chosen = greedy_conditional_variance(points, np.ones(1), 5)
    assert {0, 1, 2} == {index % 3 for index in chosen[:3].tolist()}


def test_chosen_points_explain_more_than_random_ones():
    rng = np.random.default_rng(0)
    points, lengthscales = rng.normal(size=(60, 3)), np.full(3, 1.5)
    ours = left_over(points, lengthscales, greedy_conditional_variance(points, lengthscales, 15))
    for _ in range(20):
        random = left_over(points, lengthscales, rng.choice(60, size=15, replace=False))
        assert ours.max() < random.max()


def test_lengthscales_decide_what_is_far():
    points = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 1.0]])
    assert greedy_conditional_variance(points, np.array([1.0, 100.0]), 2).tolist() == [0, 1]
    assert greedy_conditional_variance(points, np.array([100.0, 1.0]), 2).tolist() == [0, 2]


def model(seed=0, lengths=(5, 8, 3), count=9):
    """Values with untrained inducing points, transitions and latent means."""
    rng = np.random.default_rng(seed)
    transitions = Transitions(
        rng.normal(size=(sum(lengths), 2)), rng.normal(size=(sum(lengths), 1)), np.array(lengths)
    )
    values = DynamicsValues(
        variance=np.array(1.3),
        lengthscales_x=np.array([0.7, 1.5]),
        lengthscales_h=np.array([2.0, 0.9]),
        inducing_inputs=np.zeros((count, 2)),
        inducing_latents=np.zeros((count, 2)),
        output_scale=np.ones(1),
        noise=np.ones(1),
        noise_slope=np.zeros(2),
    )
    return values, transitions, rng.normal(size=(len(lengths), 2))


def rows(array):
    return {tuple(row) for row in np.asarray(array).round(9)}


def test_inducing_points_are_the_transitions_that_say_most():
    """Each with the latent mean of its task, under the kernel of both."""
    values, transitions, latents = model()
    joint = np.hstack([transitions.inputs, latents[[0] * 5 + [1] * 8 + [2] * 3]])
    lengthscales = np.array([0.7, 1.5, 2.0, 0.9])
    expected = joint[reference.greedy_conditional_variance(joint, lengthscales, 9)]
    found = choose_inducing_points(values, transitions, latents)
    np.testing.assert_allclose(np.hstack(found), expected)
    np.testing.assert_array_equal(joint_inputs(transitions, latents), joint)
    np.testing.assert_array_equal(joint_inputs(transitions, latents, 2), joint[13:])


def test_as_many_points_are_chosen_as_asked_for_or_as_there_are():
    values, transitions, latents = model()
    for count, expected in ((4, 4), (16, 16), (40, 16)):
        inputs, points = choose_inducing_points(values, transitions, latents, count=count)
        assert inputs.shape == points.shape == (expected, 2)
        assert len(rows(np.hstack([inputs, points]))) == expected


def test_points_of_a_later_round_come_from_the_kept_and_the_new():
    values, transitions, latents = model()
    old = np.hstack(choose_inducing_points(values, transitions, latents))
    kept = np.repeat(old[:5], 3, axis=0)  # 15 points as good as 5
    found = np.hstack(choose_inducing_points(values, transitions, latents, kept, first_task=2))
    new = joint_inputs(transitions, latents, 2)
    assert rows(found) <= rows(kept) | rows(new)
    assert rows(found) & rows(kept) and rows(found) & rows(new)


def test_kept_points_that_are_too_few_compete_with_all_transitions():
    """As those of a round with fewer inducing points do."""
    values, transitions, latents = model()
    kept = 10.0 + np.arange(8.0).reshape(2, 4)  # far from all else
    found = np.hstack(choose_inducing_points(values, transitions, latents, kept, first_task=3))
    assert rows(kept) < rows(found)
    assert len(rows(found)) == 9
