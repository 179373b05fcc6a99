"""Training from scratch and from the round before."""

import dataclasses
from typing import get_args, get_type_hints

import numpy as np
import pytest

from pamlflow.models.interface import TaskArrays, TrainingError
from pamlflow.models.latent_gp.fit.closed_form import vector_model
from pamlflow.models.latent_gp.fit.closed_form.vector_model import VectorModel
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.settings import ModelSettings, StochasticSettings, TrainingSettings
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite
from pamlflow.protocols import parse_protocol
from pamlflow.scoring import ShuffledTasks, evaluate

SETTINGS = ModelSettings(inducing_points=30, noise="per_output")
BRIEF = TrainingSettings(first_iterations=10, next_iterations=20, starts=1)
LENGTHSCALES, NOISE = ".dynamics.kernel_x.lengthscales", ".dynamics.noise"
SIGNAL = ".dynamics.output_scale"


def rng():
    return np.random.default_rng(0)


def test_training_raises_the_bound(fitted):
    _, record = fitted
    # Every start has a search of its own, and the last goes on from the best of them.
    searches = np.split(record.bound, [12, 24])
    assert len(searches[2]) > 12
    for search in searches:
        assert np.all(np.diff(search) >= 0.0)
        assert search[-1] > search[0] + 1.0
    assert searches[2][0] >= max(searches[0][-1], searches[1][-1])
    labels = [event.split(":")[0] for event in record.events]
    assert labels == ["start 1 of 2", "start 2 of 2", "fit"]


def test_trained_model_explains_its_tasks(trained, ragged_tasks):
    inputs, outputs, mask = ragged_tasks.padded()
    mean, variance = trained.predict(inputs, trained.latent)
    error = (outputs - mean)[mask > 0]
    assert np.all(error.std(axis=0) < 0.3 * ragged_tasks.outputs.std(axis=0))
    assert np.mean(error**2 / variance[mask > 0]) < 3.0


class Stop(Exception):
    """Ends training before the first step."""


def start_of_next_round(tasks, settings, previous):
    """The model that the next round starts from."""
    started, choose = [], VectorModel.choose_inducing_points

    def choose_and_stop(model, *args, **kwargs):
        choose(model, *args, **kwargs)
        started.append(model.trained())
        raise Stop

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stop):
        patch.setattr(VectorModel, "choose_inducing_points", choose_and_stop)
        train(tasks, settings, BRIEF, rng(), previous)
    return started[0]


def standardised(model):
    """Standard deviations of the outputs that a model was trained on, without its signals."""
    return model.scaler.output_scale / model.parameters[SIGNAL]


@pytest.fixture(scope="module")
def next_task(make_tasks):
    """The next task is larger than those before."""
    new = make_tasks([10], seed=7)
    return dataclasses.replace(new, inputs=4.0 * new.inputs, outputs=9.0 * new.outputs)


@pytest.fixture(scope="module")
def next_latent(next_task, trained):
    """Where the model of the round before puts it."""
    data = TaskArrays(*next_task.padded())
    return trained.infer(descriptors=next_task.descriptors, data=data)


@pytest.fixture(scope="module")
def next_start(ragged_tasks, next_task, trained):
    """Where training starts."""
    return start_of_next_round(ragged_tasks.append(next_task), SETTINGS, trained)


def test_next_round_starts_where_the_last_one_ended(next_start, next_latent, trained):
    """Nothing but the units changes before the first step, and the new task is put where it is inferred."""
    start = next_start
    assert np.all(start.scaler.input_scale > 1.1 * trained.scaler.input_scale)
    assert np.all(standardised(start) > 1.1 * standardised(trained))
    assert np.all(trained.parameters[SIGNAL] != 1.0)
    for values in zip(
        *(
            (
                model.parameters[LENGTHSCALES] * model.scaler.input_scale,
                np.sqrt(model.parameters[NOISE]) * standardised(model),
                model.scaler.output_scale,
                model.parameters[".dynamics.kernel_h.lengthscales"],
                model.parameters[".dynamics.noise_slope"],
                model.parameters[".descriptor.lengthscales"],
                model.dynamics.jitter,
                model.latent.mean[:8],
                model.latent.variance[:8],
            )
            for model in (start, trained)
        ),
        strict=True,
    ):
        np.testing.assert_allclose(*values, rtol=1e-9)
    np.testing.assert_array_equal(start.latent.mean[8:], next_latent.mean)
    np.testing.assert_allclose(start.latent.variance[8:], next_latent.variance)


