"""`check_strategy` passes what keeps the contract, and names the fault of what does not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pamlflow import testing
from pamlflow.acquisition import STRATEGIES, Selection, Strategy
from pamlflow.acquisition.interface import fixed_choice
from pamlflow.settings import Settings
from pamlflow.testing import check_strategy


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_built_in_strategy_keeps_the_contract(name):
    strategy = STRATEGIES[name]
    takes_candidates = "num_candidates" in strategy.settings.__dataclass_fields__
    check_strategy(strategy, options={"num_candidates": 64} if takes_candidates else None)


def scored(situation, utilities=None, count=16):
    candidates = situation.offer.spread(count, situation.rng)
    utilities = np.arange(len(candidates), dtype=float) if utilities is None else utilities
    return Selection(candidates, None, utilities, int(np.argmax(utilities)))


def global_random(situation):
    candidates = situation.offer.spread(16, situation.rng)
    return scored(situation, np.random.uniform(size=len(candidates)))


def own_generator(situation):
    candidates = situation.offer.spread(16, situation.rng)
    return scored(situation, np.random.default_rng().uniform(size=len(candidates)))


def outside(situation):
    selection = scored(situation)
    return dataclasses.replace(selection, candidates=selection.candidates + 1e3)


def writes_to_tasks(situation):
    situation.tasks.inputs[0] = 0.0
    return scored(situation)


def writes_all_the_same(situation):
    outputs = situation.tasks.outputs
    outputs.flags.writeable = True
    outputs[0] += 1.0
    return scored(situation)


def worst(situation):
    return dataclasses.replace(scored(situation, None, 16), chosen=0)


def needs_two_tasks(situation):
    return scored(situation, np.ptp(situation.chosen, axis=0)[:1] / np.ptp(situation.chosen))


def needs_a_latent_variable(situation):
    situation.latent.mean.sum()
    return scored(situation)


def needs_a_box(situation):
    point = situation.offer.box.sample(1, situation.rng)[0]
    return fixed_choice(situation, point)


def two_variables_only(situation):
    _first, _second = situation.chosen.T
    return scored(situation)


def returns_a_row(situation):
    return situation.offer.draw(situation.rng)


def asserts(situation):
    assert situation.round > 1, "no task was chosen yet"
    return scored(situation)


def not_finite(situation):
    return scored(situation, np.full(len(situation.offer.spread(16, situation.rng)), np.nan))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (global_random, "random numbers from the generator that it is given, found that it drew"),
        (own_generator, "twice with the same generator: expected the same numbers, found that"),
        (outside, r"candidates of `situation.offer`, found candidate 0, \[10"),
        (writes_to_tasks, r"left as it is \(copy it .* line \d+: ValueError: .*read-only"),
        (writes_all_the_same, "`situation.tasks.outputs` to be left as it is, found that"),
        (worst, "the candidate of highest utility, 15.0, found candidate 0 of utility 0.0"),
        (needs_two_tasks, "round 1, 1 training task, a box of 1 variables: expected no error"),
        (needs_a_latent_variable, "a model without a latent variable: .*needs a latent variable"),
        (needs_a_box, "a pool of 1 variables: expected candidates of"),
        (two_variables_only, "a box of 1 variables: expected no error, found .*not enough values"),
        (returns_a_row, "expected a pamlflow.acquisition.Selection, found array"),
        (asserts, "round 1, .*: expected no error, found .*AssertionError: no task was chosen"),
        (not_finite, "utilities: not finite for candidate 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_fault_is_named_with_the_strategy_and_the_place(wrong, said):
    with pytest.raises(AssertionError, match=f"^strategy '{wrong.__name__}': .*{said}"):
        check_strategy(wrong)


@dataclasses.dataclass(frozen=True)
class Lenient(Settings):
    share: float = 0.5

    @classmethod
    def from_config(cls, section):
        return cls()


@dataclasses.dataclass(frozen=True)
class Incomplete(Settings):
    share: float


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"settings": Lenient},
            "`settings` with an unknown key: expected a ValueError, found that",
        ),
        ({"settings": Incomplete}, "made of defaults alone: expected no error, found .*'share'"),
        ({"settings": dict}, "expected a class derived from pamlflow.settings.Settings"),
        ({"needs": frozenset({"box", "tea"})}, r"`needs`: expected some of .*, found \['tea'\]"),
        ({"name": ""}, "`name`: expected a name"),
    ],
)
def test_what_a_strategy_says_of_itself_is_checked(changes, said):
    strategy = Strategy("mine", lambda situation, _: scored(situation))
    check_strategy(strategy)
    with pytest.raises(AssertionError, match=said):
        check_strategy(dataclasses.replace(strategy, **changes))


def test_needs_spare_a_strategy_what_it_cannot_do():
    check_strategy(
        Strategy("mine", lambda it, _: needs_a_box(it), needs=frozenset({"box", "latent"}))
    )


def test_options_reach_the_strategy():
    with pytest.raises(AssertionError, match=r"options {'shares': 1}.*shares: unknown key"):
        check_strategy(Strategy("mine", lambda it, _: scored(it)), options={"shares": 1})


def test_users_need_no_pytest():
    for file in Path(testing.__file__).parent.glob("*.py"):
        assert "import pytest" not in file.read_text(encoding="utf-8")
