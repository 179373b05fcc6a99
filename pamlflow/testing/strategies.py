"""Check a strategy: all that the workflow and the learner ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from pamlflow.acquisition import BoxOffer, Need, Offer, PoolOffer, Selection, Situation, Strategy
from pamlflow.models.interface import Model
from pamlflow.tasks import TaskSet
from pamlflow.testing.contract import UNKNOWN_KEY, Contract, frozen
from pamlflow.testing.toys import ToyModel, toy_box, toy_picture, toy_tasks
from pamlflow.types import FloatArray

MANY = 12  # training tasks
POOL = 9  # tasks that are left in a pool


@dataclass(frozen=True)
class Case:
    """One situation that a strategy must master; `text` says what is special about it."""

    text: str
    round: int
    model: Model
    offer: Offer
    tasks: TaskSet
    design: FloatArray | None
    hidden: bool = False

    def situation(self, seed: int = 0) -> Situation:
        """Return the situation, with a fresh generator of random numbers."""
        rng = np.random.default_rng(seed)
        return Situation(
            self.round, self.model, self.offer, self.tasks, rng, self.design, self.hidden
        )


def check_strategy(
    strategy: Strategy | Callable[[Situation], Selection],
    *,
    options: Mapping[str, Any] | None = None,
    train: Callable[[TaskSet], Model] | None = None,
) -> None:
    """Check that a strategy does all that pamlflow expects of one, in boxes, pools and pictures.

    It must choose the candidate of highest utility among candidates that can be asked for, with one training
    task and with many, in the first round and later, for one to three descriptor variables.  What it says in
    `needs` decides what it is spared: a model without a latent variable, pools and pictures, or rounds
    without a design.  The same generator must give the same choice; what it is given stays as it is.

    Args:
        strategy: the strategy, or a function of a situation alone.
        options: settings as `strategies.<name>.options` has them; the defaults, if there are none.
        train: makes the model of tasks, for a strategy that asks more of it than
            `pamlflow.models.interface.Model` has; small models of the checks' own, if there is none.

    Raises:
        AssertionError: the strategy breaks the contract; the message says where and how.
    """
    if not isinstance(strategy, Strategy):
        choose = strategy
        name = getattr(choose, "__name__", type(choose).__name__)
        strategy = Strategy(name, lambda situation, _: choose(situation))
    contract = Contract(f"strategy '{strategy.name}'")
    _check_facts(contract, strategy)
    options = dict(options or {})
    with contract.calling(f"options {options}"):
        strategy.settings.from_config(options)
    for case in _cases(strategy.needs, train):
        _check_choice(contract, strategy, options, case)
    situation = case.situation()
    unknown = {**options, UNKNOWN_KEY: 1}
    contract.refuses("an option that it does not know", lambda: strategy(situation, unknown))


def _check_facts(contract: Contract, strategy: Strategy) -> None:
    contract.require(
        bool(strategy.name) and isinstance(strategy.name, str), "`name`", "a name", strategy.name
    )
    contract.require(callable(strategy.choose), "`choose`", "a function", strategy.choose)
    needs = set(get_args(Need))
    unknown = sorted(set(strategy.needs) - needs)
    contract.require(not unknown, "`needs`", f"some of {', '.join(sorted(needs))}", f"{unknown}")
    contract.settings("settings", strategy.settings)


def _cases(
    needs: frozenset[Need], train: Callable[[TaskSet], Model] | None = None
) -> Iterator[Case]:
    """What a strategy with these needs must master."""
    takes_pools = not needs & {"box", "design"}
    for dimensions in (1, 2, 3):
        box = toy_box(dimensions)
        for number, count in ((1, 1), (1, 3), (MANY - 3, MANY)):
            tasks = toy_tasks(box, count)
            rng = np.random.default_rng(dimensions)
            design = frozen(box.sample(MANY, rng)) if "design" in needs else None
            pool = frozen(box.sample(POOL, rng))
            offers: dict[str, Offer] = {"a box": BoxOffer(box)}
            if takes_pools:
                offers["a pool"] = PoolOffer(pool, box)
                offers["a pool of which one task is left"] = PoolOffer(pool[:1], box)
            models = list(_models(tasks, needs, train))
            for name, offer in offers.items():
                text = f"round {number}, {_counted(count)}, {name} of {dimensions} variables"
                for words, model in models:
                    yield Case(text + words, number, model, offer, tasks, design)
                yield Case(f"{text}, hidden parameters", number, model, offer, tasks, design, True)
    if takes_pools:
        unit = np.random.default_rng(0).uniform(size=(POOL, 2))
        left = PoolOffer(frozen([toy_picture(row) for row in unit]))
        for number, count in ((1, 1), (MANY - 3, MANY)):
            tasks = toy_tasks(toy_box(2), count, pictures=True)
            for words, model in _models(tasks, needs, train):
                text = f"round {number}, {_counted(count)}, pictures{words}"
                yield Case(text, number, model, left, tasks, None, True)


def _models(
    tasks: TaskSet, needs: frozenset[Need], train: Callable[[TaskSet], Model] | None
) -> Iterator[tuple[str, Model]]:
    """Models of tasks, and what messages say of each."""
    if train is not None:
        yield "", train(tasks)
        return
    yield "", ToyModel.of(tasks)
    if "latent" not in needs:
        yield ", a model without a latent variable", ToyModel.of(tasks, has_latent=False)


def _counted(count: int) -> str:
    return "1 training task" if count == 1 else f"{count} training tasks"


def _check_choice(
    contract: Contract, strategy: Strategy, options: Mapping[str, Any], case: Case
) -> None:
    """Check what a strategy chooses in one case, twice."""
    chosen = []
    for _ in range(2):
        situation = case.situation()
        tasks, left = situation.tasks, getattr(case.offer, "left", None)
        with contract.calling(
            case.text,
            **{"situation.design": case.design, "situation.offer.left": left},
            **{f"situation.tasks.{name}": getattr(tasks, name) for name in _ARRAYS},
        ):
            found = strategy(situation, options)
        contract.require(
            isinstance(found, Selection), case.text, "a pamlflow.acquisition.Selection", found
        )
        chosen.append(found.to_datasets())
    contract.same(f"{case.text}, twice with the same generator", *chosen)
    outside = np.flatnonzero(~case.offer.contains(found.candidates))
    if len(outside):
        text = f"candidate {outside[0]}, {found.candidates[outside[0]].tolist()}, which cannot be"
        contract.require(False, case.text, "candidates of `situation.offer`", text)
    best, taken = found.utilities.max(), found.utilities[found.chosen]
    contract.require(
        bool(taken == best),
        case.text,
        f"`chosen` to be the candidate of highest utility, {best}",
        f"candidate {found.chosen} of utility {taken}",
    )
    if found.latent is not None:
        has_latent = case.model.latent is not None
        contract.require(has_latent, case.text, "no `latent` without a latent variable", "one")
        positive = bool(np.all(found.latent.variance > 0.0))
        contract.require(
            positive, case.text, "variances of q(h*) above zero", found.latent.variance
        )


_ARRAYS = ("inputs", "outputs", "descriptors", "lengths")