def test_inducing_points_of_the_last_round_stay_where_they_were(next_start, next_latent, trained):
    old, new = (
        np.hstack(
            [
                model.dynamics.points[0] * model.scaler.input_scale + model.scaler.input_mean,
                model.dynamics.points[1],
            ]
        ).round(8)
        for model in (trained, next_start)
    )
    kept = {tuple(row) for row in old} & {tuple(row) for row in new}
    assert 10 <= len(kept) < 30  # the others go to the new task
    others = [row for row in new if tuple(row) not in kept]
    np.testing.assert_allclose(
        [row[2:] for row in others], np.tile(next_latent.mean, (len(others), 1))
    )


def test_next_round_raises_the_bound_above_that_of_a_cold_start(ragged_tasks, make_tasks, trained):
    new = make_tasks([10], seed=7)
    tasks = ragged_tasks.append(new)
    warm, record = train(tasks, SETTINGS, BRIEF, rng(), trained)
    # A fifth of the iterations from each of two starts, then the search that goes on from the better.
    last = record.bound[2 * 4 :]
    assert np.all(np.diff(last) >= 0.0)
    assert last[-1] > max(record.bound[3], record.bound[7]) + 1.0
    labels = [event.split(":")[0] for event in record.events]
    assert labels == ["start 1 of 2", "start 2 of 2", "fit"]
    assert warm.latent.mean.shape == (9, 2)
    as_long = TrainingSettings(first_iterations=BRIEF.next_iterations, starts=1)
    _, cold = train(tasks, SETTINGS, as_long, rng())
    assert record.bound[-1] > cold.bound[-1]


def test_task_unlike_the_others_is_not_called_noise(make_tasks):
    """From all parameters of the round before it looks impossible; from q(H) alone it can be learned."""
    old, new = make_tasks([20] * 5, noise=0.0), make_tasks([20], seed=7, noise=0.0)
    new = dataclasses.replace(new, outputs=-6.0 * new.outputs)
    settings = ModelSettings(inducing_points=40)
    training = TrainingSettings(first_iterations=80, next_iterations=60, starts=1)
    previous, _ = train(old, settings, training, rng())
    _, record = train(old.append(new), settings, training, rng(), previous)
    carried_on, anew = (float(event.rsplit(" ", 1)[1]) for event in record.events[:2])
    assert anew > carried_on + 100.0
    assert record.bound[-1] > anew


def test_noise_of_each_task_is_learned_last(make_tasks):
    """One task is ten times as noisy as the others; the function does not suffer from that."""
    quiet, noisy = make_tasks([20] * 5, noise=0.02), make_tasks([20], seed=9, noise=0.5)
    tasks = quiet.append(noisy)
    training = TrainingSettings(first_iterations=60, next_iterations=40, starts=1)
    fits = {
        noise: train(tasks, ModelSettings(inducing_points=40, noise=noise), training, rng())
        for noise in ("per_output", "task_scaled")
    }
    model, record = fits["task_scaled"]
    assert record.events[-1].startswith("fit, noise:")
    settled = len(fits["per_output"][1].bound)
    np.testing.assert_allclose(record.bound[:settled], fits["per_output"][1].bound)
    assert record.bound[-1] > record.bound[settled - 1] + 5.0
    scale = np.exp(model.latent.mean @ model.dynamics.values.noise_slope)
    assert scale[-1] > 3.0 * np.median(scale[:-1])

    again, record = train(
        tasks.append(quiet.subset([0])),
        ModelSettings(inducing_points=40, noise="task_scaled"),
        training,
        rng(),
        model,
    )
    assert np.any(again.dynamics.values.noise_slope != 0.0)
    assert record.events[-1].startswith("fit, noise:")


def test_a_round_after_one_with_an_unused_dimension_starts_from_scratch(
    ragged_tasks, make_tasks, trained
):
    tasks = ragged_tasks.append(make_tasks([10], seed=7))
    scratch, _ = train(tasks, SETTINGS, BRIEF, rng())
    for lengthscale, ends in ((200.0, "fit:"), (400.0, "fit from scratch:")):
        previous = with_lengthscale(trained, lengthscale)
        model, record = train(tasks, SETTINGS, BRIEF, rng(), previous)
        assert record.events[-1].startswith(ends)
        same = np.array_equal(model.latent.mean, scratch.latent.mean)
        assert same == (lengthscale > 300.0)


def with_lengthscale(model, lengthscale):
    """The model, with another length-scale of its last latent dimension."""
    values = model.dynamics.values
    lengthscales = np.append(values.lengthscales_h[:-1], lengthscale)
    values = values._replace(lengthscales_h=lengthscales)
    dynamics = dataclasses.replace(model.dynamics, values=values)
    return dataclasses.replace(model, dynamics=dynamics)


