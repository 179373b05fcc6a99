"""L-BFGS on the vector of a model: what it does when evaluations fail."""

import numpy as np
import pytest
import scipy.optimize

from pamlflow.models.interface import TrainingRecord
from pamlflow.models.latent_gp.fit.optimiser import FAILED_LOSS, LARGEST_JITTER, Optimiser


class Toy:
    """A Searchable whose loss and gradient are a function of the state and the jitter."""

    def __init__(self, function, state, jitter=1e-6):
        self.function, self.jitter = function, jitter
        self._state = np.array(state, dtype=np.float64)
        self.losses, self.asked = [], []

    def state(self):
        return self._state.copy()

    def restore(self, state):
        self._state = state.copy()

    def entries(self, *paths):
        return np.array([str(i) in paths for i in range(len(self._state))])

    def loss(self, free):
        self.asked.append(free.copy())
        value, gradient = self.function(self._state, self.jitter)
        self.losses.append(value)
        return value, np.asarray(gradient, dtype=np.float64)


def make(function, state):
    """A model, its optimiser and its record."""
    model, record = Toy(function, state), TrainingRecord()
    return model, Optimiser(model, record), record


def bowl(state, _):
    middle = np.array([1.0, 5.0, 6.0])
    return np.sum((state - middle) ** 2) + 7.0, 2.0 * (state - middle)


def chain(state, _):
    """(a - 1)^2 + (b - a)^2 + (c - a)^2."""
    a, b, c = state
    return (
        (a - 1.0) ** 2 + (b - a) ** 2 + (c - a) ** 2,
        [2.0 * (3.0 * a - 1.0 - b - c), 2.0 * (b - a), 2.0 * (c - a)],
    )


def test_the_minimum_is_found_and_recorded():
    model, optimiser, record = make(bowl, [3.0, 1.0, 2.0])
    assert optimiser.minimise(100, "fit") == pytest.approx(7.0, abs=1e-6)
    np.testing.assert_allclose(model.state(), [1.0, 5.0, 6.0], atol=1e-3)
    assert record.bound[-1] == pytest.approx(-7.0, abs=1e-6)
    assert np.all(np.diff(record.bound) >= 0.0)
    assert record.events == [f"fit: {len(record.bound)} iterations, bound -7.00"]


def test_only_the_free_entries_move():
    model, optimiser, _ = make(chain, [3.0, 1.0, 2.0])
    free = model.entries("1", "2")
    assert optimiser.minimise(100, "fit", free) == pytest.approx(4.0)
    assert all(np.array_equal(asked, free) for asked in model.asked)
    np.testing.assert_allclose(model.state(), [3.0, 3.0, 3.0], atol=1e-4)
    assert model.state()[0] == 3.0


def test_a_second_search_frees_what_the_first_has_held():
    model, optimiser, _ = make(chain, [3.0, 1.0, 2.0])
    optimiser.minimise(100, "fit", ~model.entries("0"))
    optimiser.minimise(100, "fit")
    np.testing.assert_allclose(model.state(), [1.0, 1.0, 1.0], atol=1e-3)


def rosenbrock(state, _):
    return scipy.optimize.rosen(state), scipy.optimize.rosen_der(state)


def test_iterations_are_limited_and_a_search_goes_on_where_the_last_one_ended():
    model, optimiser, record = make(rosenbrock, [-1.0, 2.0])
    first = optimiser.minimise(5, "start 1 of 2")
    assert len(record.bound) == 5
    assert first == rosenbrock(model.state(), 0.0)[0]
    assert optimiser.minimise(200, "fit") < first
    np.testing.assert_allclose(model.state(), [1.0, 1.0], atol=1e-2)


def test_a_failing_factorisation_is_a_bad_step_and_no_more():
    """Downhill to a cliff at x = 1, beyond which the factorisation fails."""

    def cliff(state, _):
        left = 1.0 - state[0]
        return -10.0 * state[0] - 0.05 * np.log(left), [-10.0 + 0.05 / left]

    model, optimiser, _ = make(cliff, [0.0])
    loss = optimiser.minimise(200, "fit")
    assert np.any(np.isnan(model.losses))  # it did fail on the way
    assert model.state()[0] == pytest.approx(0.995, abs=1e-4)
    assert loss == np.nanmin(model.losses)
    assert model.jitter == 1e-6


