"""Every strategy: what it chooses, and that it can be repeated."""

import dataclasses

import numpy as np
import pytest

from pamlflow.acquisition import STRATEGIES, Situation
from pamlflow.acquisition.paml import expected_self_information
from pamlflow.models.interface import LatentPosterior
from pamlflow.names import STRATEGIES as CONFIGURABLE
from pamlflow.settings import AcquisitionSettings
from pamlflow.spaces import Box

DESIGN = np.array([[1.0, 0.0], [1.5, 0.5]])


@pytest.fixture
def make_situation(trained, ragged_tasks):
    def make(seed=0, number=1, candidates="latent"):
        variables = ragged_tasks.descriptor_variables
        return Situation(
            round=number,
            model=trained,
            space=Box(variables, np.array([0.5, -1.0]), np.array([2.0, 1.0])),
            tasks=ragged_tasks,
            design=DESIGN,
            settings=AcquisitionSettings(candidates=candidates, num_candidates=200),
            rng=np.random.default_rng(seed),
        )

    return make


def test_every_strategy_of_the_config_exists():
    assert set(STRATEGIES) == set(CONFIGURABLE) - {"oracle"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_choice_lies_in_the_box_and_is_stored_with_what_was_scored(make_situation, strategy):
    situation = make_situation()
    selection = STRATEGIES[strategy](situation)
    assert situation.space.contains(selection.candidates).all()
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
@pytest.mark.parametrize("candidates", ["latent", "descriptor"])
def test_same_seed_same_choice(make_situation, strategy, candidates):
    one, other = (STRATEGIES[strategy](make_situation(3, 1, candidates)) for _ in range(2))
    for name, value in one.to_datasets().items():
        np.testing.assert_array_equal(other.to_datasets()[name], value)


@pytest.mark.parametrize("candidates", ["latent", "descriptor"])
def test_paml_chooses_the_most_surprising_candidate(make_situation, candidates):
    situation = make_situation(candidates=candidates)
    selection = STRATEGIES["paml"](situation)
    expected = expected_self_information(selection.latent, situation.model.latent)
    np.testing.assert_allclose(selection.utilities, expected)
    assert selection.utilities[selection.chosen] == expected.max()


def test_paml_stays_away_from_what_it_knows(make_situation):
    """Of candidates that include the training tasks, it chooses one far from all of them."""
    situation = make_situation()
    selection = STRATEGIES["paml"](situation)
    known = expected_self_information(situation.model.latent, situation.model.latent)
    assert selection.utilities[selection.chosen] > known.max() + 1.0


def test_paml_fills_a_gap_rather_than_repeating_itself(make_situation):
    """After the chosen task is learnt, another one is chosen."""
    situation = make_situation()
    first = STRATEGIES["paml"](situation)
    h = first.latent.mean[first.chosen]
    latent = situation.model.latent
    learnt = LatentPosterior(
        np.vstack([latent.mean, h]), np.vstack([latent.variance, latent.variance.mean(axis=0)])
    )
    model = dataclasses.replace(situation.model, latent=learnt)
    second = STRATEGIES["paml"](dataclasses.replace(situation, model=model))
    moved = np.abs(second.candidates[second.chosen] - first.candidates[first.chosen])
    assert np.any(moved > 0.1 * (situation.space.high - situation.space.low))


def test_uniform_choices_fill_the_box(make_situation):
    situation = make_situation()
    choices = np.array([STRATEGIES["uniform"](situation).candidates[0] for _ in range(200)])
    assert situation.space.contains(choices).all()
    unit = (choices - situation.space.low) / (situation.space.high - situation.space.low)
    for axis in unit.T:
        counts, _ = np.histogram(axis, bins=4, range=(0.0, 1.0))
        assert counts.min() > 25
    assert abs(np.corrcoef(unit.T)[0, 1]) < 0.25


POOL = np.array([[1.0, 0.0], [0.6, 0.9], [1.9, -0.8], [1.2, 0.3]])


def with_pool(situation, pool=POOL):
    return dataclasses.replace(situation, pool=pool, design=None)


def test_paml_scores_the_pool_and_nothing_else(make_situation):
    situation = with_pool(make_situation())
    selection = STRATEGIES["paml"](situation)
    np.testing.assert_array_equal(selection.candidates, POOL)
    expected = situation.model.infer(descriptors=POOL)
    np.testing.assert_array_equal(selection.latent.mean, expected.mean)
    utilities = expected_self_information(expected, situation.model.latent)
    assert selection.chosen == np.argmax(utilities)


def test_uniform_draws_from_the_pool(make_situation):
    situation = with_pool(make_situation())
    choices = [STRATEGIES["uniform"](situation).candidates[0] for _ in range(200)]
    counts = [sum(np.array_equal(choice, row) for choice in choices) for row in POOL]
    assert sum(counts) == 200 and min(counts) > 25


def test_latin_hypercube_does_not_apply_to_a_pool(make_situation):
    with pytest.raises(ValueError, match="latin_hypercube asks for points of a box"):
        STRATEGIES["latin_hypercube"](with_pool(make_situation()))


def test_an_empty_pool_is_refused(make_situation):
    with pytest.raises(ValueError, match="round 1: every candidate of the pool has been chosen"):
        with_pool(make_situation(), POOL[:0])


def test_latin_hypercube_follows_the_design(make_situation):
    for number in (1, 2):
        selection = STRATEGIES["latin_hypercube"](make_situation(number=number))
        np.testing.assert_array_equal(selection.candidates, DESIGN[[number - 1]])
        assert selection.chosen == 0


def test_latin_hypercube_says_when_the_design_is_used_up(make_situation):
    with pytest.raises(ValueError, match="design has 2 points, but round 3"):
        STRATEGIES["latin_hypercube"](make_situation(number=3))
