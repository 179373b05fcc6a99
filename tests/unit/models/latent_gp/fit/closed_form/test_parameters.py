"""Parameters by their paths: floors, priors, and the vector that a search moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from pamlflow.models.latent_gp.fit.closed_form.parameters import (
    Parameter,
    Parameters,
    scale,
    weight,
)
from pamlflow.models.latent_gp.fit.priors import Scale, Weight

FLOOR = 1e-3


def make(seed=0):
    """Every kind of parameter, one of them fixed between the others."""
    rng = np.random.default_rng(seed)
    fixed = scale(rng.lognormal(size=2), Scale(median=1.0, spread=0.5))
    fixed.trainable = False
    return Parameters(
        {
            ".scale": scale(rng.lognormal(size=3), Scale(median=2.0, spread=0.5)),
            ".noise": scale(FLOOR + rng.lognormal(size=2), Scale(median=0.1, spread=3.0), FLOOR),
            ".fixed": fixed,
            ".single": scale(4.0, Scale(median=1.0, spread=1.5)),
            ".weight": weight(rng.normal(size=(2, 3)), Weight(spread=1.5)),
            ".free": Parameter(rng.normal(size=(3, 2))),
            ".positive": Parameter(rng.lognormal(size=(3, 2)), floor=0.0),
        }
    )


def values_of(parameters):
    return {path: part.value.copy() for path, part in parameters.items()}


@given(seed=st.integers(0, 2**32))
def test_a_restored_state_is_the_state(seed):
    parameters, other = make(seed), make(seed + 1)
    state = parameters.state()
    assert state.shape == (3 + 2 + 1 + 6 + 6 + 6,)
    other.restore(state)
    np.testing.assert_allclose(other.state(), state, rtol=1e-12, atol=1e-13)
    for path, value in values_of(parameters).items():
        if path != ".fixed":
            np.testing.assert_allclose(other[path].value, value, rtol=1e-12)
            assert other[path].value.shape == value.shape


def test_a_search_moves_logarithms_above_the_floor_and_real_numbers():
    parameters = make()
    values = values_of(parameters)
    np.testing.assert_allclose(
        parameters.state(),
        np.concatenate(
            [
                np.log(values[".scale"]),
                np.log(values[".noise"] - FLOOR),
                [np.log(4.0)],
                values[".weight"].ravel(),
                values[".free"].ravel(),
                np.log(values[".positive"]).ravel(),
            ]
        ),
    )


def test_a_state_is_a_copy():
    parameters = make()
    state = parameters.state()
    before = state.copy()
    parameters.restore(state + 1.0)
    np.testing.assert_array_equal(state, before)
    changed = parameters.state()
    state[:] = 7.0
    np.testing.assert_array_equal(parameters.state(), changed)
    parameters.restore(state)
    state[:] = 8.0
    np.testing.assert_allclose(parameters.state(), 7.0)


def test_entries_are_those_of_the_named_paths():
    parameters = make()
    for path in (".scale", ".weight", ".single"):
        entries = parameters.entries(path)
        before = values_of(parameters)
        parameters.restore(parameters.state() + 0.5 * entries)
        for other, part in parameters.items():
            moved = not np.allclose(part.value, before[other], rtol=1e-9)
            assert moved == (other == path)
    both = parameters.entries(".scale", ".weight")
    np.testing.assert_array_equal(
        both, parameters.entries(".scale") | parameters.entries(".weight")
    )
    assert not parameters.entries(".fixed").any()
    assert not parameters.entries().any()


def test_scales_have_a_log_normal_prior_and_weights_a_normal_one():
    """A constant is left out, and fixed parameters have no say."""
    differences = []
    for seed in range(3):
        parameters = make(seed)
        values = values_of(parameters)
        density = norm.logpdf(np.log(values[".scale"]), np.log(2.0), 0.5).sum()
        density += norm.logpdf(np.log(values[".noise"] - FLOOR), np.log(0.1), 3.0).sum()
        density += norm.logpdf(np.log(values[".single"]), 0.0, 1.5)
        density += norm.logpdf(values[".weight"], 0.0, 1.5).sum()
        differences.append(parameters.log_prior() - density)
    np.testing.assert_allclose(differences, differences[0], rtol=1e-9)


def test_the_gradient_equals_central_differences_of_a_function_and_the_prior():
    parameters = make()
    rng = np.random.default_rng(1)
    slopes = {path: rng.normal(size=part.value.shape) for path, part in parameters.items()}

    def objective(state):
        parameters.restore(state)
        linear = sum(np.sum(slopes[path] * part.value) for path, part in parameters.items())
        return linear + parameters.log_prior()

    state, step = parameters.state(), 1e-6
    ends = np.array(
        [[objective(state + s * step * e) for s in (1.0, -1.0)] for e in np.eye(len(state))]
    )
    parameters.restore(state)
    found = parameters.gradient(slopes)
    np.testing.assert_allclose(
        found, (ends[:, 0] - ends[:, 1]) / (2.0 * step), rtol=1e-6, atol=1e-7
    )


def test_a_floor_holds_however_far_the_search_goes():
    parameters = make()
    state = parameters.state()
    state[parameters.entries(".noise")] = -500.0
    parameters.restore(state)
    assert np.all(parameters[".noise"].value >= FLOOR)
    np.testing.assert_allclose(parameters[".noise"].value, FLOOR)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_value_at_its_floor_is_against_the_prior():
    """So that a search takes it for a bad step, and never ends there."""
    parameters = make()
    parameters.assign({".noise": np.array([FLOOR, 1.0])})
    assert parameters.log_prior() == -np.inf


def test_values_are_assigned_as_copies_in_double_precision():
    parameters = make()
    value = np.array([1, 2, 3])
    parameters.assign({".scale": value})
    value[:] = 0
    np.testing.assert_array_equal(parameters[".scale"].value, [1.0, 2.0, 3.0])
    assert parameters[".scale"].value.dtype == np.float64
    with pytest.raises(KeyError):
        parameters.assign({".scales": value})


def test_values_are_found_by_other_names():
    parameters = make()
    found = parameters.values_at({"noise": ".noise", "constant": ".fixed"})
    assert found.keys() == {"noise", "constant"}
    assert found["constant"] is parameters[".fixed"].value
