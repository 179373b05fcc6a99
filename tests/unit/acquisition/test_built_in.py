"""Every strategy: what it chooses, and that it can be repeated."""

import dataclasses
import sys
import types

import numpy as np
import pytest

from pamlflow.acquisition import STRATEGIES, BoxOffer, PoolOffer, Situation, Strategy, strategy_of
from pamlflow.acquisition.paml import expected_self_information
from pamlflow.models.interface import LatentPosterior
from pamlflow.spaces import Box

DESIGN = np.array([[1.0, 0.0], [1.5, 0.5]])


@pytest.fixture
def make_situation(trained, ragged_tasks):
    def make(seed=0, number=1):
        return Situation(
            round=number,
            model=trained,
            offer=BoxOffer(Box(ragged_tasks.descriptor_variables, [0.5, -1.0], [2.0, 1.0])),
            tasks=ragged_tasks,
            rng=np.random.default_rng(seed),
            design=DESIGN,
        )

    return make


def choose(name, situation, **settings):
    """What a strategy chooses, of few candidates where it takes any."""
    strategy = STRATEGIES[name]
    if "num_candidates" in strategy.settings.__dataclass_fields__:
        settings = {"num_candidates": 200} | settings
    return strategy.choose(situation, strategy.settings(**settings))


def test_a_strategy_is_registered_by_its_own_name():
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())
    looks = [strategy.look for strategy in STRATEGIES.values()]
    assert len(set(looks)) == len(looks)


def test_a_function_of_a_situation_alone_is_a_strategy_without_settings(
    monkeypatch, make_situation
):
    module = types.ModuleType("own_strategies")
    module.first = lambda situation: ("chosen in round", situation.round)
    module.whole = STRATEGIES["uniform"]
    monkeypatch.setitem(sys.modules, "own_strategies", module)
    own = strategy_of("own_strategies:first")
    assert isinstance(own, Strategy) and own.name == "own_strategies:first"
    assert own.choose(make_situation(number=2), own.settings()) == ("chosen in round", 2)
    assert strategy_of("own_strategies:whole") is STRATEGIES["uniform"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("settings", "settings of its own"),
        ("space", "situation.offer.box"),
        ("pool", "situation.offer.spread"),
        ("nonsense", "no `nonsense`$"),
    ],
)
def test_what_a_situation_of_an_earlier_version_had_is_said_to_have_moved(
    make_situation, name, place
):
    with pytest.raises(AttributeError, match=place):
        getattr(make_situation(), name)


def test_a_strategy_that_needs_a_latent_variable_says_so(make_situation):
    model = dataclasses.replace(make_situation().model, latent=None)
    with pytest.raises(ValueError, match="needs a latent variable, and the model has none"):
        choose("paml", dataclasses.replace(make_situation(), model=model))
    without = choose("uniform", dataclasses.replace(make_situation(), model=model))
    assert without.latent is None
    assert not any("latent" in name for name in without.to_datasets())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_choice_lies_in_the_box_and_is_stored_with_what_was_scored(make_situation, strategy):
    situation = make_situation()
    selection = choose(strategy, situation)
    assert situation.offer.contains(selection.candidates).all()
    number = len(selection.candidates)
    assert selection.utilities.shape == (number,) and 0 <= selection.chosen < number
    assert selection.latent.mean.shape == selection.latent.variance.shape == (number, 2)
    datasets = selection.to_datasets()
    assert datasets.keys() == {
        f"selection/{name}"
        for name in ("candidates", "latent_mean", "latent_variance", "utilities", "chosen")
    }
    assert all(np.all(np.isfinite(value)) for value in datasets.values())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_same_seed_same_choice(make_situation, strategy):
    one, other = (choose(strategy, make_situation(3, 1)) for _ in range(2))
    for name, value in one.to_datasets().items():
        np.testing.assert_array_equal(other.to_datasets()[name], value)


