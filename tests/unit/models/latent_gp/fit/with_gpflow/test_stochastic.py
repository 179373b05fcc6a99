"""The stochastic bound against the collapsed one, its estimators, and its optimisers."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf

from pamlflow.models.interface import LatentPosterior, TrainingError, TrainingRecord
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.fit.with_gpflow import stochastic_training
from pamlflow.models.latent_gp.fit.with_gpflow.collapsed import whiten
from pamlflow.models.latent_gp.fit.with_gpflow.stochastic import StochasticModel, draw_minibatch
from pamlflow.models.latent_gp.fit.with_gpflow.stochastic_training import fit_stochastic
from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel
from pamlflow.models.latent_gp.settings import ModelSettings, StochasticSettings, TrainingSettings
from pamlflow.models.latent_gp.use.sparse_posterior import optimal_posterior
from pamlflow.models.latent_gp.use.statistics import PsiStatistics


@pytest.fixture
def model(ragged_tasks):
    mean = np.random.default_rng(1).standard_normal((ragged_tasks.num_tasks, 2))
    start = LatentPosterior(mean, np.full_like(mean, 0.2))
    model = GPflowVectorModel(ragged_tasks, ModelSettings(inducing_points=12), start)
    model.choose_inducing_points()
    model.dynamics.noise_slope.assign([0.4, -0.3])
    return model


def bound(stochastic, batch, noise=None):
    return float(stochastic.bound(batch, noise))


def assign_optimal_q(stochastic):
    """Put q(u) at its optimum for the present parameters, from a pass over all the data."""
    model = stochastic.model
    dynamics, (mean, variance) = model.dynamics, model.moments()
    data = dynamics.scaled(model.data)
    psi = dynamics.psi_statistics(data, mean, variance, dynamics.task_weights(mean))
    L = tf.linalg.cholesky(dynamics.inducing_covariance(model.relative_jitter))
    _, A = whiten(L, psi.Psi1, psi.covariance)
    precision = dynamics.precision().numpy()
    covariance = np.linalg.inv(np.eye(len(A)) + precision[:, None, None] * A.numpy())
    projected = tf.linalg.triangular_solve(L, psi.Psi1Y).numpy().T * precision[:, None]
    stochastic.q_mu.assign(np.einsum("pmn,pn->mp", covariance, projected))
    symmetric = 0.5 * (covariance + covariance.transpose(0, 2, 1))
    stochastic.q_sqrt.assign(np.linalg.cholesky(symmetric))


def optimum(model):
    """The posterior of the closed form at the optimal q(u)."""
    values, (mean, variance) = model.dynamics.values(), (it.numpy() for it in model.moments())
    found = PsiStatistics(model.transitions)(values, mean, variance, model.relative_jitter.numpy())
    return optimal_posterior(found, values)


def test_the_collapsed_bound_is_above_for_any_q_of_u(model):
    stochastic = StochasticModel(model)
    collapsed = float(model.maximum_log_likelihood_objective())
    rng = np.random.default_rng(0)
    for _ in range(5):
        stochastic.q_mu.assign(rng.standard_normal(stochastic.q_mu.shape))
        factor = np.tril(rng.standard_normal(stochastic.q_sqrt.shape))
        stochastic.q_sqrt.assign(factor)
        assert bound(stochastic, stochastic.whole()) < collapsed


def test_at_the_optimal_q_of_u_both_bounds_and_posteriors_agree(model):
    stochastic = StochasticModel(model)
    assign_optimal_q(stochastic)
    collapsed = float(model.maximum_log_likelihood_objective())
    assert bound(stochastic, stochastic.whole()) == pytest.approx(collapsed, rel=1e-6)

    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((5, 6, 2))
    latent = LatentPosterior(rng.standard_normal((5, 2)), np.full((5, 2), 0.3))
    free = stochastic.posterior().moments(inputs, latent)
    shared = optimum(model).moments(inputs, latent)
    for a, b in zip(free, shared, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8)


def test_one_full_natural_gradient_step_reaches_the_optimal_q_of_u(model):
    stochastic = StochasticModel(model)
    gpflow.optimizers.NaturalGradient(gamma=1.0).minimize(
        lambda: stochastic.training_loss(stochastic.whole()),
        [(stochastic.q_mu, stochastic.q_sqrt)],
    )
    collapsed = float(model.maximum_log_likelihood_objective())
    assert bound(stochastic, stochastic.whole()) == pytest.approx(collapsed, rel=1e-6)


def test_the_collapsed_bound_is_reached_with_a_signal_for_each_output(model):
    model.dynamics.output_scale.assign([2.0, 0.3])
    stochastic = StochasticModel(model)
    assign_optimal_q(stochastic)
    collapsed = float(model.maximum_log_likelihood_objective())
    assert bound(stochastic, stochastic.whole()) == pytest.approx(collapsed, rel=1e-6)
    expected, found = optimum(model), stochastic.posterior()
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(found.noise, expected.noise)
    np.testing.assert_array_equal(found.predictive_noise, found.noise)


@pytest.mark.parametrize(("tasks", "transitions"), [(2, 4), (None, 4)])
def test_minibatches_average_to_the_full_bound(model, tasks, transitions):
    stochastic = StochasticModel(model)
    assign_optimal_q(stochastic)
    generator = tf.random.Generator.from_seed(0)

    @tf.function(autograph=False)
    def estimate():
        return stochastic.bound(draw_minibatch(model.data, tasks, transitions, generator))

    estimates = np.array([float(estimate()) for _ in range(600)])
    error = estimates.std() / np.sqrt(len(estimates))
    assert error > 0
    assert abs(estimates.mean() - bound(stochastic, stochastic.whole())) < 4 * error


def test_samples_of_h_average_to_the_closed_form(model):
    stochastic = StochasticModel(model)
    assign_optimal_q(stochastic)
    whole = stochastic.whole()
    generator = tf.random.Generator.from_seed(0)

    @tf.function(autograph=False)
    def estimate():
        return stochastic.bound(whole, generator.normal(model.latent.mean.shape, dtype=tf.float64))

    estimates = np.array([float(estimate()) for _ in range(600)])
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean() - bound(stochastic, whole)) < 4 * error


@pytest.mark.parametrize(
    ("optimiser", "estimator"), [("adam", "monte_carlo"), ("natural_gradient", "closed_form")]
)
def test_every_schedule_raises_the_bound(model, optimiser, estimator):
    schedule = StochasticSettings(
        steps=60, optimiser=optimiser, estimator=estimator, batch_tasks=3, batch_transitions=5
    )
    stochastic = StochasticModel(model)
    before = bound(stochastic, stochastic.whole())
    record = TrainingRecord()
    fitted = fit_stochastic(model, schedule, record, seed=0, checkpoints=None)
    assert bound(fitted, fitted.whole()) > before + 10.0
    assert len(record.bound) == schedule.steps


def test_a_fit_that_was_stopped_resumes_with_the_same_numbers(ragged_tasks, tmp_path, monkeypatch):
    monkeypatch.setattr(stochastic_training, "REPORT_EVERY", 5)
    training = TrainingSettings(
        bound="stochastic", stochastic=StochasticSettings(steps=20, batch_transitions=4)
    )

    def fit(folder):
        arguments = ragged_tasks, ModelSettings(inducing_points=8), training
        return train(*arguments, np.random.default_rng(3), checkpoints=folder)

    whole, _ = fit(tmp_path / "whole")
    step = stochastic_training.StochasticTrainer.step
    taken = 0

    def stopping(trainer):
        nonlocal taken
        if taken == 12:
            raise KeyboardInterrupt
        taken += 1
        return step(trainer)

    folder = tmp_path / "stopped"
    with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr(stochastic_training.StochasticTrainer, "step", stopping)
        fit(folder)
    assert any(folder.iterdir())
    resumed, record = fit(folder)
    assert record.events[0] == "resumed after 10 steps"
    assert len(record.bound) == 20
    np.testing.assert_array_equal(resumed.dynamics.weights, whole.dynamics.weights)
    np.testing.assert_array_equal(resumed.latent.mean, whole.latent.mean)


def test_a_step_without_a_finite_bound_ends_at_the_last_good_state(model, monkeypatch, caplog):
    monkeypatch.setattr(stochastic_training, "REPORT_EVERY", 5)
    step = stochastic_training.StochasticTrainer.step

    def spoiling(trainer):
        taken = step(trainer)
        return np.nan * taken if trainer.steps_taken == 12 else taken

    monkeypatch.setattr(stochastic_training.StochasticTrainer, "step", spoiling)
    record = TrainingRecord()
    fitted = fit_stochastic(model, StochasticSettings(steps=50), record, seed=0, checkpoints=None)
    assert len(record.bound) == 10 and np.all(np.isfinite(record.bound))
    assert np.isfinite(bound(fitted, fitted.whole()))
    assert "step 12: no finite bound, back to step 10" in record.events
    assert "the fit ends after 10 of 50 steps" in caplog.messages


def test_a_fit_that_fails_before_its_first_good_state_is_an_error(monkeypatch, ragged_tasks):
    monkeypatch.setattr(stochastic_training.StochasticTrainer, "step", lambda _: np.nan)
    training = TrainingSettings(bound="stochastic", stochastic=StochasticSettings(steps=50))
    with pytest.raises(TrainingError, match="no finite bound for 8 tasks"):
        train(ragged_tasks, ModelSettings(inducing_points=8), training, np.random.default_rng(3))


def test_a_stochastic_round_follows_a_stochastic_round(make_tasks):
    tasks = make_tasks([10, 8, 9, 11])
    settings = ModelSettings(inducing_points=10)
    training = TrainingSettings(bound="stochastic", stochastic=StochasticSettings(steps=30))
    rng = np.random.default_rng(0)
    first, _ = train(tasks.subset([0, 1, 2]), settings, training, rng)
    second, record = train(tasks, settings, training, rng, first)
    assert second.latent.mean.shape == (4, 2)
    assert second.dynamics.basis.shape == (2, 10, 10)
    assert len(record.bound) == 30
