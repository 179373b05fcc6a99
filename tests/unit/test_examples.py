"""The examples of the docs do what their pages say, and keep the contracts of their parts."""

import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from pamlflow.acquisition import BoxOffer, PoolOffer, Situation
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import validated
from pamlflow.domains.base import SimulationError
from pamlflow.models import Trainer, trainer_of
from pamlflow.models.interface import LatentPosterior, TaskArrays
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.settings import world_settings
from pamlflow.testing import check_model, check_strategy
from pamlflow.world import World

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    yield
    for file in EXAMPLES.glob("*.py"):
        sys.modules.pop(file.stem, None)


@pytest.fixture
def world():
    overlay = yaml.safe_load((EXAMPLES / "spring.yaml").read_text(encoding="utf-8"))
    config = validated({"seed": 1, **overlay})
    require_parts(config)
    return World.from_config(world_settings(config["experiments"]["spring"]))


def test_the_spring_obeys_its_equation(world):
    excitation = world.domain.draw_excitation(np.random.default_rng(0))
    inputs, outputs = world.domain.run(np.array([2.0, 8.0]), excitation)
    states = inputs[:, :2] + outputs
    # A thousand Euler steps for each of ours.
    position, velocity = excitation.initial_state
    for (force,), expected in zip(excitation.controls[:20], states, strict=False):
        for _ in range(1000):
            acceleration = (force - 8.0 * position - 0.5 * velocity) / 2.0
            position, velocity = position + 5e-5 * velocity, velocity + 5e-5 * acceleration
        np.testing.assert_allclose([position, velocity], expected, atol=2e-3)
    with pytest.raises(SimulationError, match=r"mass -1\.0 kg"):
        world.domain.run(np.array([-1.0, 8.0]), excitation)


BRIEF = {
    "initial_tasks": 3,
    "model": ModelSettings(inducing_points=30),
    "training": TrainingSettings(first_iterations=30, next_iterations=15, starts=1),
}


def test_a_robot_is_learned_from_what_it_recorded(tmp_path):
    robot = importlib.import_module("robot")
    model = robot.learn(tmp_path, tasks=5, **BRIEF).model()
    unseen = np.array([[0.7, 4.0], [1.5, 8.0], [2.5, 3.0]])
    inputs, outputs = (np.stack(parts) for parts in zip(*map(robot.run, unseen), strict=True))
    known = TaskArrays(inputs[:, :20], outputs[:, :20], np.ones((3, 20)))
    mean, _ = model.predict(inputs[:, 20:], model.infer(data=known))
    offsets = mean - outputs[:, 20:]
    error = np.sqrt(np.mean(np.square(offsets), axis=(0, 1))) / outputs.std(axis=(0, 1))
    assert np.all(error < [0.15, 0.7])  # of the position, and of the velocity, whose masses differ


@pytest.fixture
def situation(world, tmp_path):
    learner = importlib.import_module("robot").learn(tmp_path, tasks=3, **BRIEF)
    return Situation(
        round=1,
        model=learner.model(),
        offer=BoxOffer(world.space),
        tasks=learner.tasks,
        rng=np.random.default_rng(2),
    )


def test_the_strategy_of_ones_own_chooses_the_farthest_candidate(situation):
    own = importlib.import_module("farthest").FARTHEST
    selection = own.choose(situation, own.settings(num_candidates=64))
    assert selection.candidates.shape == (64, 2) and selection.latent.mean.shape == (64, 2)
    known = situation.chosen
    unit = np.concatenate([selection.candidates, known]).std(axis=0)
    offsets = (selection.candidates[:, None] - known) / unit
    distances = np.linalg.norm(offsets, axis=-1).min(axis=1)
    assert selection.chosen == np.argmax(distances)

    last = dataclasses.replace(situation, offer=PoolOffer(np.array([[1.0, 5.0]])))
    assert own.choose(last, own.settings()).chosen == 0


def test_parts_of_ones_own_keep_their_contracts():
    check_strategy(importlib.import_module("farthest").FARTHEST, options={"num_candidates": 64})
    check_model(importlib.import_module("ridge").RIDGE)


@pytest.mark.slow
def test_a_strategy_that_asks_more_of_a_model_keeps_the_contract_with_such_models():
    trainer = trainer_of(
        {"inducing_points": 6, "pictures": {"pretraining_steps": 2}},
        {"first_iterations": 3, "starts": 1},
    )
    check_strategy(
        importlib.import_module("informative").most_informative,
        train=lambda tasks: trainer.fit(tasks, np.random.default_rng(0))[0],
    )


@pytest.mark.parametrize("name", ["farthest", "ridge", "spring"])
def test_the_example_of_each_part_is_short_and_shown_on_its_page(name):
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) < 60
    page = {"farthest": "add_a_strategy", "ridge": "add_a_model", "spring": "add_a_domain"}[name]
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert f"```python\n{source}```" in text


def test_a_model_of_ones_own_learns_what_a_descriptor_changes(world):
    """A spring is nearly linear, for each of its descriptors, in state and force."""
    rng = np.random.default_rng(0)
    tasks = world.observe(world.space.sobol(16, rng), world.domain.draw_excitation(rng), rng)
    kind = importlib.import_module("ridge").RIDGE
    model, _ = Trainer(kind, kind.settings(penalty=1e-6), kind.training()).fit(tasks, rng)
    test = world.observe(world.space.sobol(8, rng), world.domain.draw_excitation(rng), rng)
    inputs, outputs, _ = test.padded()
    mean, variance = model.predict(inputs, model.infer(descriptors=test.descriptors))
    of_mean_task, _ = model.predict(inputs, model.prior(8))
    error, without = (np.square(it - outputs).mean() for it in (mean, of_mean_task))
    assert error < 0.5 * without
    assert 0.1 < np.mean(np.square(mean - outputs) / variance) < 10.0


def test_a_strategy_can_weigh_what_a_task_would_say(situation):
    """Mutual information is the entropy of the outputs less that of their noise."""
    choose = importlib.import_module("informative").most_informative
    selection = choose(situation)
    assert selection.candidates.shape == (64, 2)
    chosen, model = selection.chosen, situation.model
    assert selection.utilities[chosen] == selection.utilities.max()
    one = LatentPosterior(*(part[[chosen]] for part in selection.latent))
    inputs = situation.tasks.subset([-1]).inputs[None, ::5]
    assert inputs.shape == (1, 20, 3)
    noise = model.predict(inputs, one)[1] - model.predict(inputs, one, noise=False)[1]
    expected = 0.0
    for p, of_f in enumerate(model.covariance(inputs, one).reshape(2, 20, 20)):
        _, of_outputs = np.linalg.slogdet(of_f + np.diag(noise[0, :, p]))
        expected += 0.5 * (of_outputs - np.log(noise[0, :, p]).sum())
    assert selection.utilities[chosen] == pytest.approx(expected, rel=1e-6)

    both = np.concatenate([situation.chosen[[-1]], selection.candidates[[chosen]]])
    known = choose(dataclasses.replace(situation, offer=PoolOffer(both)))
    assert known.chosen == 1  # of a task that was run less is left to learn
