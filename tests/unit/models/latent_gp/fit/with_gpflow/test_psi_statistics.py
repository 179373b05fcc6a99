"""Kernel expectations by task against GPflow's by transition, and the hand-written gradient."""

import gpflow
import numpy as np
import pytest
import reference
import tensorflow as tf
from check_shapes.exceptions import ShapeMismatchError
from gpflow.expectations import expectation
from gpflow.probability_distributions import DiagonalGaussian
from hypothesis import given, settings
from hypothesis import strategies as st

from pamlflow.models.latent_gp.fit.with_gpflow.dynamics_gp import DynamicsGP, TaskData
from pamlflow.models.latent_gp.fit.with_gpflow.psi_statistics import (
    expected_kernel,
    kernel_covariance,
    pair_features,
    unit_kernel,
)


def problem(seed, lengths=(4, 1, 6), dims=(3, 2), count=5):
    """Ragged tasks, moments of q(h), inducing points and kernel parameters."""
    rng = np.random.default_rng(seed)
    number, (Dx, Q) = len(lengths), dims
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(float)
    return {
        "inputs": rng.normal(size=(*mask.shape, Dx)) * mask[..., None],
        "outputs": rng.normal(size=(*mask.shape, 2)) * mask[..., None],
        "mask": mask,
        "mean": rng.normal(size=(number, Q)),
        "variance": rng.lognormal(-1.0, 1.5, size=(number, Q)),
        "Z_x": rng.normal(size=(count, Dx)),
        "Z_h": rng.normal(size=(count, Q)),
        "l_x": rng.lognormal(0.3, 0.5, size=Dx),
        "l_h": rng.lognormal(0.3, 0.5, size=Q),
        "s2": rng.lognormal(),
        "weights": rng.lognormal(size=number),
    }


def first_statistic(q):
    """Psi1 of all transitions, put together as the module's docstring says: [N, T, M]."""
    kernel = unit_kernel(q["inputs"], q["Z_x"], q["l_x"]) * q["mask"][..., None]
    expected = expected_kernel(q["mean"], q["variance"], q["Z_h"], q["l_h"])
    root = tf.sqrt(tf.convert_to_tensor(q["weights"]))
    return q["s2"] * root[:, None, None] * expected[:, None, :] * kernel


def second_statistic(q, covariance=kernel_covariance):
    """Psi2 of all transitions."""
    Psi1 = first_statistic(q)
    latent = [tf.convert_to_tensor(q[name]) for name in ("mean", "variance", "Z_h", "l_h")]
    squares = tf.einsum("ntm,ntk->mk", Psi1, Psi1)
    return squares + covariance(Psi1, *pair_features(*latent))


def statistics(p):
    """Psi1'Y and Psi2 of all tasks."""
    root = np.sqrt(p["weights"])[:, None, None]
    Psi1Y = np.einsum("ntm,ntp->mp", first_statistic(p), root * p["outputs"])
    return Psi1Y, second_statistic(p).numpy()


