"""Choosing the next task: one file per strategy."""

from pamlflow.acquisition.interface import Selection, Situation, Strategy
from pamlflow.acquisition.latin_hypercube import latin_hypercube
from pamlflow.acquisition.paml import paml
from pamlflow.acquisition.repeats import log_repeat
from pamlflow.acquisition.uniform import uniform

__all__ = ["STRATEGIES", "Selection", "Situation", "Strategy", "log_repeat"]

STRATEGIES: dict[str, Strategy] = {
    "paml": paml,
    "uniform": uniform,
    "latin_hypercube": latin_hypercube,
}
