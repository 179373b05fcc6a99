"""The trained model as arrays: to HDF5 and back, and what it predicts in the units of the data."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import reference

from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.use.descriptor_posterior import DescriptorPosterior
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.storage import store


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, trained, fitted, ragged_tasks):
    """The trained model out of a round file."""
    path = tmp_path_factory.mktemp("round") / "round_00.h5"
    record = fitted[1]
    datasets = {
        "round": np.int64(0),
        **ragged_tasks.to_datasets(),
        **trained.to_datasets(),
        "training/bound": np.array(record.bound),
        "training/events": record.events,
    }
    store.write(path, "round", datasets, seed=1, config={})
    return TrainedModel.from_datasets(store.read(path, "round").datasets)


def test_every_array_survives_the_file(trained, loaded):
    for ours, theirs in (
        (loaded.dynamics, trained.dynamics),
        (loaded.descriptor, trained.descriptor),
    ):
        for name, value in theirs.to_datasets().items():
            np.testing.assert_array_equal(ours.to_datasets()[name], value, err_msg=name)
    for name, value in dataclasses.asdict(trained.scaler).items():
        np.testing.assert_array_equal(getattr(loaded.scaler, name), value, err_msg=name)
    assert loaded.parameters.keys() == trained.parameters.keys()
    for name, value in trained.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], value, err_msg=name)


def test_loaded_model_infers_and_predicts_the_same(trained, loaded, ragged_tasks):
    data = TaskArrays(*ragged_tasks.padded())
    results = []
    for model in (trained, loaded):
        latent = model.infer(data=data, descriptors=ragged_tasks.descriptors)
        results.append([*latent[:2], *model.predict(data.inputs, latent), *model.latent[:2]])
        results[-1].append(model.predict_descriptors(latent.mean))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_predictions_are_in_the_units_of_the_data(trained, ragged_tasks):
    values = trained.dynamics.values._replace(noise_slope=np.array([0.4, -0.8]))
    dynamics = dataclasses.replace(trained.dynamics, values=values)
    trained = dataclasses.replace(trained, dynamics=dynamics)
    inputs = ragged_tasks.inputs[None, :4]
    latent = LatentPosterior(np.array([[0.3, -0.4]]), np.array([[0.2, 0.1]]))
    mean, variance = trained.predict(inputs, latent)
    f_mean, f_variance = trained.dynamics.moments(trained.scaler.inputs(inputs), latent)
    scale = ragged_tasks.outputs.std(axis=0) * trained.parameters[".dynamics.output_scale"]
    np.testing.assert_allclose(mean, f_mean * scale + ragged_tasks.outputs.mean(axis=0))
    noise = np.exp(0.4 * 0.3 + 0.8 * 0.4) * dynamics.sharp_noise
    np.testing.assert_allclose(variance, (f_variance + noise) * scale**2)

    elbo_mean, elbo_variance = trained.predict(inputs, latent, "elbo")
    noise = np.exp(0.4 * 0.3 + 0.8 * 0.4) * values.noise
    f_mean, f_variance = trained.dynamics.search.moments(trained.scaler.inputs(inputs), latent)
    np.testing.assert_allclose(elbo_mean, f_mean * scale + ragged_tasks.outputs.mean(axis=0))
    np.testing.assert_allclose(elbo_variance, (f_variance + noise) * scale**2)


def test_without_noise_the_variance_is_that_of_the_function(trained, ragged_tasks):
    inputs = ragged_tasks.inputs[None, :4]
    latent = LatentPosterior(np.array([[0.3, -0.4]]), np.array([[0.2, 0.1]]))
    noisy, exact = trained.predict(inputs, latent), trained.predict(inputs, latent, noise=False)
    np.testing.assert_array_equal(exact[0], noisy[0])
    _, of_f = trained.dynamics.moments(trained.scaler.inputs(inputs), latent)
    np.testing.assert_allclose(exact[1], of_f * trained.scaler.output_scale**2, rtol=1e-12)
    assert np.all(exact[1] < noisy[1])


def test_covariances_are_in_the_units_of_the_data_and_agree_with_the_variances(
    trained, ragged_tasks
):
    inputs = ragged_tasks.inputs[:8].reshape(2, 4, 2)
    for variance in (np.zeros((2, 2)), np.full((2, 2), 0.3)):
        latent = LatentPosterior(trained.latent.mean[:2], variance)
        covariance = trained.covariance(inputs, latent)
        assert covariance.shape == (2, 2, 4, 2, 4)
        _, expected = trained.predict(inputs, latent, noise=False)
        np.testing.assert_allclose(
            np.einsum("pisis->isp", covariance), expected, rtol=1e-5, atol=1e-12
        )
    with pytest.raises(ValueError, match=r"inputs: expected shape \[2, T, 2\], found \[1, 8, 2\]"):
        trained.covariance(inputs.reshape(1, 8, 2), latent)


def test_descriptors_of_latent_points_are_in_their_units(trained, ragged_tasks):
    points = np.array([[0.0, 0.0], [1.0, -0.5]])
    expected = [reference.descriptor_at(trained.descriptor, h)[0] for h in points]
    scale, mean = ragged_tasks.descriptors.std(axis=0), ragged_tasks.descriptors.mean(axis=0)
    np.testing.assert_allclose(trained.predict_descriptors(points), expected * scale + mean)


def test_descriptors_of_training_tasks_are_recovered(trained, ragged_tasks):
    error = trained.predict_descriptors(trained.latent.mean) - ragged_tasks.descriptors
    assert np.all(np.sqrt(np.mean(error**2, axis=0)) < 0.5 * ragged_tasks.descriptors.std(axis=0))


def test_noise_is_part_of_the_predicted_variance(trained, ragged_tasks):
    latent = LatentPosterior(trained.latent.mean[:1], np.full((1, 2), 1e-12))
    _, variance = trained.predict(ragged_tasks.inputs[None], latent)
    noise = trained.dynamics.sharp_noise * trained.scaler.output_scale**2
    assert np.all(variance[0] >= noise)
    assert np.all(variance[0].min(axis=0) < 3.0 * noise)


def test_a_descriptor_is_looked_for_at_the_training_tasks_too(trained):
    """Only near the task at (1, 1) is psi 1: a peak too narrow for a coarse grid of starts."""
    task = np.array([[1.0, 1.0], [0.0, -1.0]])
    peak = DescriptorPosterior(
        inducing=task[:1],
        lengthscales=np.array([[0.15, 0.15]]),
        variance=np.ones(1),
        noise=np.array([0.01]),
        slope=np.zeros((2, 1)),
        intercept=np.zeros(1),
        weights=np.ones((1, 1)),
        reduction=np.full((1, 1, 1), 0.999),
    )
    scaler = dataclasses.replace(
        trained.scaler, descriptor_mean=np.zeros(1), descriptor_scale=np.ones(1)
    )
    latent = LatentPosterior(task, np.full((2, 2), 0.01))
    model = dataclasses.replace(trained, descriptor=peak, latent=latent, scaler=scaler)
    found = model.infer(descriptors=np.ones((1, 1)))
    assert np.abs(found.mean - task[0]).max() < 0.1


def test_a_descriptor_that_says_less_than_h_leaves_a_covariance():
    """psi = 2 h1 - h2 + noise: the posterior of a linear view is Gaussian, in closed form."""
    slope, noise = np.array([[2.0], [-1.0]]), 0.01
    linear = DescriptorPosterior(
        inducing=np.zeros((1, 2)),
        lengthscales=np.ones((1, 2)),
        variance=np.full(1, 1e-12),
        noise=np.array([noise]),
        slope=slope,
        intercept=np.array([0.5]),
        weights=np.zeros((1, 1)),
        reduction=np.zeros((1, 1, 1)),
    )
    psi = np.array([[-1.0], [0.5], [3.0]])
    found = linear.infer(psi, np.zeros((1, 2)))
    covariance = np.linalg.inv(np.eye(2) + slope @ slope.T / noise)
    np.testing.assert_allclose(found.mean, (psi - 0.5) / noise @ slope.T @ covariance, atol=1e-3)
    np.testing.assert_allclose(found.covariance, np.tile(covariance, (3, 1, 1)), rtol=1e-6)
    np.testing.assert_array_equal(found.variance, np.tile(np.diag(found.covariance[0]), (3, 1)))


def test_prediction_from_a_descriptor_knows_its_covariance(trained, ragged_tasks):
    inputs = np.tile(ragged_tasks.inputs[None, :4], (8, 1, 1))
    latent = trained.infer(descriptors=ragged_tasks.descriptors)
    scaler = trained.scaler
    f_mean, f_variance = trained.dynamics.moments(scaler.inputs(inputs), latent)
    noise = trained.dynamics.values.noise
    mean, variance = trained.predict(inputs, latent)
    np.testing.assert_allclose(mean, f_mean * scaler.output_scale + scaler.output_mean)
    np.testing.assert_allclose(variance, (f_variance + noise) * scaler.output_scale**2)
    independent = trained.predict(inputs, latent._replace(covariance=None))
    assert not np.allclose(independent[1], variance, rtol=1e-3)


def test_padding_may_hold_anything(trained, ragged_tasks):
    clean = TaskArrays(*ragged_tasks.padded())
    gaps = clean.mask == 0.0
    spoilt = clean._replace(inputs=clean.inputs.copy(), outputs=clean.outputs.copy())
    spoilt.inputs[gaps], spoilt.outputs[gaps] = np.inf, np.nan
    expected, found = trained.infer(data=clean), trained.infer(data=spoilt)
    np.testing.assert_array_equal(found.mean, expected.mean)
    np.testing.assert_array_equal(found.variance, expected.variance)


def one(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (lambda psi, data: {}, "expected descriptors, data or both, found neither"),
        (
            lambda psi, data: {"descriptors": psi[0]},
            r"descriptors: expected shape \[N, 2\], found \[2\]",
        ),
        (
            lambda psi, data: {"descriptors": psi[:, :1]},
            r"descriptors: expected shape \[N, 2\], found \[8, 1\]",
        ),
        (
            lambda psi, data: {"descriptors": one(psi, (3, 1), np.nan)},
            "descriptors of task 3: expected finite numbers",
        ),
        (
            lambda psi, data: {"descriptors": psi[:3], "data": data},
            "expected descriptors of the 8 tasks of data, found 3",
        ),
        (
            lambda psi, data: {"data": data._replace(inputs=data.inputs[0])},
            r"inputs: expected shape \[8, 15, 2\], found \[15, 2\]",
        ),
        (
            lambda psi, data: {"data": data._replace(inputs=data.inputs.swapaxes(1, 2))},
            r"inputs: expected shape \[8, 15, 2\], found \[8, 2, 15\]; .* \(transposed\)",
        ),
        (
            lambda psi, data: {"descriptors": psi.T},
            r"descriptors: expected shape \[N, 2\], found \[2, 8\]; .* \(transposed\)",
        ),
        (
            lambda psi, data: {"descriptors": pd.DataFrame(psi, columns=["shift", "amplitude"])},
            "descriptors: expected an array without names, found columns 'shift', 'amplitude'",
        ),
        (lambda psi, data: {"descriptors": psi + 0j}, "descriptors: .* found complex numbers"),
        (
            lambda psi, data: {"data": data._replace(outputs=data.outputs.astype(str))},
            "outputs: .* found text",
        ),
        (
            lambda psi, data: {"data": data._replace(outputs=data.outputs[..., :1])},
            r"outputs: expected shape \[8, 15, 2\], found \[8, 15, 1\]",
        ),
        (
            lambda psi, data: {"data": data._replace(mask=data.mask[0])},
            r"mask: expected shape \[N, T\], found \[15\]",
        ),
        (
            lambda psi, data: {"data": TaskArrays(*(array[:, :0] for array in data))},
            "at least one transition, found none",
        ),
        (
            lambda psi, data: {"data": data._replace(outputs=one(data.outputs, (5, 0, 1), np.inf))},
            "outputs of task 5: expected finite numbers",
        ),
    ],
)
def test_what_cannot_be_known_of_tasks_is_refused(trained, ragged_tasks, known, message):
    data = TaskArrays(*ragged_tasks.padded())
    with pytest.raises(ValueError, match=message):
        trained.infer(**known(ragged_tasks.descriptors, data))


def test_inputs_of_predictions_need_a_row_for_each_task(trained, ragged_tasks):
    latent = trained.infer(descriptors=ragged_tasks.descriptors)
    for wrong in (ragged_tasks.inputs[:4], ragged_tasks.inputs[None, :4], np.zeros((8, 4, 3))):
        with pytest.raises(ValueError, match=r"inputs: expected shape \[8, T, 2\], found"):
            trained.predict(wrong, latent)
    with pytest.raises(ValueError, match=r"inputs: .* found complex numbers"):
        trained.predict(np.zeros((8, 4, 2), dtype=complex), latent)


def test_an_inference_that_takes_long_is_announced(caplog, monkeypatch, trained, ragged_tasks):
    monkeypatch.setattr("pamlflow.screening.LARGE", 15 * 30 - 1)
    task = TaskArrays(*ragged_tasks.padded())
    trained.infer(data=TaskArrays(*(part[:, :14] for part in task)))
    assert not caplog.records
    trained.infer(data=task)
    assert "searched for in 15 transitions with 30 inducing points" in caplog.text


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        (np.zeros(2), r"latents: expected shape \[C, 2\], found \[2\]"),
        (np.zeros((2, 5)), r"found \[2, 5\]; .* \(transposed\)"),
        ([["0", "0"]], "latents: .* found text"),
    ],
)
def test_what_is_no_latent_point_is_refused(trained, latents, message):
    with pytest.raises(ValueError, match=message):
        trained.predict_descriptors(latents)


@pytest.mark.parametrize("kind", ["u1", "i1"])
def test_whole_numbers_of_any_type_are_known_alike(trained, kind):
    whole = np.random.default_rng(0).integers(1, 100, size=(2, 3, 2))
    data = TaskArrays(whole.astype(kind), whole.astype(kind), np.ones((2, 3), dtype=bool))
    found = trained.infer(data=data)
    expected = trained.infer(data=TaskArrays(*(array.astype(float) for array in data)))
    np.testing.assert_array_equal(found.mean, expected.mean)
    ours, theirs = (trained.predict(x, found)[0] for x in (data.inputs, whole.astype(float)))
    np.testing.assert_array_equal(ours, theirs)
    points = whole[0, :, :2]
    np.testing.assert_array_equal(
        trained.predict_descriptors(points.astype(kind)), trained.predict_descriptors(1.0 * points)
    )


def test_what_is_less_sure_of_h_is_predicted_by_the_posterior_of_the_bound(trained, ragged_tasks):
    """After the ELBO, and from a descriptor alone; from transitions by the sharp one."""
    inputs, outputs, mask = ragged_tasks.padded()
    bound = dataclasses.replace(trained, dynamics=trained.dynamics.search)
    sharp = dataclasses.replace(trained, dynamics=trained.dynamics.sharp)
    from_data = trained.infer(data=TaskArrays(inputs, outputs, mask))
    from_descriptor = trained.infer(descriptors=ragged_tasks.descriptors)

    def equal(latent, model, objective="predictive"):
        ours = trained.predict(inputs, latent, objective)
        theirs = model.predict(inputs, latent, objective)
        return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))

    assert equal(from_data, sharp) and not equal(from_data, bound)
    assert equal(from_data, bound, "elbo") and not equal(from_data, sharp, "elbo")
    assert equal(from_descriptor, bound) and not equal(from_descriptor, sharp)