def test_the_stochastic_bound_goes_on_with_an_unused_dimension(ragged_tasks, make_tasks, trained):
    tasks = ragged_tasks.append(make_tasks([10], seed=7))
    training = TrainingSettings(bound="stochastic", stochastic=StochasticSettings(steps=2))
    results = [
        train(tasks, SETTINGS, training, rng(), previous)[0]
        for previous in (trained, with_lengthscale(trained, 400.0))
    ]
    for model in results:  # two steps from where q(H) was
        np.testing.assert_allclose(model.latent.mean[:8], trained.latent.mean, atol=0.1)


def test_noise_that_new_units_push_below_its_floor_is_lifted(ragged_tasks, make_tasks, trained):
    new = make_tasks([10], seed=7)
    tasks = ragged_tasks.append(dataclasses.replace(new, outputs=1e4 * new.outputs))
    settings = ModelSettings(inducing_points=30, noise_floor=1e-4)
    start = start_of_next_round(tasks, settings, trained)
    assert np.all(start.parameters[NOISE] > 1e-4)
    assert np.all(start.parameters[NOISE] < 1.1e-4)


def test_a_fit_without_a_finite_bound_says_what_was_tried_and_what_may_help(
    monkeypatch, ragged_tasks
):
    monkeypatch.setattr(VectorModel, "loss", lambda model, free: (np.nan, model.state()))
    with pytest.raises(
        TrainingError,
        match=r"no finite bound, with jitter up to 1e-04; non-finite parameters: none.*pamlflow show",
    ):
        train(ragged_tasks, SETTINGS, BRIEF, rng())


def with_a_failing_start(tasks):
    """Train from two starts, the first of which has no finite bound."""
    starts = [np.full((8, 2), 1e200), rng().standard_normal((8, 2))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "pamlflow.models.latent_gp.fit.closed_form.vector_model.initial_latents",
            lambda *_: starts,
        )
        settings = TrainingSettings(first_iterations=10, starts=2)
        return train(tasks, SETTINGS, settings, rng())


def test_a_failing_start_is_not_the_end_nor_does_it_raise_the_jitter_of_others(ragged_tasks):
    model, record = with_a_failing_start(ragged_tasks)
    assert record.events[-1].startswith("fit:") and np.isfinite(record.bound[-1])
    assert np.abs(model.latent.mean).max() < 10.0
    assert model.dynamics.jitter == 1e-6


def test_a_round_starts_with_the_least_jitter(ragged_tasks, make_tasks, trained):
    """Whatever the round before needed: the two starts are compared by their bounds."""
    dynamics = dataclasses.replace(trained.dynamics, jitter=1e-4)
    previous = dataclasses.replace(trained, dynamics=dynamics)
    tasks = ragged_tasks.append(make_tasks([10], seed=7))
    start = start_of_next_round(tasks, SETTINGS, previous)
    assert start.dynamics.jitter == 1e-6


def test_noiseless_data_do_not_break_training(make_tasks):
    """Without observation noise sigma runs to its floor."""
    tasks = make_tasks([12] * 4, noise=0.0)
    settings = ModelSettings(inducing_points=40, noise_floor=1e-6)
    training = TrainingSettings(first_iterations=60, starts=1)
    model, record = train(tasks, settings, training, rng())
    assert np.all(np.isfinite(record.bound))
    assert np.all(model.parameters[NOISE] >= 1e-6)
    assert np.abs(model.latent.mean).max() < 10.0


def test_what_training_returns_is_made_of_arrays(trained):
    for path, value in trained.to_datasets().items():
        assert isinstance(value, np.ndarray | np.generic | float), path


def test_what_is_remarkable_about_the_newest_tasks_is_logged_and_recorded(
    caplog, ragged_tasks, make_tasks, trained
):
    outputs = ragged_tasks.outputs.copy()
    outputs[14, 1] = 1e6
    spoilt = dataclasses.replace(ragged_tasks, outputs=outputs)
    _, record = train(spoilt, SETTINGS, BRIEF, rng())
    text = "task 2, step 1: output 'second_change' is 1e+06 m/s"
    assert record.events[0].startswith(text)
    warnings = [it.message for it in caplog.records if it.levelname == "WARNING"]
    assert warnings == record.events[:1]
    _, record = train(spoilt.append(make_tasks([10], seed=7)), SETTINGS, BRIEF, rng(), trained)
    assert not any(text in event for event in record.events)