@pytest.mark.parametrize(
    ("value", "gradient"),
    [(np.nan, 1.0), (np.inf, 1.0), (-np.inf, 1.0), (2.0, np.nan), (2.0, np.inf)],
)
def test_not_finite_values_and_gradients_count_as_failures(value, gradient):
    model, optimiser, _ = make(lambda *_: (value, [gradient, 0.0]), [1.0, 2.0])
    loss, slope = optimiser.evaluate(model.state(), np.array([True, True]))
    assert loss == FAILED_LOSS
    np.testing.assert_array_equal(slope, [0.0, 0.0])


@pytest.mark.filterwarnings("error")
def test_a_step_that_overflows_warns_nobody():
    model, optimiser, _ = make(lambda x, _: (np.exp(x[0]), np.exp(x) + np.log(0.0 * x)), [800.0])
    assert optimiser.evaluate(model.state(), np.array([True]))[0] == FAILED_LOSS


def test_a_gradient_that_is_not_asked_for_may_be_anything():
    model, optimiser, _ = make(lambda x, _: (x[0] ** 2, [2.0 * x[0], np.nan]), [1.0, 2.0])
    assert optimiser.minimise(10, "fit", np.array([True, False])) == pytest.approx(0.0, abs=1e-6)
    assert model.state()[1] == 2.0


def test_ends_at_the_best_state_it_has_seen(monkeypatch):
    """L-BFGS may end worse than it was, where on a given loss depends on rounding."""

    def wandering(fun, start, *, callback, **_):
        for step in (0.0, -2.0, -1.0):
            fun(start + step)
            callback(start + step)
        return start - 1.0, 4.0, {"task": "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"}

    monkeypatch.setattr(scipy.optimize, "fmin_l_bfgs_b", wandering)
    model, optimiser, record = make(lambda x, _: (np.sum(x**2), 2.0 * x), [3.0])
    assert optimiser.minimise(3, "fit") == 1.0
    assert model.state() == [1.0]
    assert record.bound == [-9.0, -1.0, -1.0]


def test_a_search_that_breaks_down_starts_again_from_the_best_state(monkeypatch):
    """Without its memory, for the iterations that are left."""
    starts = []

    def breaking(fun, start, *, callback, maxiter, **_):
        starts.append((start.item(), maxiter))
        fun(start)
        fun(start - 1.0)
        callback(start - 1.0)
        return start, 0.0, {"task": "ABNORMAL_TERMINATION_IN_LNSRCH"}

    monkeypatch.setattr(scipy.optimize, "fmin_l_bfgs_b", breaking)
    model, optimiser, record = make(lambda x, _: (np.sum(x**2), 2.0 * x), [9.0])
    assert optimiser.minimise(3, "fit") == 36.0
    assert starts == [(9.0, 3), (8.0, 2), (7.0, 1)]
    assert model.state() == [6.0]
    text = "fit: search broke down after {} iterations, starting again"
    assert record.events[:2] == [text.format(1), text.format(2)]


def test_no_step_that_helps_is_the_end(monkeypatch):
    def stuck(fun, start, **_):
        fun(start)
        return start, 0.0, {"task": "ABNORMAL_TERMINATION_IN_LNSRCH"}

    monkeypatch.setattr(scipy.optimize, "fmin_l_bfgs_b", stuck)
    _, optimiser, record = make(lambda x, _: (np.sum(x**2), 2.0 * x), [9.0])
    assert optimiser.minimise(5, "fit") == 81.0
    assert record.events == [
        "fit: no step from here lowers the loss",
        "fit: 0 iterations, bound -81.00",
    ]


def needing(jitter):
    """A loss that can be had with more than this jitter alone."""

    def function(state, given):
        value = np.sum((state - 1.0) ** 2) if given > jitter else np.nan
        return value, 2.0 * (state - 1.0)

    return function


def test_jitter_rises_tenfold_until_the_start_has_a_loss():
    model, optimiser, record = make(needing(2e-5), [4.0])
    assert optimiser.minimise(20, "fit") == pytest.approx(0.0, abs=1e-6)
    assert model.jitter == pytest.approx(1e-4)
    assert record.events[:2] == ["fit: jitter raised to 1e-05", "fit: jitter raised to 1e-04"]


def test_gives_up_with_infinity_and_leaves_the_state_alone():
    model, optimiser, record = make(needing(1.0), [4.0])
    assert optimiser.minimise(20, "fit") == np.inf
    assert model.state() == [4.0]
    assert model.jitter <= LARGEST_JITTER * (1.0 + 1e-9)
    assert record.events[-1] == "fit: no finite bound with the largest jitter"
    assert record.bound == []
