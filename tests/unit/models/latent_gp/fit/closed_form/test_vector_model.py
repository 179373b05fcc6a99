"""The meta-model of vectors as a search sees it: its loss, its starts, and what survives a change of scale."""

import copy
import dataclasses
import itertools

import gpflow
import numpy as np
import pytest
import tensorflow as tf

from pamlflow.models.interface import LatentPosterior, TrainingRecord
from pamlflow.models.latent_gp.fit.closed_form import dynamics_bound, noise_bound
from pamlflow.models.latent_gp.fit.closed_form.vector_model import (
    DYNAMICS,
    UNUSED_LENGTHSCALE,
    VectorModel,
)
from pamlflow.models.latent_gp.fit.layout import MAX_DESCRIPTOR_INDUCING
from pamlflow.models.latent_gp.fit.optimiser import FAILED_LOSS, LARGEST_JITTER, Optimiser
from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings

MEAN, VARIANCE = ".latent.mean", ".latent.variance"


def make(tasks, seed=0, **settings):
    """A model with q(H) somewhere, and parameters that are not those of the start."""
    rng = np.random.default_rng(seed)
    model = VectorModel(tasks, ModelSettings(**({"inducing_points": 15} | settings)))
    shape = model.latent.mean.shape
    model.place(LatentPosterior(rng.normal(size=shape), rng.uniform(0.05, 0.3, size=shape)))
    model.choose_inducing_points()
    model.restore(model.state() + 0.1 * rng.normal(size=model.state().shape))
    return model


def loss_of(model):
    """Loss and gradient, all entries being free."""
    return model.loss(np.ones(len(model.state()), dtype=bool))


def values_of(model):
    return {path: part.value.copy() for path, part in model.parameters.items()}


def twin_of(model, tasks, **settings):
    """The same model as a module of GPflow."""
    twin = GPflowVectorModel(
        tasks, ModelSettings(**({"inducing_points": 15} | settings)), model.latent
    )
    # The inducing points of descriptors are where q(H) was placed.
    twin.descriptor._inducing = tf.constant(model._descriptor.inducing)
    gpflow.utilities.multiple_assign(twin, values_of(model))
    return twin


@pytest.fixture
def model(ragged_tasks):
    return make(ragged_tasks)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("signal", ["per_output", "shared"])
@pytest.mark.parametrize("noise", ["per_output", "task_scaled"])
def test_loss_and_gradient_are_those_of_gpflow(ragged_tasks, dimensions, signal, noise):
    settings = {"latent_dimensions": dimensions, "signal": signal, "noise": noise}
    model = make(ragged_tasks, **settings)
    twin = twin_of(model, ragged_tasks, **settings)
    paths = gpflow.utilities.parameter_dict(twin)
    assert paths.keys() - {".relative_jitter"} == model.parameters.keys()
    trainable = {path: it for path, it in paths.items() if path in model.parameters}
    trainable = {path: it for path, it in trainable.items() if it.trainable}
    assert trainable.keys() == {path for path, it in model.parameters.items() if it.trainable}
    with tf.GradientTape() as tape:
        expected = twin.training_loss()
    variables = [parameter.unconstrained_variable for parameter in trainable.values()]
    value, gradient = loss_of(model)
    assert value == pytest.approx(float(expected), rel=1e-10)
    for path, theirs in zip(trainable, tape.gradient(expected, variables), strict=True):
        ours, theirs = gradient[model.entries(path)], theirs.numpy().ravel()
        tolerance = 1e-8 * max(1.0, np.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=tolerance, err_msg=path)


@pytest.mark.parametrize("count", [1, MAX_DESCRIPTOR_INDUCING + 3])
def test_one_task_and_more_than_a_view_has_inducing_points(make_tasks, count):
    tasks = make_tasks([4] * count)
    model = make(tasks)
    with tf.GradientTape() as tape:
        expected = (twin := twin_of(model, tasks)).training_loss()
    theirs = tape.gradient(expected, twin.latent.mean.unconstrained_variable).numpy()
    value, gradient = loss_of(model)
    assert value == pytest.approx(float(expected), rel=1e-10)
    ours = gradient[model.entries(MEAN)].reshape(theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8 * np.abs(theirs).max())


