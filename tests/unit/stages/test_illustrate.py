"""The stage that draws what was chosen, and where the models err."""

import dataclasses

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.patches import Ellipse

from pamlflow import plotting
from pamlflow.models.latent_gp.use.data_posterior import DataPosterior
from pamlflow.models.latent_gp.use.descriptor_posterior import DescriptorPosterior
from pamlflow.stages.illustrate import (
    plot_choices,
    plot_chosen_values,
    plot_error_maps,
    plot_latent_space,
)
from pamlflow.storage import store
from pamlflow.storage.schemas import SCHEMAS
from pamlflow.tasks import Variable

SPACE = {"amplitude": [0.5, 2.0], "shift": [-1.0, 1.0]}
ROUNDS = 3


def write_round(path, tasks, config):
    """A round in which the last three tasks were chosen; the model is all zeros, but for q(h)."""
    sizes = {
        "N": tasks.num_tasks,
        "S": int(tasks.lengths.sum()),
        "Dx": 2,
        "P": 2,
        "D": tasks.parameters.shape[1],
        "R": tasks.descriptors.shape[-1],
    }
    rows = [row for row in SCHEMAS["round"].rows if not row.optional and not row.is_open]
    datasets = {
        row.path: np.zeros([sizes.get(letter, 2) for letter in row.shape], row.dtype)
        for row in (*rows, *DataPosterior.rows(), *DescriptorPosterior.rows())
        if row.dtype != "string"
    }
    datasets |= tasks.to_datasets()
    datasets |= {
        "round": np.int64(ROUNDS),
        "training/events": ["start"],
        "latent/mean": np.resize(tasks.parameters, (tasks.num_tasks, 2)),
        "latent/variance": np.full((tasks.num_tasks, 2), 0.04),
    }
    store.write(path, "round", datasets, seed=1, config=config)
    return path


@pytest.fixture
def observe(make_tasks):
    """Five tasks, seen with the descriptors amplitude and shift, or as `change` makes them."""

    def observed(seed, change=lambda tasks: tasks):
        return change(make_tasks([3] * 5, seed=seed))

    return observed


@pytest.fixture
def write_rounds(tmp_path, observe):
    """Write the last rounds of two strategies in two trials."""

    def write(change=lambda tasks: tasks, space=SPACE, **config):
        config["space"] = space
        return [
            write_round(tmp_path / f"{index}.h5", observe(index, change), config)
            for index in range(4)
        ]

    return write


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """The figures that a stage saves, by suffix, and the paths it is to write."""
    figures = {}
    monkeypatch.setattr(
        plotting,
        "save",
        lambda figure, *paths: figures.update({path.suffix: figure for path in paths}),
    )
    output = {"svg": tmp_path / "figure.svg", "png": tmp_path / "figure.png"}

    def draw(stage, **arguments):
        stage(experiment="toy_system", **arguments, **output)
        assert figures[".svg"] is figures[".png"]
        return figures[".svg"]

    return draw


def only_shift(tasks):
    return dataclasses.replace(
        tasks,
        descriptors=tasks.descriptors[:, 1:],
        descriptor_variables=tasks.descriptor_variables[1:],
    )


def with_superfluous(tasks):
    return dataclasses.replace(
        tasks,
        descriptors=np.column_stack([tasks.descriptors, np.arange(5.0)]),
        descriptor_variables=(*tasks.descriptor_variables, Variable("superfluous", "1")),
    )


def as_pictures(tasks):
    """The tasks of one hidden parameter, seen as pictures."""
    return dataclasses.replace(
        tasks,
        descriptors=np.full((tasks.num_tasks, 4, 4, 1), 0.5),
        descriptor_variables=(Variable("brightness", "1"),),
        parameters=tasks.parameters[:, 1:],
        parameter_variables=tasks.parameter_variables[1:],
    )


CHOICES = {"strategies": ["paml", "my_own"], "trials": [0, 1]}


