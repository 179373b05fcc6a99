"""Two routes, one number: the bounds, the evidence of training tasks, and what inference is worth."""

import numpy as np
import pytest
import reference
import tensorflow as tf
from dynamics_problem import JITTER, Problem

from pamlflow.metrics import score
from pamlflow.models.interface import TaskArrays
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.fit.with_gpflow.dynamics_gp import TaskData
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.models.latent_gp.use.sparse_evidence import ElboEvidence
from pamlflow.world import World


@pytest.fixture(params=[(0.0, 0.0), (0.7, -0.4)], ids=["per_output", "task_scaled"])
def problem(request):
    return Problem(0, slope=request.param)


def test_collapsed_bound_is_the_uncollapsed_one_at_the_optimal_q_u(problem):
    dense = problem.dense(problem.variance)
    optimal = dense | {}
    del optimal["psi0"]
    rng, total, others = np.random.default_rng(0), 0.0, np.zeros(4)
    for p in range(2):
        y, noise = problem.outputs[:, p], problem.noise_of(p)
        mean, covariance = reference.optimal_inducing(y, noise, **optimal)
        total += reference.uncollapsed_bound(y, noise, **dense, mean=mean, covariance=covariance)
        for i in range(4):  # any other q(u) is worse
            size = 10.0 ** (-i)
            moved = mean + size * rng.normal(size=len(mean))
            wider = covariance * (1.0 + size)
            others[i] += reference.uncollapsed_bound(
                y, noise, **dense, mean=moved, covariance=wider
            )
    assert problem.bound(problem.variance) == pytest.approx(total, rel=1e-6)
    assert np.all(others < total) and np.all(np.diff(others) > 0.0)


def test_elbo_of_the_training_tasks_and_the_divergence_of_q_u_make_up_the_bound():
    """The evidence for unseen tasks, asked about the training tasks, adds up to the bound with one noise."""
    problem = Problem(0)
    posterior = problem.posterior(problem.variance)
    data = TaskArrays(*(part.numpy() for part in problem.data))
    evidence = ElboEvidence(posterior, data)(problem.mean, problem.variance, np.arange(3)).value
    dense = problem.dense(problem.variance)
    del dense["psi0"]
    divergence = 0.0
    for p in range(2):
        q = reference.optimal_inducing(problem.outputs[:, p], problem.noise_of(p), **dense)
        inverse = np.linalg.inv(dense["Kuu"])
        trace = np.trace(inverse @ (q[1] + np.outer(q[0], q[0]))) - len(q[0])
        log_dets = np.linalg.slogdet(dense["Kuu"])[1] - np.linalg.slogdet(q[1])[1]
        divergence += 0.5 * (trace + log_dets)
    total = evidence.sum() - divergence
    assert problem.bound(problem.variance) == pytest.approx(total, rel=1e-6)


def test_two_tasks_with_the_same_point_mass_are_one_task():
    two = Problem(1, lengths=(4, 5))
    two.mean[1] = two.mean[0]
    whole = (two.inputs, two.outputs, np.ones(9))
    one = TaskData(*(tf.constant(part[None]) for part in whole))
    moments = (tf.constant(two.mean[:1]), tf.zeros([1, 2], tf.float64))
    bound = float(two.model.bound(one, *moments, tf.constant(JITTER, tf.float64)))
    assert bound == pytest.approx(two.bound(np.zeros((2, 2))), rel=1e-9)


@pytest.fixture(scope="module")
def cart_poles():
    """NLL of held-out transitions of 25 cart-poles, by objective and context, after 8 uniform tasks."""
    steps, half, contexts = 60, 30, (5, 10, 30)
    rng = np.random.default_rng(2)
    world = World.from_config(
        {
            "domain": "cart_pole",
            "simulation": {"steps": steps},
            "space": {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]},
        }
    )
    training, test = (
        world.run(points, points, world.domain.draw_excitation(rng))
        for points in (world.descriptors.space.sample(8, rng), world.descriptors.space.grid([5, 5]))
    )
    settings = TrainingSettings(first_iterations=80, starts=1)
    model, _ = train(
        training, ModelSettings(inducing_points=60), settings, np.random.default_rng(0)
    )
    order = np.array([rng.permutation(steps) for _ in range(25)])
    inputs, outputs, mask = test.padded()
    inputs = np.take_along_axis(inputs, order[..., None], axis=1)
    outputs = np.take_along_axis(outputs, order[..., None], axis=1)
    scale, nll = test.outputs.std(axis=0), {}
    for objective in ("predictive", "elbo"):
        for context in contexts:
            data = TaskArrays(inputs[:, :context], outputs[:, :context], mask[:, :context])
            latent = model.infer(data=data, objective=objective)
            mean, variance = model.predict(inputs[:, half:], latent, objective)
            scores = score(
                outputs[:, half:] / scale, mean / scale, variance / scale**2, mask[:, half:]
            )
            nll.setdefault(objective, []).append(scores.nll.mean())
    return nll


def test_predictive_inference_is_at_least_as_good_as_the_elbo(cart_poles):
    assert np.all(np.array(cart_poles["predictive"]) <= np.array(cart_poles["elbo"]))


def test_more_context_does_not_hurt(cart_poles):
    assert np.all(np.diff(cart_poles["predictive"]) < 0.05)
    assert cart_poles["predictive"][-1] < cart_poles["predictive"][0]
