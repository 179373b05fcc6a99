"""Parameters of the round before under a new standardisation: the same function in the user's units."""

import dataclasses

import numpy as np
import pytest

from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.fit.carrying import (
    below,
    descriptor_carried_on,
    dynamics_carried_on,
)
from pamlflow.models.latent_gp.fit.closed_form.descriptor_bound import (
    DescriptorBound,
    DescriptorValues,
)
from pamlflow.models.latent_gp.fit.closed_form.dynamics_bound import DynamicsBound
from pamlflow.models.latent_gp.fit.priors import ABOVE_FLOOR, DESCRIPTOR_NOISE_FLOOR
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.models.latent_gp.use.sparse_posterior import optimal_posterior
from pamlflow.models.latent_gp.use.statistics import DynamicsValues, PsiStatistics, Transitions

JITTER, FLOOR = 1e-8, 1e-6
NOTHING = np.zeros(2), np.ones(2)
LENGTHS = np.array([5, 1, 7])
PATHS = {
    "variance": ".kernel_x.variance",
    "lengthscales_x": ".kernel_x.lengthscales",
    "lengthscales_h": ".kernel_h.lengthscales",
    "output_scale": ".output_scale",
    "noise": ".noise",
    "noise_slope": ".noise_slope",
}


def scaler(input_mean, input_scale, output_scale):
    """The mean of the outputs stays: f of a new task is zero there, whatever the units are."""
    parts = input_mean, input_scale, [0.4, -0.3], output_scale
    return Scaler(*(np.array(part) for part in parts), *NOTHING)


OLD = scaler([1.0, -2.0], [0.5, 3.0], [2.0, 0.1])
NEW = scaler([0.2, -1.0], [0.9, 1.5], [0.7, 0.4])


def transitions_of(inputs, outputs, units):
    return Transitions(units.inputs(inputs), units.outputs(outputs), LENGTHS)


@pytest.fixture
def before():
    """What the round before has learned, in its own units."""
    rng = np.random.default_rng(0)
    return DynamicsValues(
        variance=np.array(1.0),
        lengthscales_x=rng.lognormal(0.3, 0.3, size=2),
        lengthscales_h=rng.lognormal(0.3, 0.3, size=2),
        inducing_inputs=rng.normal(size=(6, 2)),
        inducing_latents=rng.normal(size=(6, 2)),
        output_scale=np.array([1.7, 0.6]),
        noise=np.array([0.02, 0.3]),
        noise_slope=np.zeros(2),
    )


def parameters_of(values):
    named = {path: getattr(values, name) for name, path in PATHS.items()}
    named[".kernel_h.variance"] = np.array(1.0)
    points = {f".{name}": getattr(values, name) for name in ("inducing_inputs", "inducing_latents")}
    return named | points


def carried_on(values, latents, *, floor=FLOOR, shared=False):
    """The parameters in NEW units; the scaler of a trained model has its signals for a scale."""
    trained = dataclasses.replace(OLD, output_scale=OLD.output_scale * values.output_scale)
    return dynamics_carried_on(
        parameters_of(values), trained, NEW, latents, noise_floor=floor, shared_signal=shared
    )


