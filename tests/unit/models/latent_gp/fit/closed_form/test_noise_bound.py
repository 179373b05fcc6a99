"""The bound as a function of the noise alone: the bound of the dynamics, at the same kernel and q(H)."""

import numpy as np
import pytest

from pamlflow.models.latent_gp.fit.closed_form.dynamics_bound import DynamicsBound
from pamlflow.models.latent_gp.fit.closed_form.noise_bound import NoiseBound
from pamlflow.models.latent_gp.use import statistics
from pamlflow.models.latent_gp.use.statistics import (
    MOST_KEPT,
    DynamicsValues,
    PsiStatistics,
    Transitions,
)
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite

JITTER = 1e-6


def problem(seed=0, latent=2, outputs=3):
    """Ragged transitions, parameters with noise that varies between tasks, and moments of q(H)."""
    rng, lengths = np.random.default_rng(seed), np.array([5, 1, 7, 3])
    transitions = Transitions(rng.normal(size=(16, 3)), rng.normal(size=(16, outputs)), lengths)
    values = DynamicsValues(
        variance=np.array(rng.lognormal()),
        lengthscales_x=rng.lognormal(0.3, 0.3, size=3),
        lengthscales_h=rng.lognormal(0.3, 0.3, size=latent),
        inducing_inputs=rng.normal(size=(6, 3)),
        inducing_latents=rng.normal(size=(6, latent)),
        output_scale=rng.lognormal(size=outputs),
        noise=rng.lognormal(-1.5, 0.5, size=outputs),
        noise_slope=rng.normal(size=latent),
    )
    return transitions, values, rng.normal(size=(4, latent)), rng.lognormal(-1.0, size=(4, latent))


@pytest.mark.parametrize("kept", [MOST_KEPT, 0])
@pytest.mark.parametrize(("latent", "outputs"), [(1, 1), (2, 3), (3, 2)])
def test_value_and_derivatives_are_those_of_the_bound_of_the_dynamics(
    latent, outputs, kept, monkeypatch
):
    monkeypatch.setattr(statistics, "MOST_KEPT", kept)
    transitions, values, *moments = problem(1, latent, outputs)
    whole = DynamicsBound(transitions)
    ours = NoiseBound(PsiStatistics(transitions), values, *moments, JITTER)
    rng = np.random.default_rng(2)
    for size in (0.0, 0.5, 2.0):
        noise = values.noise * np.exp(size * rng.normal(size=outputs))
        slope = values.noise_slope + size * rng.normal(size=latent)
        moved = values._replace(noise=noise, noise_slope=slope)
        expected, gradient = whole(moved, *moments, JITTER)
        value, by_noise, by_slope = ours(noise, slope)
        assert value == pytest.approx(expected, rel=1e-10)
        np.testing.assert_allclose(by_noise, gradient.values.noise, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(by_slope, gradient.values.noise_slope, rtol=1e-8, atol=1e-8)


def test_derivatives_equal_central_differences():
    transitions, values, *moments = problem(3)
    bound, step = NoiseBound(PsiStatistics(transitions), values, *moments, JITTER), 1e-6
    _, by_noise, by_slope = bound(values.noise, values.noise_slope)
    for p in range(3):
        move = step * values.noise * np.eye(3)[p]
        ends = [bound(values.noise + sign * move, values.noise_slope)[0] for sign in (1.0, -1.0)]
        assert (ends[0] - ends[1]) / (2.0 * move[p]) == pytest.approx(by_noise[p], rel=1e-6)
    for q in range(2):
        move = step * np.eye(2)[q]
        ends = [bound(values.noise, values.noise_slope + sign * move)[0] for sign in (1.0, -1.0)]
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(by_slope[q], rel=1e-5)


def test_it_does_not_depend_on_the_memory_of_the_statistics():
    """They take the same arrays in the next call."""
    transitions, values, *moments = problem(4)
    shared = PsiStatistics(transitions)
    bound = NoiseBound(shared, values, *moments, JITTER)
    before = bound(values.noise, values.noise_slope)
    shared(values._replace(lengthscales_x=2.0 * values.lengthscales_x), *moments, JITTER)
    for ours, theirs in zip(bound(values.noise, values.noise_slope), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_equal_inducing_points_need_jitter():
    transitions, values, *moments = problem()
    values = values._replace(
        inducing_inputs=np.tile(values.inducing_inputs[0], (6, 1)),
        inducing_latents=np.tile(values.inducing_latents[0], (6, 1)),
    )
    with pytest.raises(NotPositiveDefinite):
        NoiseBound(PsiStatistics(transitions), values, *moments, 0.0)


def test_there_is_room_for_some_tasks_and_not_for_any_number():
    assert NoiseBound.has_room(100, 200)
    assert not NoiseBound.has_room(MOST_KEPT // 200**2 + 1, 200)