def test_the_latent_space_has_the_tasks_of_the_file(drawn, write_rounds, observe):
    figure = drawn(plot_latent_space, last_round=write_rounds()[0], strategy="paml")
    ellipses = figure.axes[0].findobj(Ellipse)
    np.testing.assert_allclose([ellipse.center for ellipse in ellipses], observe(0).parameters)
    assert [ellipse.width for ellipse in ellipses] == pytest.approx([0.8] * 5)
    assert len(figure.axes[0].texts) == ROUNDS
    assert "toy system: latent space of PAML" in figure.get_suptitle()


def test_choices_are_read_strategy_by_strategy_and_trial_by_trial(drawn, write_rounds, observe):
    figure = drawn(plot_choices, last_rounds=write_rounds(), **CHOICES)
    for axis, first in zip(figure.axes, (0, 2), strict=True):
        others, initial, chosen = (np.stack(line.get_data(), axis=1) for line in axis.lines)
        np.testing.assert_array_equal(initial, observe(first).descriptors[:2])
        np.testing.assert_array_equal(chosen, observe(first).descriptors[2:])
        np.testing.assert_array_equal(others, observe(first + 1).descriptors[2:])
    assert [axis.get_title() for axis in figure.axes] == ["PAML", "my own"]


def test_the_box_is_that_of_the_configuration(drawn, write_rounds):
    axis = drawn(plot_choices, last_rounds=write_rounds(), **CHOICES).axes[0]
    assert axis.patches[0].get_bbox().extents.tolist() == [0.5, -1.0, 2.0, 1.0]


def test_what_the_configuration_does_not_bound_has_the_range_of_the_data(drawn, write_rounds):
    figure = drawn(plot_choices, last_rounds=write_rounds(with_superfluous), **CHOICES)
    (frame,) = figure.axes[2].patches
    assert frame.get_bbox().extents.tolist() == [0.5, 0.0, 2.0, 4.0]


def test_parameters_that_are_no_descriptors_are_shown_as_hidden(drawn, write_rounds):
    figure = drawn(plot_chosen_values, last_rounds=write_rounds(only_shift), **CHOICES)
    assert [axis.get_xlabel() for axis in figure.axes[::2]] == [
        "shift (m)",
        "amplitude (kg), hidden",
    ]


def test_tasks_seen_as_pictures_are_drawn_at_their_true_parameters(drawn, write_rounds, observe):
    rounds = write_rounds(as_pictures, space={"shift": [-1.0, 1.0]})
    figure = drawn(plot_choices, last_rounds=rounds, **CHOICES)
    _, initial, chosen = (line.get_ydata() for line in figure.axes[0].lines)
    np.testing.assert_array_equal(np.append(initial, chosen), observe(0).parameters[:, 1])
    assert figure.axes[0].get_ylabel() == "shift (m)"
    assert "by their pictures, at their true parameters" in figure.get_suptitle()
    values = drawn(plot_chosen_values, last_rounds=rounds, **CHOICES)
    assert [axis.get_xlabel() for axis in values.axes] == ["shift (m), hidden"] * 2
    space = drawn(plot_latent_space, last_round=rounds[0], strategy="paml")
    assert len(space.axes) == 2  # one parameter and its colours


def test_superfluous_dimensions_have_the_limits_of_the_configuration(drawn, write_rounds):
    descriptors = {"superfluous": {"shift": [-5.0, 7.0]}}
    rounds = write_rounds(space={"amplitude": [0.5, 2.0]}, descriptors=descriptors)
    figure = drawn(plot_choices, last_rounds=rounds, **CHOICES)
    (frame,) = figure.axes[0].patches
    assert frame.get_bbox().extents.tolist() == [0.5, -5.0, 2.0, 7.0]


def test_values_that_are_all_the_same_can_be_drawn(drawn, write_rounds):
    def constant(tasks):
        return dataclasses.replace(tasks, descriptors=np.ones_like(tasks.descriptors))

    figure = drawn(plot_chosen_values, last_rounds=write_rounds(constant, space={}), **CHOICES)
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == pytest.approx(1.0)


