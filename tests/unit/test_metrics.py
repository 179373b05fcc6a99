"""Scores of Gaussian predictions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from pamlflow.metrics import COVERAGE_LEVELS, score


def predictions(seed, shape=(3, 6, 2)):
    rng = np.random.default_rng(seed)
    mask = (np.arange(shape[1]) < rng.integers(1, shape[1] + 1, size=(shape[0], 1))).astype(float)
    return rng.normal(size=shape), rng.normal(size=shape), rng.lognormal(size=shape), mask


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_nll_is_that_of_scipy_and_errors_are_squared(seed):
    outputs, mean, variance, mask = predictions(seed)
    scores = score(outputs, mean, variance, mask)
    for i in range(3):
        scored = mask[i] > 0
        density = norm.logpdf(outputs[i], mean[i], np.sqrt(variance[i]))[scored]
        assert scores.nll[i] == pytest.approx(-density.sum(axis=1).mean())
        squared = np.sum((outputs - mean)[i, scored] ** 2, axis=1)
        assert scores.squared_error[i] == pytest.approx(squared.mean())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_coverage_counts_outputs_inside_central_intervals(seed):
    outputs, mean, variance, mask = predictions(seed)
    scores = score(outputs, mean, variance, mask)
    for level, coverage in zip(COVERAGE_LEVELS, scores.coverage, strict=True):
        low, high = norm.interval(level, mean, np.sqrt(variance))
        inside = (low < outputs) & (outputs < high)
        for i in range(3):
            assert coverage[i] == pytest.approx(inside[i, mask[i] > 0].mean())


def test_coverage_of_calibrated_predictions_is_nominal():
    rng = np.random.default_rng(0)
    shape = (2, 20_000, 2)
    mean, variance = rng.normal(size=shape), rng.lognormal(size=shape)
    outputs = mean + np.sqrt(variance) * rng.standard_normal(shape)
    scores = score(outputs, mean, variance, np.ones(shape[:2]))
    assert COVERAGE_LEVELS.tolist() == [0.5, 0.9, 0.99]
    expected = np.repeat(COVERAGE_LEVELS[:, None], 2, axis=1)
    np.testing.assert_allclose(scores.coverage, expected, atol=0.01)
    overconfident = score(outputs, mean, 0.25 * variance, np.ones(shape[:2]))
    assert np.all(overconfident.coverage < scores.coverage)


def test_what_is_masked_does_not_count():
    outputs, mean, variance, mask = predictions(1)
    other = outputs + 1e3 * (1.0 - mask[..., None])
    for ours, theirs in zip(
        score(outputs, mean, variance, mask), score(other, mean, variance, mask), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_shapes_and_order():
    scores = score(*predictions(2))
    assert scores._fields == ("nll", "squared_error", "coverage")
    assert scores.nll.shape == scores.squared_error.shape == (3,)
    assert scores.coverage.shape == (3, 3)
    assert np.all(np.diff(scores.coverage, axis=0) >= 0.0)


def test_units_shift_the_nll_by_a_constant():
    outputs, mean, variance, mask = predictions(3)
    metres = score(outputs, mean, variance, mask)
    millimetres = score(1e3 * outputs, 1e3 * mean, 1e6 * variance, mask)
    np.testing.assert_allclose(millimetres.nll - metres.nll, 2.0 * np.log(1e3))
    np.testing.assert_array_equal(millimetres.coverage, metres.coverage)


@pytest.mark.parametrize("kind", ["u1", "i1", "f2"])
def test_scores_are_those_of_the_numbers_whatever_their_type(kind):
    rng = np.random.default_rng(4)
    outputs, mean, variance = (rng.integers(1, 100, size=(2, 3, 1)) for _ in range(3))
    mask = np.array([[1, 1, 0], [1, 1, 1]])
    found = score(*(array.astype(kind) for array in (outputs, mean, variance)), mask.astype(bool))
    expected = score(*(array.astype(float) for array in (outputs, mean, variance, mask)))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda array: array[:1], "expected shape"),
        (lambda array: array.swapaxes(-1, -2), r"\(transposed\)"),
        (lambda array: array + 0j, "found complex numbers"),
    ],
)
def test_what_is_no_prediction_is_refused(which, change, message):
    given = list(predictions(5))
    given[which] = change(given[which])
    with pytest.raises(ValueError, match=message):
        score(*given)