@pytest.mark.parametrize("signal", ["per_output", "shared"])
def test_the_gradient_equals_central_differences(ragged_tasks, signal):
    model = make(ragged_tasks, signal=signal)
    state, (_, gradient) = model.state(), loss_of(model)
    rng, step = np.random.default_rng(1), 1e-6
    directions = rng.normal(size=(4, len(state)))
    paths = [path for path, part in model.parameters.items() if part.trainable]
    directions = [*directions, *(model.entries(path) * directions[0] for path in paths)]
    for direction in directions:
        ends = []
        for sign in (1.0, -1.0):
            model.restore(state + sign * step * direction)
            ends.append(loss_of(model)[0])
        slope = (ends[0] - ends[1]) / (2.0 * step)
        assert slope == pytest.approx(gradient @ direction, rel=1e-5, abs=1e-4)


def test_the_state_comes_back_with_its_loss(model):
    state, (value, gradient) = model.state(), loss_of(model)
    model.restore(state + 0.3)
    assert loss_of(model)[0] != value
    model.restore(state)
    again, later = loss_of(model)
    assert again == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(later, gradient, rtol=1e-7, atol=1e-7 * np.abs(gradient).max())


def test_the_order_of_the_tasks_does_not_matter(ragged_tasks):
    order = [3, 0, 4, 2, 7, 1, 6, 5]
    one, other = make(ragged_tasks), make(ragged_tasks.subset(order))
    values = values_of(one)
    values |= {path: values[path][order] for path in (MEAN, VARIANCE)}
    # The view of the descriptors has all tasks for its inducing points.
    other.parameters.assign(values)
    assert loss_of(other)[0] == pytest.approx(loss_of(one)[0], rel=1e-9)


def test_units_do_not_matter(ragged_tasks):
    metres = make(ragged_tasks)
    millimetres = make(
        dataclasses.replace(
            ragged_tasks,
            inputs=1e3 * ragged_tasks.inputs + 5.0,
            outputs=1e-3 * ragged_tasks.outputs - 2.0,
            descriptors=1e6 * ragged_tasks.descriptors,
        )
    )
    assert loss_of(metres)[0] == pytest.approx(loss_of(millimetres)[0], rel=1e-8)


def test_a_start_has_the_scales_of_standardised_data_and_no_variation_of_the_noise(ragged_tasks):
    model = VectorModel(ragged_tasks, ModelSettings(inducing_points=15, noise_floor=1e-3))
    values = values_of(model)
    np.testing.assert_array_equal(values[DYNAMICS["noise_slope"]], [0.0, 0.0])
    np.testing.assert_array_equal(values[DYNAMICS["output_scale"]], [1.0, 1.0])
    np.testing.assert_allclose(values[DYNAMICS["noise"]], 0.01)
    assert not model.spoilt()


def test_the_linear_mean_of_the_descriptors_is_fitted_to_where_the_tasks_are_placed(model):
    latents = np.random.default_rng(3).normal(size=(8, 2))
    model.place(LatentPosterior(latents, np.full((8, 2), 0.2)))
    np.testing.assert_array_equal(model.latent.mean, latents)
    view = model._descriptor
    residual = view.descriptors - latents @ model.parameters[".descriptor.slope"].value
    residual -= model.parameters[".descriptor.intercept"].value
    np.testing.assert_allclose(latents.T @ residual, 0.0, atol=1e-9)
    np.testing.assert_allclose(residual.sum(axis=0), 0.0, atol=1e-9)


