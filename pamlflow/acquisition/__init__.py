"""Strategies choose the next task: one file for each, and one line here."""

from pamlflow import plugins
from pamlflow.acquisition.interface import Need, Selection, Situation, Strategy
from pamlflow.acquisition.latin_hypercube import LATIN_HYPERCUBE
from pamlflow.acquisition.offer import BoxOffer, Offer, PoolOffer
from pamlflow.acquisition.paml import PAML, PAML_DESCRIPTOR
from pamlflow.acquisition.repeats import log_repeat
from pamlflow.acquisition.uniform import UNIFORM

__all__ = [
    "STRATEGIES",
    "BoxOffer",
    "Need",
    "Offer",
    "PoolOffer",
    "Selection",
    "Situation",
    "Strategy",
    "log_repeat",
    "strategy_of",
]

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy for strategy in (PAML, PAML_DESCRIPTOR, UNIFORM, LATIN_HYPERCUBE)
}


def strategy_of(name: str) -> Strategy:
    """Return the strategy of this name: one of STRATEGIES, or your own as `package.module:Name`.

    Your own is a Strategy, or a function of a situation, which has no settings. Raises ValueError when there
    is no such strategy.
    """
    found = plugins.load(name, STRATEGIES, "strategy")
    if isinstance(found, Strategy):
        return found
    return Strategy(name, lambda situation, _: found(situation))
