"""A model of GPflow as L-BFGS sees it, against the model whose gradient is in closed form."""

import gpflow
import numpy as np
import pytest

from pamlflow.models.interface import LatentPosterior, TrainingRecord
from pamlflow.models.latent_gp.fit.closed_form.vector_model import VectorModel
from pamlflow.models.latent_gp.fit.optimiser import Optimiser
from pamlflow.models.latent_gp.fit.with_gpflow.traced_search import TracedSearch
from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel
from pamlflow.models.latent_gp.settings import ModelSettings

SETTINGS = ModelSettings(inducing_points=12)
NOISE, SLOPE = ".dynamics.noise", ".dynamics.noise_slope"


class Traced(GPflowVectorModel, TracedSearch):
    """The model of vectors that TensorFlow differentiates."""


def loss_of(model):
    """Loss and gradient, all entries being free."""
    return model.loss(np.ones(len(model.state()), dtype=bool))


def start(tasks):
    rng = np.random.default_rng(0)
    shape = (tasks.num_tasks, 2)
    return LatentPosterior(rng.normal(size=shape), rng.uniform(0.05, 0.3, size=shape))


@pytest.fixture
def traced(ragged_tasks):
    model = Traced(ragged_tasks, SETTINGS, start(ragged_tasks))
    model.place(start(ragged_tasks))
    model.choose_inducing_points()
    return model


@pytest.fixture
def closed(ragged_tasks):
    model = VectorModel(ragged_tasks, SETTINGS)
    model.place(start(ragged_tasks))
    model.choose_inducing_points()
    return model


def test_loss_and_gradient_are_those_of_the_closed_form(traced, closed):
    (value, gradient), (expected, derivatives) = loss_of(traced), loss_of(closed)
    assert value == pytest.approx(expected, rel=1e-10)
    for path, part in closed.parameters.items():
        if part.trainable:
            ours, theirs = gradient[traced.entries(path)], derivatives[closed.entries(path)]
            tolerance = 1e-8 * max(1.0, np.abs(theirs).max())
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=tolerance, err_msg=path)


def test_both_searches_take_the_same_way(traced, closed):
    records = TrainingRecord(), TrainingRecord()
    for model, record in zip((traced, closed), records, strict=True):
        free = ~model.entries(SLOPE)
        Optimiser(model, record).minimise(8, "fit", free)
    np.testing.assert_allclose(records[0].bound, records[1].bound, rtol=1e-6)
    np.testing.assert_allclose(traced.latent.mean.numpy(), closed.latent.mean, atol=1e-4)
    np.testing.assert_array_equal(traced.dynamics.noise_slope.numpy(), [0.0, 0.0])


def test_state_and_restore_are_inverses(traced):
    state = traced.state()
    values = gpflow.utilities.parameter_dict(traced)
    before = {path: value.numpy().copy() for path, value in values.items()}
    traced.restore(state + 0.1)
    assert np.all(traced.state() == state + 0.1)
    traced.restore(state)
    np.testing.assert_array_equal(traced.state(), state)
    for path, value in before.items():
        np.testing.assert_allclose(values[path].numpy(), value, rtol=1e-12, err_msg=path)


def test_entries_are_those_of_the_named_paths(traced):
    state = traced.state()
    before = gpflow.utilities.read_values(traced)
    traced.restore(state + traced.entries(NOISE, SLOPE))
    after = gpflow.utilities.read_values(traced)
    moved = {path for path, value in before.items() if not np.array_equal(value, after[path])}
    assert moved == {NOISE, SLOPE}


def test_the_loss_follows_state_and_jitter_without_a_new_trace(traced, monkeypatch):
    first, _ = loss_of(traced)
    monkeypatch.setattr(traced, "training_loss", lambda: pytest.fail("traced again"))
    state = traced.state()
    traced.restore(state + 0.1)
    assert loss_of(traced)[0] != first
    traced.restore(state)
    assert loss_of(traced)[0] == first
    assert traced.jitter == 1e-6
    traced.jitter = 1e-4
    assert traced.jitter == 1e-4
    assert loss_of(traced)[0] != first


def test_a_failing_factorisation_is_not_a_number_and_raises_the_jitter(traced):
    for parameter in (traced.dynamics.inducing_inputs, traced.dynamics.inducing_latents):
        parameter.assign(np.tile(parameter.numpy()[:1], (12, 1)))
    traced.jitter = 1e-19
    value, gradient = loss_of(traced)
    assert np.isnan(value) and gradient.shape == traced.state().shape
    record = TrainingRecord()
    assert np.isfinite(Optimiser(traced, record).minimise(1, "fit"))
    assert record.events[0] == "fit: jitter raised to 1e-18"


def test_what_is_not_finite_is_named(traced):
    assert not traced.spoilt()
    traced.restore(np.where(traced.entries(NOISE), np.nan, traced.state()))
    assert traced.spoilt() == [NOISE]


def test_both_give_the_same_arrays(traced, closed):
    ours, theirs = traced.trained(), closed.trained()
    for name, value in theirs.to_datasets().items():
        if name.startswith(("latent", "scaler", "parameters", "posterior/descriptor")):
            np.testing.assert_allclose(ours.to_datasets()[name], value, rtol=1e-6, atol=1e-9)
