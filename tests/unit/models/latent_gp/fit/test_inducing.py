"""Greedy conditional variance against solving from scratch at every step."""

import numpy as np
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from pamlflow.models.latent_gp.fit.inducing import greedy_conditional_variance


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