@pytest.mark.parametrize("candidates", ["latent", "descriptor"])
def test_paml_chooses_the_most_surprising_candidate(make_situation, candidates):
    situation = make_situation()
    selection = choose("paml", situation, candidates=candidates)
    expected = expected_self_information(selection.latent, situation.model.latent)
    np.testing.assert_allclose(selection.utilities, expected)
    assert selection.utilities[selection.chosen] == expected.max()


def test_paml_stays_away_from_what_it_knows(make_situation):
    """Of candidates that include the training tasks, it chooses one far from all of them."""
    situation = make_situation()
    selection = choose("paml", situation)
    known = expected_self_information(situation.model.latent, situation.model.latent)
    assert selection.utilities[selection.chosen] > known.max() + 1.0


def test_paml_fills_a_gap_rather_than_repeating_itself(make_situation):
    """After the chosen task is learnt, another one is chosen."""
    situation = make_situation()
    first = choose("paml", situation)
    h = first.latent.mean[first.chosen]
    latent = situation.model.latent
    learnt = LatentPosterior(
        np.vstack([latent.mean, h]), np.vstack([latent.variance, latent.variance.mean(axis=0)])
    )
    model = dataclasses.replace(situation.model, latent=learnt)
    second = choose("paml", dataclasses.replace(situation, model=model))
    moved = np.abs(second.candidates[second.chosen] - first.candidates[first.chosen])
    assert np.any(moved > 0.1 * (situation.offer.box.high - situation.offer.box.low))


def test_uniform_choices_fill_the_box(make_situation):
    situation = make_situation()
    choices = np.array([choose("uniform", situation).candidates[0] for _ in range(200)])
    assert situation.offer.contains(choices).all()
    unit = (choices - situation.offer.box.low) / (
        situation.offer.box.high - situation.offer.box.low
    )
    for axis in unit.T:
        counts, _ = np.histogram(axis, bins=4, range=(0.0, 1.0))
        assert counts.min() > 25
    assert abs(np.corrcoef(unit.T)[0, 1]) < 0.25


POOL = np.array([[1.0, 0.0], [0.6, 0.9], [1.9, -0.8], [1.2, 0.3]])


def with_pool(situation, pool=POOL):
    offer = PoolOffer(pool, situation.offer.box)
    return dataclasses.replace(situation, offer=offer, design=None)


def test_paml_scores_the_pool_and_nothing_else(make_situation):
    situation = with_pool(make_situation())
    selection = choose("paml", situation)
    np.testing.assert_array_equal(selection.candidates, POOL)
    expected = situation.model.infer(descriptors=POOL)
    np.testing.assert_array_equal(selection.latent.mean, expected.mean)
    utilities = expected_self_information(expected, situation.model.latent)
    assert selection.chosen == np.argmax(utilities)


def test_uniform_draws_from_the_pool(make_situation):
    situation = with_pool(make_situation())
    choices = [choose("uniform", situation).candidates[0] for _ in range(200)]
    counts = [sum(np.array_equal(choice, row) for choice in choices) for row in POOL]
    assert sum(counts) == 200 and min(counts) > 25


def test_latin_hypercube_does_not_apply_to_a_pool(make_situation):
    with pytest.raises(ValueError, match="latin_hypercube: expected a design of points of a box"):
        choose("latin_hypercube", with_pool(make_situation()))


def test_an_empty_pool_is_refused(make_situation):
    with pytest.raises(ValueError, match="every candidate of the pool has been chosen"):
        with_pool(make_situation(), POOL[:0])


def test_latin_hypercube_follows_the_design(make_situation):
    for number in (1, 2):
        selection = choose("latin_hypercube", make_situation(number=number))
        np.testing.assert_array_equal(selection.candidates, DESIGN[[number - 1]])
        assert selection.chosen == 0


def test_latin_hypercube_says_when_the_design_is_used_up(make_situation):
    with pytest.raises(ValueError, match="design has 2 points, but round 3"):
        choose("latin_hypercube", make_situation(number=3))
