"""Test protocols: the data from which h* is inferred, and the transitions that are scored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

HELD_OUT_SHARE = 0.5


@dataclass(frozen=True)
class ScoringProtocol:
    """One column of the metrics.

    Attributes:
        name: its name in the configuration.
        context: number of transitions from which q(h*) is inferred; None for all.
        descriptor: whether the descriptor is known too.
        held_out: whether only the second half of the shuffled transitions is scored, the same for every
            context; otherwise all transitions are scored, as in the paper.
        objective: the objective of the inference; None for `inference.objective`.
    """

    name: str
    context: int | None
    descriptor: bool
    held_out: bool
    objective: Literal["elbo"] | None = None


def parse_protocol(name: str) -> ScoringProtocol:
    """The protocol called `name`.

    `paper`: the published one, the ELBO on the whole trajectory and scored on the same transitions;
    `full`: the same with the configured objective; `prior`: nothing known; `few_shot_0`: the descriptor
    only; `few_shot_<k>`: k transitions; `few_shot_<k>_descriptor`: both.
    """
    if name == "paper":
        return ScoringProtocol(name, None, descriptor=False, held_out=False, objective="elbo")
    if name == "full":
        return ScoringProtocol(name, None, descriptor=False, held_out=False)
    if name == "prior":
        return ScoringProtocol(name, 0, descriptor=False, held_out=True)
    match = re.fullmatch(r"few_shot_(0|[1-9][0-9]{0,5})(_descriptor)?", name)
    if match is None:
        raise ValueError(
            f"unknown test protocol '{name}'; expected paper, full, prior, few_shot_<k> or "
            "few_shot_<k>_descriptor with a number of transitions k"
        )
    context = int(match[1])
    return ScoringProtocol(name, context, descriptor=context == 0 or bool(match[2]), held_out=True)


def held_out_from(steps: int) -> int:
    """Return the index of the first held-out step in the shuffled steps; at least one step is held out."""
    return steps - max(1, round(HELD_OUT_SHARE * steps))
