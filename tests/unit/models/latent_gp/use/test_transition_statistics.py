"""The whitened psi statistics of transitions against dense sums of quadratures."""

import numpy as np
import pytest
import reference
from dynamics_problem import JITTER, Problem

from pamlflow.models.latent_gp.use.statistics import PsiStatistics, unit_covariance


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.7, -0.4)])
def test_whitened_statistics_equal_their_definition(slope):
    known = Problem(0, slope=slope)
    scales = np.array([2.0, 0.3])
    known.model.output_scale.assign(scales)
    found = PsiStatistics(known.transitions)(
        known.model.values(), known.mean, known.variance, JITTER
    )
    dense = known.dense(known.variance)
    weights = np.exp(-known.mean[known.task_of] @ known.slope)
    L = np.linalg.cholesky(dense["Kuu"])
    Psi2 = np.einsum("n,nmk->mk", weights, dense["Psi2"])
    projected = np.einsum("n,nm,np->mp", weights, dense["Psi1"], known.outputs / scales)
    np.testing.assert_allclose(found.inverse @ L, np.eye(6), atol=1e-7)
    expected = np.linalg.solve(L, np.linalg.solve(L, Psi2).T)
    np.testing.assert_allclose(found.A, expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.c, np.linalg.solve(L, projected), rtol=1e-7, atol=1e-9)
    root = np.sqrt(weights)[:, None]
    np.testing.assert_allclose(found.Psi1, root * dense["Psi1"], rtol=1e-9)
    np.testing.assert_allclose(found.outputs, root * known.outputs / scales)
    np.testing.assert_allclose(found.row_weights(), weights)


def test_the_statistics_of_a_task_do_not_depend_on_the_others():
    """Their sum over the tasks is that of all, but for the prior covariance that whitens them."""
    known = Problem(1, slope=(0.3, 0.2))
    values, ends = known.model.values(), np.cumsum(known.transitions.lengths)
    whole = PsiStatistics(known.transitions)(values, known.mean, known.variance, JITTER)
    A, c, start = 0.0, 0.0, 0
    for i, end in enumerate(ends):
        alone = known.transitions._replace(
            inputs=known.inputs[start:end],
            outputs=known.outputs[start:end],
            lengths=known.transitions.lengths[[i]],
        )
        part = PsiStatistics(alone)(values, known.mean[[i]], known.variance[[i]], JITTER)
        A, c, start = A + part.A, c + part.c, end
    np.testing.assert_allclose(whole.A, A, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(whole.c, c, rtol=1e-9, atol=1e-9)


def test_the_covariance_of_inducing_points_is_exactly_that_of_the_kernel():
    known = Problem(2)
    values = known.model.values()
    Z = np.hstack([known.Z_x, known.Z_h])
    expected = reference.kernel(Z, Z, known.lengthscales, known.s2)
    np.testing.assert_allclose(values.inducing_covariance(0.0), expected, rtol=1e-12)
    jittered = values.inducing_covariance(1e-3)
    np.testing.assert_allclose(np.diag(jittered), known.s2 * 1.001, rtol=1e-12)
    np.testing.assert_array_equal(np.diag(unit_covariance(1e6 * Z)), np.ones(6))


def test_noise_precisions_are_relative_to_the_signals_and_to_a_task_at_zero():
    known = Problem(3, slope=(0.7, -0.4))
    known.model.output_scale.assign([2.0, 0.3])
    values = known.model.values()
    np.testing.assert_allclose(values.precision(), np.square([2.0, 0.3]) / known.noise)
    np.testing.assert_allclose(values.task_weights(np.zeros((2, 2))), 1.0)
    one = values.task_weights(np.array([[1.0, 2.0]]))
    np.testing.assert_allclose(one, np.exp(-(0.7 - 0.8)))