@pytest.fixture
def write_scores(tmp_path, make_tasks):
    """Write test tasks on a grid and metrics of three strategies in two trials; return the inputs."""

    def write(protocols):
        grid = np.array([[x, y] for x in (0.5, 1.0, 2.0) for y in (-1.0, 1.0)])
        tasks = dataclasses.replace(make_tasks([3] * 6), descriptors=grid, parameters=grid)
        excitation = {
            "excitation/controls": np.zeros((3, 1)),
            "excitation/initial_state": np.zeros(1),
            "context/order": np.tile(np.arange(3), 6),
        }
        test_tasks = tmp_path / "test_tasks.h5"
        store.write(test_tasks, "test_tasks", tasks.to_datasets() | excitation, seed=1, config={})
        metrics = [tmp_path / f"metrics_{index}.h5" for index in range(6)]
        for index, path in enumerate(metrics):
            scores = np.arange(6.0) + index + np.zeros((2, len(protocols), 6))
            scores += 100.0 * np.arange(len(protocols))[:, None] + np.array([[[1e6]], [[0.0]]])
            datasets = {
                "round": [0, 1],
                "num_tasks": [4, 5],
                "protocols": protocols,
                "coverage_levels": [0.5],
                "nll": scores,
                "squared_error": scores + 1.0,
                "coverage": np.zeros((2, len(protocols), 1, 6)),
                "trivial/nll": np.ones((len(protocols), 6)),
                "trivial/squared_error": np.ones((len(protocols), 6)),
            }
            store.write(path, "metrics", datasets, seed=1, config={})
        return {
            "metrics": metrics,
            "test_tasks": test_tasks,
            "strategies": ["paml", "my_own", "oracle"],
            "trials": [0, 1],
        }

    return write


@pytest.mark.parametrize(
    ("protocols", "offset", "title"),
    [
        (["few_shot_0", "few_shot_20"], 100.0, "h from 20 transitions; mean of 2 trials"),
        (["few_shot_0", "few_shot_5"], 0.0, "h from the descriptor alone; mean of 2 trials"),
    ],
)
def test_error_maps_show_the_last_round_under_one_protocol(
    drawn, write_scores, write_rounds, protocols, offset, title
):
    last_rounds = write_rounds()[::2]
    inputs = write_scores(protocols) | {"last_rounds": last_rounds, "choosing": ["paml", "my_own"]}
    figure = drawn(plot_error_maps, **inputs)
    tasks = np.arange(6.0).reshape(3, 2).T
    maps = [axis.findobj(QuadMesh)[0].get_array() for axis in figure.axes[:6]]
    for index in range(3):
        mean = tasks + 2 * index + 0.5 + offset
        np.testing.assert_allclose(maps[index], mean)
        np.testing.assert_allclose(maps[3 + index], np.sqrt(mean + 1.0))
    assert title in figure.get_suptitle()


def test_the_marks_on_the_maps_are_the_true_parameters(drawn, write_scores, write_rounds, observe):
    last_rounds = write_rounds(only_shift)[::2]
    inputs = {"last_rounds": last_rounds, "choosing": ["paml", "my_own"]}
    figure = drawn(plot_error_maps, **write_scores(["paper"]), **inputs)
    for axis, seed in zip(figure.axes[:2], (0, 2), strict=True):
        initial, chosen = (np.stack(line.get_data(), axis=1) for line in axis.lines)
        parameters = observe(seed).parameters
        np.testing.assert_array_equal(np.concatenate([initial, chosen]), parameters)
    assert not figure.axes[2].lines


def test_the_files_are_an_svg_and_a_png(tmp_path, write_rounds):
    output = {"svg": tmp_path / "figure.svg", "png": tmp_path / "figure.png"}
    plot_choices(last_rounds=write_rounds(), experiment="toy", **CHOICES, **output)
    assert output["svg"].read_text().startswith("<?xml")
    assert output["png"].read_bytes().startswith(b"\x89PNG")


def test_a_missing_file_is_noticed(tmp_path, write_rounds):
    output = {"svg": tmp_path / "figure.svg", "png": tmp_path / "figure.png"}
    with pytest.raises(ValueError, match="zip"):
        plot_choices(last_rounds=write_rounds()[:3], experiment="toy", **CHOICES, **output)
