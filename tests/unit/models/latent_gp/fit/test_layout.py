"""Where the first tasks start in latent space."""

import dataclasses

import numpy as np
import pytest

from pamlflow.models.latent_gp.fit.layout import (
    initial_latents,
    task_behaviours,
)
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.tasks import TaskSet, Variable


def rng():
    return np.random.default_rng(0)


def distances(points):
    """Distances between all pairs of points."""
    pairs = np.triu_indices(len(points), 1)
    return np.linalg.norm(points[:, None] - points, axis=-1)[pairs]


@pytest.fixture(scope="module")
def lines():
    """Tasks y = a x + b sin(2 z) whose descriptor is a alone; b varies half as much."""
    slopes, waves = (
        values.ravel() for values in np.meshgrid(np.linspace(-1, 1, 5), [-0.5, 0.0, 0.5])
    )
    generator, length = rng(), 40
    inputs = generator.uniform(-1.5, 1.5, (len(slopes), length, 2))
    outputs = slopes[:, None] * inputs[..., 0] + waves[:, None] * np.sin(2.0 * inputs[..., 1])
    outputs = outputs + 0.01 * generator.standard_normal(outputs.shape)
    return TaskSet(
        inputs=inputs.reshape(-1, 2),
        outputs=outputs.reshape(-1, 1),
        lengths=np.full(len(slopes), length),
        descriptors=slopes[:, None],
        parameters=np.column_stack([slopes, waves]),
        input_variables=(Variable("x", "1"), Variable("z", "1")),
        output_variables=(Variable("y", "1"),),
        descriptor_variables=(Variable("a", "1"),),
        parameter_variables=(Variable("a", "1"), Variable("b", "1")),
    )


def explained(layout, values):
    """The share of the variance of ``values`` that is linear in ``layout``."""
    design = np.column_stack([np.ones(len(layout)), layout])
    left = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return 1.0 - left.var() / values.var()


def test_first_start_lays_tasks_out_by_their_descriptors(ragged_tasks):
    first, *others = initial_latents(ragged_tasks, 2, rng(), 4)
    assert first.shape == (8, 2) and len(others) == 3
    descriptors = ragged_tasks.descriptors / ragged_tasks.descriptors.std(axis=0)
    assert np.corrcoef(distances(first), distances(descriptors))[0, 1] > 0.9
    assert not np.allclose(*others[1:])


@pytest.mark.parametrize("copies", [[1.0], [1.0, 0.0], [1.0, 2.0]])
def test_first_start_finds_what_descriptors_hide_in_the_dynamics(lines, copies):
    """A constant descriptor, or one that follows from another, is as good as none."""
    descriptors = lines.descriptors * copies + 0.7
    variables = tuple(Variable(name, "1") for name in "abc"[: len(copies)])
    tasks = dataclasses.replace(lines, descriptors=descriptors, descriptor_variables=variables)
    first, *_ = initial_latents(tasks, 2, rng(), 1)
    slopes, waves = lines.parameters.T
    assert explained(first[:, :1], slopes) > 0.95
    assert explained(first[:, 1:], waves) > 0.95


def test_second_start_needs_no_descriptors(lines):
    blind = dataclasses.replace(lines, descriptors=np.zeros_like(lines.descriptors))
    _, second, random = initial_latents(blind, 2, rng(), 3)
    for values in lines.parameters.T:
        assert explained(second, values) > 0.95
        assert explained(random, values) < 0.7


def test_distance_of_behaviours_is_that_of_functions_over_all_inputs(lines):
    """By the parameters: outputs differ by (a - a') x + (b - b') sin(2 z)."""
    scaler = Scaler.fit(lines)
    found = distances(task_behaviours(lines, scaler))
    x, z = lines.inputs.T
    functions = lines.parameters @ np.vstack([x, np.sin(2.0 * z)])
    expected = distances(functions / np.sqrt(len(x))) / scaler.output_scale
    # Ridge regression of 40 transitions shrinks a little.
    np.testing.assert_allclose(found, expected, rtol=0.25, atol=0.1)
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def test_tasks_of_unequal_length_are_laid_out_each_by_its_own_transitions(lines):
    """A task that is seen longer, or has the order of its transitions changed, stays where it is."""
    scaler = Scaler.fit(lines)
    order = np.concatenate([rng().permutation(40) + 40 * task for task in range(15)])
    shuffled = dataclasses.replace(lines, inputs=lines.inputs[order], outputs=lines.outputs[order])
    found = distances(task_behaviours(shuffled, scaler))
    np.testing.assert_allclose(found, distances(task_behaviours(lines, scaler)), atol=0.02)
    kept = np.concatenate([np.arange(40) < 40 - task for task in range(15)])
    ragged = dataclasses.replace(
        lines,
        inputs=lines.inputs[kept],
        outputs=lines.outputs[kept],
        lengths=40 - np.arange(15),
    )
    found = distances(task_behaviours(ragged, scaler))
    assert np.corrcoef(found, distances(task_behaviours(lines, scaler)))[0, 1] > 0.95


@pytest.mark.parametrize("dimensions", [1, 2, 4, 9])
@pytest.mark.parametrize("count", [1, 2, 8])
def test_few_tasks_and_any_number_of_dimensions(make_tasks, dimensions, count):
    tasks = make_tasks([12] * count)
    for layout in initial_latents(tasks, dimensions, rng(), 3):
        assert layout.shape == (count, dimensions)
        assert np.all(np.isfinite(layout)) and np.abs(layout).max() < 6.0
        assert len(np.unique(layout, axis=0)) == count


def test_a_fit_gives_what_descriptors_hide_a_dimension_of_its_own(lines):
    settings = ModelSettings(inducing_points=40)
    model, _ = train(
        lines,
        settings,
        TrainingSettings(first_iterations=60, starts=1),
        np.random.default_rng(2),  # with a random second dimension, one that ends without it
    )
    for values in lines.parameters.T:
        assert explained(model.latent.mean, values) > 0.95
