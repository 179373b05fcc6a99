"""Standardisation by the training tasks."""

import dataclasses

import numpy as np
import pytest

from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.tasks import Variable
from pamlflow.units import unit_of


def test_training_data_gets_mean_zero_and_deviation_one(ragged_tasks):
    scaler = Scaler.fit(ragged_tasks)
    for values in (
        scaler.inputs(ragged_tasks.inputs),
        scaler.outputs(ragged_tasks.outputs),
        scaler.descriptors(ragged_tasks.descriptors),
    ):
        np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=1e-12)
        np.testing.assert_allclose(values.std(axis=0), 1.0)


def test_padded_and_single_values_are_scaled_alike(ragged_tasks):
    scaler = Scaler.fit(ragged_tasks)
    padded, _, mask = ragged_tasks.padded()
    np.testing.assert_array_equal(
        scaler.inputs(padded)[mask > 0], scaler.inputs(ragged_tasks.inputs)
    )
    outputs = scaler.outputs(ragged_tasks.outputs)
    back = outputs * scaler.output_scale + scaler.output_mean
    np.testing.assert_allclose(back, ragged_tasks.outputs)


def test_constant_columns_become_zero_and_stay_finite(ragged_tasks):
    inputs = ragged_tasks.inputs.copy()
    inputs[:, 1] = 0.1  # no sum of 0.1s has an exact mean
    descriptors = ragged_tasks.descriptors.copy()
    descriptors[:, 0] = 1e6
    tasks = dataclasses.replace(ragged_tasks, inputs=inputs, descriptors=descriptors)
    scaler = Scaler.fit(tasks)
    np.testing.assert_allclose(scaler.inputs(inputs)[:, 1], 0.0, atol=1e-12)
    np.testing.assert_allclose(scaler.descriptors(descriptors)[:, 0], 0.0, atol=1e-9)
    # What varies at test time is measured by the size of the constant.
    np.testing.assert_allclose(scaler.inputs(np.array([0.0, 0.15]))[1], 0.5)


def test_one_task_has_descriptors_of_zero(ragged_tasks):
    one = ragged_tasks.subset([2])
    scaler = Scaler.fit(one)
    np.testing.assert_array_equal(scaler.descriptors(one.descriptors), [[0.0, 0.0]])
    np.testing.assert_array_equal(scaler.descriptor_scale, np.abs(one.descriptors[0]))


def test_pictures_have_one_mean_and_one_scale_per_colour_channel(ragged_tasks):
    rng = np.random.default_rng(0)
    pictures = rng.uniform([0.0, 0.5, 0.2], [1.0, 0.6, 0.2], size=(8, 4, 5, 3))
    variables = tuple(Variable(name, "1") for name in ("red", "green", "blue"))
    tasks = dataclasses.replace(ragged_tasks, descriptors=pictures, descriptor_variables=variables)
    scaler = Scaler.fit(tasks)
    pixels = pictures.reshape(-1, 3)
    np.testing.assert_allclose(scaler.descriptor_mean, pixels.mean(axis=0))
    np.testing.assert_allclose(scaler.descriptor_scale, [*pixels[:, :2].std(axis=0), 0.2])
    scaled = scaler.descriptors(pictures)
    np.testing.assert_allclose(scaled[2, 3, 4], scaler.descriptors(pictures[2, 3, 4]))
    np.testing.assert_allclose(scaled.mean(axis=(0, 1, 2)), 0.0, atol=1e-12)


def test_datasets_and_back(ragged_tasks):
    scaler = Scaler.fit(ragged_tasks)
    again = Scaler.from_datasets(scaler.to_datasets() | {"latent/mean": np.zeros((5, 2))})
    for name, value in dataclasses.asdict(scaler).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_the_unit_of_a_constant_column_is_its_size_or_one():
    values = np.array([[1.0, 7.0, -3.0, 0.0, -4.0], [3.0, 7.0 + 1e-14, 1.0, 0.0, -4.0]])
    np.testing.assert_allclose(unit_of(values), [1.0, 7.0, 2.0, 1.0, 4.0])


@pytest.mark.parametrize("power", [-1000, -600, -50, -30, 30, 600, 1000])
def test_units_follow_those_of_the_values_bit_by_bit(power):
    """Microfarads or farads; squares of the smallest and the largest do not exist."""
    values = np.random.default_rng(0).uniform(-1.0, 2.0, (40, 3)) * [1.0, 1e-3, 0.0] + [
        0.0,
        5.0,
        3.0,
    ]
    expected = values.std(axis=0)
    np.testing.assert_array_equal(unit_of(values), [*expected[:2], 3.0])
    np.testing.assert_array_equal(
        unit_of(np.ldexp(values, power)), np.ldexp(unit_of(values), power)
    )


@pytest.mark.parametrize("size", [1e-100, 1e-12, 1e-3, 1e9, 1e100])
def test_rounding_is_no_variation_in_any_unit(size):
    noise = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 50) * np.spacing(size)
    np.testing.assert_allclose(unit_of((size + noise)[:, None]), [size])
    np.testing.assert_allclose(unit_of((size + 1e9 * noise)[:, None]), [1e9 * noise.std()])