def test_what_cannot_be_computed_with_is_refused_before_anything_is_fitted(
    ragged_tasks, make_tasks, trained
):
    new = make_tasks([10], seed=7)
    outputs = new.outputs.copy()
    outputs[4, 0] = 1e200
    tasks = ragged_tasks.append(dataclasses.replace(new, outputs=outputs))
    for previous in (None, trained):
        with pytest.raises(ValueError, match=r"task 8, step 4: output 'first_change' is 1e\+200 m"):
            train(tasks, SETTINGS, BRIEF, rng(), previous)
    still = dataclasses.replace(ragged_tasks, outputs=np.zeros_like(ragged_tasks.outputs))
    with pytest.raises(ValueError, match="80 transitions in 8 tasks that are all alike"):
        train(still, SETTINGS, BRIEF, rng())


def at_the_ends(section):
    """The settings of a section with all numbers at their smallest, and at their largest."""
    hints = get_type_hints(section, include_extras=True)
    bounds = {
        name: get_args(hint)[1] for name, hint in hints.items() if hasattr(hint, "__metadata__")
    }
    return [{name: ends[which] for name, ends in bounds.items()} for which in (0, 1)]


@pytest.mark.parametrize("model", at_the_ends(ModelSettings), ids=["smallest", "largest"])
def test_a_fit_works_at_both_ends_of_what_a_model_may_have(make_tasks, model):
    """No start of the noise lies below the largest floor; two inducing points cannot say much."""
    tasks, added = make_tasks([12] * 4), make_tasks([12], seed=3)
    settings = ModelSettings(**model)
    first, _ = train(tasks, settings, BRIEF, rng())
    second, _ = train(tasks.append(added), settings, BRIEF, rng(), first)
    inputs, outputs, mask = added.padded()
    latent = second.infer(data=TaskArrays(inputs, outputs, mask), descriptors=added.descriptors)
    mean, variance = second.predict(inputs, latent)
    spread = tasks.outputs.std(axis=0)
    assert np.all(np.abs(mean) < 4.0 * spread)
    assert np.all(variance > 0.0) and np.all(np.sqrt(variance) < 2.0 * spread)


@pytest.mark.parametrize("schedule", at_the_ends(StochasticSettings), ids=["smallest", "largest"])
def test_steps_work_at_both_ends_of_what_a_schedule_may_have(ragged_tasks, schedule):
    """Batches of more than there is, and steps of any length; only the number of steps is cut short."""
    schedule = StochasticSettings(
        **schedule | {"steps": 2, "batch_transitions": min(schedule["batch_transitions"], 100)}
    )
    training = TrainingSettings(bound="stochastic", stochastic=schedule)
    model, record = train(ragged_tasks, SETTINGS, training, rng())
    assert len(record.bound) == 2
    inputs, *_ = ragged_tasks.padded()
    for moment in model.predict(inputs, model.latent):
        assert np.all(np.isfinite(moment))


def test_nothing_depends_on_the_units_of_what_is_recorded(make_tasks):
    """Powers of two cost no digits: all that is standardised is the same bit by bit."""
    tasks, short = make_tasks([12] * 5), TrainingSettings(first_iterations=5, next_iterations=5)
    inputs, outputs, descriptors = ([2.0**-50, 2.0**30], [2.0**-30, 2.0**-60], [2.0**30, 2.0**-50])
    other = dataclasses.replace(
        tasks,
        inputs=tasks.inputs * inputs,
        outputs=tasks.outputs * outputs,
        descriptors=tasks.descriptors * descriptors,
    )
    results = []
    for family in (tasks, other):
        first, _ = train(family.subset(range(4)), SETTINGS, short, rng())
        model, record = train(family, SETTINGS, short, rng(), first)
        test = ShuffledTasks(family, np.tile(np.arange(12), 5))
        protocols = [parse_protocol(name) for name in ("paper", "few_shot_0", "few_shot_3")]
        scores = [evaluate(model, test, protocol, "predictive") for protocol in protocols]
        mean, variance = model.predict(test.inputs, model.latent)
        unit = model.scaler.output_scale
        decoded = model.scaler.descriptors(model.predict_descriptors(model.latent.mean))
        results.append(
            (*first.latent[:2], *model.latent[:2], mean / unit, variance / unit**2, decoded)
        )
        results[-1] += (record.bound, *(part for each in scores for part in each))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_predictions_without_a_factor_are_a_training_error(monkeypatch, ragged_tasks):
    def impossible(*_):
        raise NotPositiveDefinite("the covariance of the inducing points")

    monkeypatch.setattr(vector_model, "prediction_posterior", impossible)
    with pytest.raises(TrainingError, match=r"lower model\.prediction_points"):
        train(
            ragged_tasks,
            ModelSettings(inducing_points=8),
            TrainingSettings(first_iterations=3, starts=1),
            np.random.default_rng(0),
        )