def test_a_fit_begins_at_each_of_its_starts(ragged_tasks):
    training, settings = TrainingSettings(starts=4), ModelSettings(inducing_points=15)
    model, places = VectorModel.begin(
        ragged_tasks, settings, training, None, np.random.default_rng(0)
    )
    means = []
    for place in places:
        place()
        means.append(model.latent.mean.copy())
        np.testing.assert_array_equal(model.latent.variance, 0.1)
    assert len(means) == 4
    assert all(np.abs(one - other).max() > 0.1 for one, other in itertools.pairwise(means))


def test_the_next_round_begins_where_new_tasks_are_inferred(ragged_tasks, make_tasks, trained):
    new = make_tasks([10], seed=7)
    settings = ModelSettings(inducing_points=30)
    model, place = VectorModel.proceed(ragged_tasks.append(new), settings, trained, None)
    place()
    assert model.latent.mean.shape == (9, 2)
    np.testing.assert_array_equal(model.latent.mean[:8], trained.latent.mean)
    np.testing.assert_array_equal(model.latent.variance[:8], trained.latent.variance)


def test_a_round_with_an_unused_dimension_cannot_be_continued(trained):
    assert VectorModel.can_continue(trained)
    values = trained.dynamics.values
    lengthscales = np.array([1.0, 1.01 * UNUSED_LENGTHSCALE])
    dynamics = dataclasses.replace(
        trained.dynamics, values=values._replace(lengthscales_h=lengthscales)
    )
    assert not VectorModel.can_continue(dataclasses.replace(trained, dynamics=dynamics))


def test_rescaled_latents_change_nothing_but_their_divergence_from_the_prior(ragged_tasks):
    model = make(ragged_tasks)
    model.parameters.assign({MEAN: model.latent.mean * [5.0, 0.2]})
    model.choose_inducing_points()

    def bounds():
        moments = *model.latent[:2], model.jitter
        dynamics, _ = model._dynamics(model._dynamics_values(), *moments)
        return dynamics, model._descriptor(model._descriptor_values(), *moments)[0]

    def divergence():
        mean, variance, _ = model.latent
        return 0.5 * np.sum(np.square(mean) + variance - 1.0 - np.log(variance))

    before, far = bounds(), divergence()
    model.rescale_latents()
    np.testing.assert_allclose(bounds(), before, rtol=1e-9)
    assert divergence() < far - 1.0
    mean, variance, _ = model.latent
    np.testing.assert_allclose(np.mean(mean**2 + variance, axis=0), 1.0)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_any_latent_dimension_can_be_trained(ragged_tasks, dimensions):
    model = make(ragged_tasks, latent_dimensions=dimensions)
    trained = model.trained()
    assert trained.dynamics.points[1].shape == (15, dimensions)
    assert trained.descriptor.slope.shape == (dimensions, 2)


def test_one_task_is_enough(ragged_tasks):
    model = make(ragged_tasks.subset([2]))
    trained = model.trained()
    assert np.all(np.isfinite(trained.predict(ragged_tasks.inputs[None, :3], trained.latent)))


def test_no_more_inducing_points_than_transitions(ragged_tasks):
    model = make(ragged_tasks.subset([1, 3]), inducing_points=50)
    assert model.parameters[DYNAMICS["inducing_inputs"]].value.shape == (8, 2)


def test_what_is_not_finite_is_named(model):
    model.parameters[DYNAMICS["noise"]].value[1] = np.nan
    model.parameters[MEAN].value[0] = np.inf
    assert set(model.spoilt()) == {DYNAMICS["noise"], MEAN}


def together(model):
    """All inducing points at one place: Kuu has rank one."""
    points = model.parameters[DYNAMICS["inducing_inputs"]].value[:1]
    latents = model.parameters[DYNAMICS["inducing_latents"]].value[:1]
    model.parameters.assign(
        {
            DYNAMICS["inducing_inputs"]: np.tile(points, (15, 1)),
            DYNAMICS["inducing_latents"]: np.tile(latents, (15, 1)),
        }
    )