def gpflow_statistics(p):
    present = p["mask"].astype(bool)
    task_of = np.nonzero(present)[0]
    mean = np.hstack([p["inputs"][present], p["mean"][task_of]])
    variance = np.hstack([np.zeros_like(p["inputs"][present]), p["variance"][task_of]])
    lengthscales = np.hstack([p["l_x"], p["l_h"]])
    kernel = gpflow.kernels.SquaredExponential(variance=p["s2"], lengthscales=lengthscales)
    points = gpflow.inducing_variables.InducingPoints(np.hstack([p["Z_x"], p["Z_h"]]))
    q = DiagonalGaussian(tf.constant(mean), tf.constant(variance))
    weights = p["weights"][task_of]
    Psi1 = expectation(q, (kernel, points)).numpy()
    Psi2 = expectation(q, (kernel, points), (kernel, points)).numpy()
    Psi1Y = np.einsum("n,nm,np->mp", weights, Psi1, p["outputs"][present])
    return Psi1Y, np.einsum("n,nmk->mk", weights, Psi2)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    dims=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    count=st.integers(1, 6),
)
def test_statistics_equal_those_of_gpflow(seed, lengths, dims, count):
    p = problem(seed, lengths, dims, count)
    for ours, theirs in zip(statistics(p), gpflow_statistics(p), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


def test_statistics_equal_quadrature_over_h():
    p = problem(1, lengths=(2, 1, 3))
    p["variance"] = np.minimum(p["variance"], 0.5)  # what 24 nodes resolve
    present = p["mask"].astype(bool)
    task_of = np.nonzero(present)[0]
    names = ("mean", "variance", "Z_x", "Z_h", "l_x", "l_h", "s2")
    Psi1, Psi2 = reference.psi_statistics(p["inputs"][present], task_of, *(p[n] for n in names))
    Psi1Y, total = statistics(p)
    weights = p["weights"][task_of]
    np.testing.assert_allclose(
        Psi1Y, np.einsum("n,nm,np->mp", weights, Psi1, p["outputs"][present]), atol=1e-7
    )
    np.testing.assert_allclose(total, np.einsum("n,nmk->mk", weights, Psi2), atol=1e-7)


def test_a_certain_latent_adds_no_covariance():
    p = problem(2)
    latent = [tf.constant(a) for a in (p["mean"], np.zeros_like(p["mean"]), p["Z_h"], p["l_h"])]
    first = expected_kernel(*latent).numpy()
    np.testing.assert_allclose(first, reference.kernel(p["mean"], p["Z_h"], p["l_h"]), rtol=1e-12)
    tasks, pairs = pair_features(*latent)
    np.testing.assert_array_equal(tasks @ pairs, 0.0)


def test_a_covariance_far_below_one_keeps_its_digits():
    p = problem(6)
    p["variance"] = np.full((3, 2), 1e-13)
    latent = [tf.constant(p[name]) for name in ("mean", "variance", "Z_h", "l_h")]
    tasks, pairs = pair_features(*latent)
    # To first order in the variance: sum over q of v (mu - z) (mu - z') / l^4.
    offset = (p["mean"][:, None] - p["Z_h"]) / p["l_h"] ** 2
    expected = np.einsum("nq,nmq,nkq->nmk", p["variance"], offset, offset)
    np.testing.assert_allclose(
        np.reshape(tasks @ pairs, (3, 5, 5)), expected, rtol=1e-9, atol=1e-26
    )


def test_padding_changes_nothing():
    p = problem(3)
    padded = dict(p)
    for name in ("inputs", "outputs"):
        padded[name] = np.pad(p[name], [(0, 0), (0, 4), (0, 0)], constant_values=3.0)
    padded["outputs"][:, 6:] = 0.0
    padded["mask"] = np.pad(p["mask"], [(0, 0), (0, 4)])
    for ours, theirs in zip(statistics(p), statistics(padded), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def plain_covariance(Psi1, tasks, pairs):
    """The same sum for automatic differentiation."""
    size = tf.shape(Psi1)[2]
    excess = tf.reshape(tf.exp(tasks @ pairs) - 1.0, [-1, size, size])
    return tf.reduce_sum(excess * tf.linalg.matmul(Psi1, Psi1, transpose_a=True), 0)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_equals_automatic_differentiation(seed):
    p = problem(seed)
    names = ("inputs", "Z_x", "l_x", "mean", "variance", "Z_h", "l_h", "weights")
    variables = {name: tf.constant(p[name]) for name in names}
    upstream = np.random.default_rng(seed).normal(size=(5, 5))  # not symmetric

    def gradients(covariance):
        with tf.GradientTape() as tape:
            tape.watch(variables)
            value = tf.reduce_sum(upstream * second_statistic(p | variables, covariance))
        return value, *tape.gradient(value, variables).values()

    for ours, theirs in zip(gradients(kernel_covariance), gradients(plain_covariance), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


def test_gradient_equals_finite_differences():
    p = problem(4)
    names = ("mean", "variance", "Z_x", "Z_h", "l_x", "l_h", "weights")
    rng = np.random.default_rng(0)
    with tf.GradientTape() as tape:
        variables = {name: tf.constant(p[name]) for name in names}
        tape.watch(variables)
        value = tf.reduce_sum(tf.square(second_statistic(p | variables)))
    gradients = tape.gradient(value, variables)
    for name in names:
        direction, step = rng.normal(size=p[name].shape), 1e-5
        ends = []
        for sign in (1.0, -1.0):
            moved = p | {name: p[name] + sign * step * direction}
            ends.append(np.sum(statistics(moved)[1] ** 2))
        slope = np.sum(gradients[name].numpy() * direction)
        assert (ends[0] - ends[1]) / (2.0 * step) == pytest.approx(slope, rel=1e-6), name


def test_no_array_of_transitions_by_inducing_points_squared():
    number, length, count = 3, 40, 30
    model = DynamicsGP(
        2,
        2,
        np.zeros((count, 2)),
        np.zeros((count, 2)),
        noise_floor=1e-6,
        signal="shared",
        task_scaled=True,
    )

    @tf.function(autograph=False)
    def gradients(inputs, outputs, mask, mean, variance):
        with tf.GradientTape() as tape:
            data = TaskData(inputs, outputs, mask)
            value = model.bound(data, mean, variance, tf.constant(1e-6, tf.float64))
        return value, tape.gradient(value, model.trainable_variables)

    shapes = [(number, length, 2)] * 2 + [(number, length)] + [(number, 2)] * 2
    graph = gradients.get_concrete_function(*(tf.TensorSpec(s, tf.float64) for s in shapes)).graph
    outputs = [output for operation in graph.get_operations() for output in operation.outputs]
    sizes = [output.shape.num_elements() for output in outputs]
    known = [size for size in sizes if size is not None]
    assert len(known) > 0.8 * len(sizes)
    assert max(known) < length * count**2  # that of a single task


def test_shapes_are_checked():
    p = problem(0)
    with pytest.raises(ShapeMismatchError):
        expected_kernel(p["mean"], p["variance"][:1], p["Z_h"], p["l_h"])
    with pytest.raises(ShapeMismatchError):
        unit_kernel(p["inputs"], p["Z_x"], p["l_h"])
