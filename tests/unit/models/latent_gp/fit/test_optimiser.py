"""L-BFGS on TensorFlow variables: what it does when evaluations fail."""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from pamlflow.models.interface import TrainingRecord
from pamlflow.models.latent_gp.fit.optimiser import LARGEST_JITTER, Optimiser


def variable(value):
    return tf.Variable(np.asarray(value, dtype=np.float64))


def make(loss, variables, jitter=1e-6):
    """An optimiser, its jitter, and its record."""
    jitter, record = variable(jitter), TrainingRecord()
    return Optimiser(lambda: loss(jitter), variables, jitter, record), jitter, record


def watched(optimiser, monkeypatch):
    """The losses of all evaluations to come."""
    losses, evaluate = [], optimiser.evaluate

    def watch(state):
        result = evaluate(state)
        losses.append(result[0])
        return result

    monkeypatch.setattr(optimiser, "evaluate", watch)
    return losses


def test_minimum_over_variables_of_any_shape():
    a, b, c = variable(3.0), variable([1.0, 2.0]), variable(np.ones((2, 2)))
    optimiser, _, record = make(
        lambda _: (a - 1.0) ** 4 + tf.reduce_sum((b - [5.0, 6.0]) ** 2) + tf.reduce_sum(c**2) + 7.0,
        [a, b, c],
    )
    assert optimiser.minimise(100, "fit") == pytest.approx(7.0, abs=1e-6)
    np.testing.assert_allclose(a, 1.0, atol=0.05)
    np.testing.assert_allclose(b, [5.0, 6.0], atol=1e-3)
    np.testing.assert_allclose(c, np.zeros((2, 2)), atol=1e-3)
    assert record.bound[-1] == pytest.approx(-7.0, abs=1e-6)
    assert np.all(np.diff(record.bound) >= 0.0)
    assert record.events == [f"fit: {len(record.bound)} iterations, bound -7.00"]


def test_only_the_named_variables_move():
    a, b, c = variable(3.0), variable([1.0, 2.0]), variable(np.ones((2, 2)))
    optimiser, _, _ = make(
        lambda _: (a - 1.0) ** 2 + tf.reduce_sum((b - a) ** 2) + tf.reduce_sum(c**2), [a, b, c]
    )
    assert optimiser.minimise(100, "fit", only=[b, c]) == pytest.approx(4.0)
    np.testing.assert_allclose(b, [3.0, 3.0], atol=1e-4)
    np.testing.assert_allclose(c, np.zeros((2, 2)), atol=1e-4)
    assert a.numpy() == 3.0


def test_state_and_restore_are_inverses():
    a, b = variable(3.0), variable(np.arange(6.0).reshape(2, 3))
    optimiser, _, _ = make(lambda _: a**2 + tf.reduce_sum(b**2), [a, b])
    state = optimiser.state()
    np.testing.assert_array_equal(state, [3.0, *range(6)])
    loss, gradient = optimiser.evaluate(2.0 * state)
    assert loss == pytest.approx(4.0 * (9.0 + 55.0))
    np.testing.assert_allclose(gradient, 4.0 * state)
    optimiser.restore(state)
    np.testing.assert_array_equal(b, np.arange(6.0).reshape(2, 3))


def test_iterations_are_limited_and_nothing_is_traced_twice():
    x, traces = variable([-1.0, 2.0]), []

    def rosenbrock(_):
        traces.append(1)
        return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2

    optimiser, _, record = make(rosenbrock, [x])
    first = optimiser.minimise(5, "start 1 of 2")
    assert len(record.bound) == 5
    assert optimiser.minimise(200, "fit") < first
    np.testing.assert_allclose(x, [1.0, 1.0], atol=1e-2)
    assert len(traces) == 1


def test_a_failing_factorisation_is_a_bad_step_and_no_more(monkeypatch):
    """Downhill to a cliff at x = 1, beyond which the factorisation fails."""
    x = variable(0.0)

    def loss(_):
        factor = tf.linalg.cholesky(tf.reshape(1.0 - x, [1, 1]))
        return -10.0 * x - 0.1 * tf.math.log(factor[0, 0])

    optimiser, jitter, _ = make(loss, [x])
    losses = watched(optimiser, monkeypatch)
    loss = optimiser.minimise(200, "fit")
    assert max(losses) > 1e6  # it did fail on the way
    assert float(x) == pytest.approx(0.995, abs=1e-4)
    assert loss == min(losses)
    assert float(jitter) == 1e-6


def test_not_finite_values_and_gradients_count_as_failures():
    x = variable(1.0)
    for loss in (lambda _: tf.math.log(-x), lambda _: tf.sqrt(x - 1.0)):  # NaN; slope of infinity
        optimiser, _, _ = make(loss, [x])
        value, gradient = optimiser.evaluate(optimiser.state())
        assert value > 1e6 and np.isfinite(value)
        np.testing.assert_array_equal(gradient, [0.0])


def test_ends_at_the_best_state_it_has_seen(monkeypatch):
    """L-BFGS may end worse than it was, where on a given loss depends on rounding."""

    def wandering(fun, start, *, callback, **_):
        for step in (0.0, -2.0, -1.0):
            fun(start + step)
            callback(start + step)
        return start - 1.0, 4.0, {"task": "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"}

    monkeypatch.setattr(scipy.optimize, "fmin_l_bfgs_b", wandering)
    x = variable([3.0])
    optimiser, _, record = make(lambda _: tf.reduce_sum(x**2), [x])
    assert optimiser.minimise(3, "fit") == 1.0
    assert x.numpy() == 1.0
    assert record.bound == [-9.0, -1.0, -1.0]


def singular(x, jitter, needed):
    """Can be factorised only with more than ``needed`` of jitter."""
    matrix = tf.ones([2, 2], tf.float64) + (jitter - needed) * tf.eye(2, dtype=tf.float64)
    return (x - 1.0) ** 2 + 0.0 * tf.reduce_sum(tf.linalg.cholesky(matrix))


def test_jitter_rises_tenfold_until_the_start_has_a_loss():
    x = variable(4.0)
    optimiser, jitter, record = make(lambda jitter: singular(x, jitter, 2e-5), [x])
    assert optimiser.minimise(20, "fit") == pytest.approx(0.0, abs=1e-6)
    assert float(jitter) == pytest.approx(1e-4)
    assert record.events[:2] == ["fit: jitter raised to 1e-05", "fit: jitter raised to 1e-04"]


def test_gives_up_with_infinity_and_leaves_the_variables_alone():
    x = variable(4.0)
    optimiser, jitter, record = make(lambda jitter: singular(x, jitter, 1.0), [x])
    assert optimiser.minimise(20, "fit") == np.inf
    assert float(x) == 4.0
    assert float(jitter) <= LARGEST_JITTER * (1.0 + 1e-9)
    assert record.events[-1] == "fit: no finite bound with the largest jitter"
    assert record.bound == []