def test_jitter_rises_until_the_factorisation_works(model):
    together(model)
    model.jitter = 1e-19
    value, gradient = loss_of(model)
    assert np.isnan(value) and gradient.shape == model.state().shape
    assert np.all(np.isnan(gradient))
    record = TrainingRecord()
    loss = Optimiser(model, record).minimise(2, "fit")
    assert np.isfinite(loss)
    assert 1e-19 < model.jitter < LARGEST_JITTER
    assert record.events[0] == "fit: jitter raised to 1e-18"


@pytest.mark.parametrize("path", [MEAN, ".dynamics.kernel_x.lengthscales", ".descriptor.slope"])
def test_what_is_not_a_number_is_refused(model, path):
    state = model.state()
    spoilt = np.where(model.entries(path), np.nan, state)
    loss, gradient = Optimiser(model, TrainingRecord()).evaluate(
        spoilt, np.ones(len(spoilt), dtype=bool)
    )
    assert loss == FAILED_LOSS
    np.testing.assert_array_equal(gradient, np.zeros_like(state))


def test_a_bound_above_any_density_is_refused(model, monkeypatch):
    """As rounding may lift it where the noise of tasks differs by many orders of magnitude."""
    optimiser, state = Optimiser(model, TrainingRecord()), model.state()
    everything = np.ones(len(state), dtype=bool)
    assert optimiser.evaluate(state, everything)[0] < FAILED_LOSS
    monkeypatch.setattr(dynamics_bound, "is_possible", lambda value, ceiling: False)
    assert optimiser.evaluate(state, everything)[0] == FAILED_LOSS


def test_wildly_different_noise_is_no_error(ragged_tasks):
    """Weights of e^200 and e^-200: whatever the bound is, a search can go on from it."""
    model = make(ragged_tasks)
    model.parameters.assign({DYNAMICS["noise_slope"]: np.array([200.0, -200.0])})
    state = model.state()
    everything = np.ones(len(state), dtype=bool)
    loss, gradient = Optimiser(model, TrainingRecord()).evaluate(state, everything)
    assert np.isfinite(loss) and np.all(np.isfinite(gradient))


NOISE, SLOPE = DYNAMICS["noise"], DYNAMICS["noise_slope"]


@pytest.mark.parametrize("room", [True, False])
def test_while_the_noise_alone_is_free_the_loss_is_the_same(ragged_tasks, room, monkeypatch):
    """Its gradient by the noise too; the other entries are not asked for."""
    monkeypatch.setattr(noise_bound.NoiseBound, "has_room", lambda *_: room)
    model = make(ragged_tasks)
    rng, noise = np.random.default_rng(2), model.entries(NOISE, SLOPE)
    for _ in range(3):
        model.restore(model.state() + noise * rng.normal(size=noise.shape))
        value, gradient = model.loss(noise)
        expected, slopes = loss_of(copy.deepcopy(model))
        assert value == pytest.approx(expected, rel=1e-10)
        np.testing.assert_allclose(gradient[noise], slopes[noise], rtol=1e-7, atol=1e-7)


def test_a_search_of_the_noise_moves_nothing_else(model):
    before, record = values_of(model), TrainingRecord()
    start = loss_of(model)[0]
    found = Optimiser(model, record).minimise(10, "noise", model.entries(NOISE, SLOPE))
    assert found < start
    assert loss_of(model)[0] == pytest.approx(found, rel=1e-10)
    for path, value in values_of(model).items():
        assert (
            np.array_equal(value, before[path])
            or path in (NOISE, SLOPE)
            or np.allclose(value, before[path], rtol=1e-12)
        )


def test_the_noise_is_searched_for_anew_after_any_other_search(model):
    noise = model.entries(NOISE, SLOPE)
    first, _ = model.loss(noise)
    model.restore(model.state() + 0.1 * model.entries(MEAN))
    expected, _ = loss_of(model)
    assert expected != pytest.approx(first)
    assert model.loss(noise)[0] == pytest.approx(expected, rel=1e-10)
