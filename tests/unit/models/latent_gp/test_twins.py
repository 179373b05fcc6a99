"""Each formula that `use` has in NumPy and `fit` in TensorFlow, the one against the other."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
from dynamics_problem import Problem

from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.fit.with_gpflow import psi_statistics
from pamlflow.models.latent_gp.fit.with_gpflow.latent import kl_divergence
from pamlflow.models.latent_gp.fit.with_gpflow.stochastic import StochasticModel
from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel
from pamlflow.models.latent_gp.settings import ModelSettings
from pamlflow.models.latent_gp.use import kernels
from pamlflow.models.latent_gp.use.inference import _loss
from pamlflow.models.latent_gp.use.sparse_evidence import ElboEvidence

RNG = np.random.default_rng(0)
MEAN, VARIANCE = RNG.normal(size=(4, 2)), RNG.lognormal(-1.5, 0.7, size=(4, 2))
Z, LENGTHSCALES = RNG.normal(size=(5, 2)), RNG.lognormal(0.2, 0.3, size=2)
PROBLEM = Problem(1, slope=(0.7, -0.4))
DATA = TaskArrays(*(part.numpy() for part in PROBLEM.data))


def posterior():
    return PROBLEM.posterior(PROBLEM.variance)


def unit_kernel():
    arguments = MEAN, Z, LENGTHSCALES
    return kernels.unit_kernel(*arguments), psi_statistics.unit_kernel(*arguments)


def unit_kernel_of_gpflow():
    """The kernel of the inducing points."""
    kernel = gpflow.kernels.SquaredExponential(1.0, LENGTHSCALES)
    return kernels.unit_kernel(MEAN, Z, LENGTHSCALES), kernel(MEAN, Z)


def expected_kernel():
    arguments = MEAN, VARIANCE, Z, LENGTHSCALES
    return kernels.expected_kernel(*arguments), psi_statistics.expected_kernel(*arguments)


def expected_kernel_pairs():
    """In `fit` the pairs are relative to the product of the means."""
    arguments = MEAN, VARIANCE, Z, LENGTHSCALES
    first = psi_statistics.expected_kernel(*arguments).numpy()
    relative = tf.linalg.matmul(*psi_statistics.pair_features(*arguments)).numpy()
    theirs = np.exp(relative.reshape(4, 5, 5)) * first[:, :, None] * first[:, None]
    return kernels.expected_kernel_pairs(*arguments), theirs


def noise_of_tasks():
    """Noise variances [N, P] in units of the signals."""
    weights = PROBLEM.model.task_weights(tf.constant(PROBLEM.mean))
    theirs = 1.0 / (weights[:, None] * PROBLEM.model.precision())
    return posterior().noise_at(LatentPosterior(PROBLEM.mean, PROBLEM.variance), "elbo"), theirs


def psi_of_transitions():
    """s2 E[k_h] k_x of all transitions [N, T, M]."""
    moments = tf.constant(PROBLEM.mean), tf.constant(PROBLEM.variance)
    ones = tf.ones(len(PROBLEM.mean), tf.float64)
    theirs = PROBLEM.model.psi_statistics(PROBLEM.data, *moments, ones).Psi1
    dynamics = posterior()
    k_x = kernels.unit_kernel(DATA.inputs, dynamics.inducing_inputs, dynamics.lengthscales_x)
    k_h = kernels.expected_kernel(
        PROBLEM.mean, PROBLEM.variance, dynamics.inducing_latents, dynamics.lengthscales_h
    )
    ours = dynamics.variance * k_h[:, None] * k_x * DATA.mask[..., None]
    return ours.reshape(-1, ours.shape[-1]), theirs


def divergence():
    """KL(q(h) || p(h)), summed over tasks."""
    position = np.hstack([MEAN, np.log(VARIANCE)])
    return _loss([], position, np.arange(4))[0].sum(), kl_divergence(MEAN, VARIANCE)


TWINS = (
    unit_kernel,
    unit_kernel_of_gpflow,
    expected_kernel,
    expected_kernel_pairs,
    noise_of_tasks,
    psi_of_transitions,
    divergence,
)


@pytest.mark.parametrize("twins", TWINS, ids=lambda twins: twins.__name__)
def test_both_versions_of_a_formula_agree(twins):
    ours, theirs = twins()
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)


def test_the_expected_log_density_of_all_tasks_is_that_of_the_stochastic_bound(ragged_tasks):
    """Both are the ELBO of the transitions, less what q(u) costs, where no task has noise of its own."""
    rng = np.random.default_rng(2)
    means = rng.standard_normal((ragged_tasks.num_tasks, 2))
    model = GPflowVectorModel(
        ragged_tasks,
        ModelSettings(inducing_points=12, noise="per_output"),
        LatentPosterior(means, np.full_like(means, 0.2)),
    )
    model.choose_inducing_points()
    model.dynamics.output_scale.assign([0.7, 1.6])
    stochastic = StochasticModel(model)
    stochastic.q_mu.assign(rng.normal(size=stochastic.q_mu.shape))
    mean, variance = model.moments()
    theirs = stochastic._expected_log_likelihood(stochastic.whole(), mean, variance, None)
    dynamics = stochastic.posterior()
    data = TaskArrays(*(part.numpy() for part in model.dynamics.scaled(model.data)))
    tasks = np.arange(len(data.mask))
    ours = ElboEvidence(dynamics, data)(mean.numpy(), variance.numpy(), tasks).value.sum()
    scale = model.dynamics.output_scale.numpy()
    ours -= data.mask.sum() * np.log(scale).sum()  # a density of standardised outputs
    assert ours == pytest.approx(float(theirs), rel=1e-6)