def test_bound_and_predictions_of_the_dynamics_stay_the_same_in_the_users_units(before):
    rng = np.random.default_rng(1)
    inputs, outputs = rng.normal(size=(13, 2)), rng.normal(size=(13, 2))
    mean, variance = rng.normal(size=(3, 2)), rng.lognormal(-2.0, size=(3, 2))
    found = carried_on(before, mean)
    points = NEW.inputs(before.inducing_inputs * OLD.input_scale + OLD.input_mean)
    after = DynamicsValues(
        **{name: found[path] for name, path in PATHS.items() if path in found},
        inducing_inputs=points,
        inducing_latents=before.inducing_latents,
        noise_slope=np.zeros(2),
    )
    bounds, predictions = [], []
    test = LatentPosterior(rng.normal(size=(4, 2)), rng.lognormal(-2.0, size=(4, 2)))
    at = rng.normal(size=(4, 3, 2))
    for values, units in ((before, OLD), (after, NEW)):
        data = transitions_of(inputs, outputs, units)
        bound, _ = DynamicsBound(data)(values, mean, variance, JITTER)
        # The density of outcomes in the user's units.
        bounds.append(bound - len(inputs) * np.log(units.output_scale).sum())
        posterior = optimal_posterior(PsiStatistics(data)(values, mean, variance, JITTER), values)
        f_mean, f_variance = posterior.moments(units.inputs(at), test)
        unit = units.output_scale * values.output_scale
        noise = posterior.noise * np.square(unit)
        predictions.append((f_mean * unit, f_variance * np.square(unit), noise))
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-9)
    for ours, theirs in zip(*predictions, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_inducing_points_are_left_to_be_chosen_again(before):
    found = carried_on(before, np.zeros((3, 2)))
    assert found.keys() == (set(PATHS.values()) | {".kernel_h.variance"}) - {".noise_slope"}


def test_all_tasks_start_with_the_mean_of_their_noise(before):
    latents = np.array([[0.0, 0.0], [1.0, 2.0]])
    sloped = before._replace(noise_slope=np.array([0.4, -0.8]))
    ratio = carried_on(sloped, latents)[".noise"] / carried_on(before, latents)[".noise"]
    np.testing.assert_allclose(ratio, 0.5 * (1.0 + np.exp(0.4 - 1.6)))


def test_a_shared_signal_stays_in_the_variance_of_the_kernel(before):
    shared = before._replace(output_scale=np.ones(2), variance=np.array(2.5))
    found = carried_on(shared, np.zeros((3, 2)), shared=True)
    np.testing.assert_array_equal(found[".output_scale"], [1.0, 1.0])
    assert found[".kernel_x.variance"] == 2.5
    unit = np.square(OLD.output_scale / NEW.output_scale)
    np.testing.assert_allclose(found[".noise"], shared.noise * unit)


def test_noise_that_new_units_push_below_its_floor_is_lifted(before):
    latents = np.zeros((3, 2))
    noise = carried_on(before, latents)[".noise"]
    floor = np.sqrt(noise.prod())  # between the two
    found = carried_on(before, latents, floor=floor)[".noise"]
    np.testing.assert_allclose(found, np.maximum(noise, ABOVE_FLOOR * floor))
    assert found.min() > floor


def test_what_is_carried_on_is_a_copy(before):
    parameters = parameters_of(before)
    copies = {path: np.array(value) for path, value in parameters.items()}
    trained = dataclasses.replace(OLD, output_scale=OLD.output_scale * before.output_scale)
    options = {"noise_floor": FLOOR, "shared_signal": False}
    dynamics_carried_on(parameters, trained, NEW, np.zeros((3, 2)), **options)
    assert parameters.keys() == copies.keys()
    for path, value in parameters.items():
        np.testing.assert_array_equal(value, copies[path])


def descriptor_units(mean, scale):
    return Scaler(*NOTHING, *NOTHING, np.array(mean), np.array(scale))


def descriptors_before():
    rng = np.random.default_rng(2)
    return DescriptorValues(
        lengthscales=rng.lognormal(0.2, 0.3, size=(2, 2)),
        variance=rng.lognormal(size=2),
        noise=rng.lognormal(-2.0, size=2),
        slope=rng.normal(size=(2, 2)),
        intercept=rng.normal(size=2),
    )


OLD_VIEW = descriptor_units([1.0, -2.0], [0.5, 3.0])
NEW_VIEW = descriptor_units([0.3, -2.5], [0.9, 1.2])


def view_carried_on(values):
    named = {f".{name}": value for name, value in values._asdict().items()}
    found = descriptor_carried_on(named, OLD_VIEW, NEW_VIEW)
    return DescriptorValues(**{path[1:]: value for path, value in found.items()})


def test_the_bound_of_the_descriptors_stays_the_same_in_the_users_units():
    rng, before = np.random.default_rng(3), descriptors_before()
    psi, mean = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
    variance, found = rng.lognormal(-2.0, size=(6, 2)), []
    for values, units in ((before, OLD_VIEW), (view_carried_on(before), NEW_VIEW)):
        bound = DescriptorBound(units.descriptors(psi), np.arange(4))
        value, _ = bound(values, mean, variance, JITTER)
        found.append(value - len(psi) * np.log(units.descriptor_scale).sum())
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_the_noise_of_descriptors_stays_above_its_floor():
    before = descriptors_before()
    before = before._replace(noise=np.array([1.001 * DESCRIPTOR_NOISE_FLOOR, 0.01]))
    noise = view_carried_on(before).noise  # the first unit grows
    assert noise[0] == pytest.approx(ABOVE_FLOOR * DESCRIPTOR_NOISE_FLOOR)
    assert noise[1] == pytest.approx(0.01 * (3.0 / 1.2) ** 2)


def test_the_parameters_of_a_part_are_found_below_its_path():
    parameters = {".dynamics.noise": 1, ".dynamics_too.noise": 2, ".descriptor.noise": 3}
    assert below("dynamics", parameters) == {".noise": 1}
    assert below("descriptor", parameters) == {".noise": 3}
    assert below("latent", parameters) == {}
