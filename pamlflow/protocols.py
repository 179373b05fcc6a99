"""Test protocols: what is known of a test task when h* is inferred, and which transitions are scored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

HELD_OUT_SHARE = 0.5


@dataclass(frozen=True)
class Protocol:
    """One column of the metrics.

    `context` is the number of transitions that q(h*) is inferred from (None: all of them). With
    `held_out` the second half of each task's shuffled transitions is scored, the same for every context
    size; otherwise the whole trajectory is, as in the paper.
    """

    name: str
    context: int | None
    descriptor: bool
    held_out: bool
    objective: Literal["elbo"] | None = None  # None: as `inference.objective` says


def parse_protocol(name: str) -> Protocol:
    """The protocol called `name`.

    `paper`: the published one, the ELBO on the whole trajectory and scored on the same transitions;
    `full`: the same with the configured objective; `prior`: nothing known; `few_shot_0`: the descriptor
    only; `few_shot_<k>`: k transitions; `few_shot_<k>_descriptor`: both.
    """
    if name == "paper":
        return Protocol(name, None, descriptor=False, held_out=False, objective="elbo")
    if name == "full":
        return Protocol(name, None, descriptor=False, held_out=False)
    if name == "prior":
        return Protocol(name, 0, descriptor=False, held_out=True)
    match = re.fullmatch(r"few_shot_(0|[1-9][0-9]{0,5})(_descriptor)?", name)
    if match is None:
        raise ValueError(
            f"unknown test protocol '{name}'; expected paper, full, prior, few_shot_<k> or "
            "few_shot_<k>_descriptor with a number of transitions k"
        )
    context = int(match[1])
    return Protocol(name, context, descriptor=context == 0 or bool(match[2]), held_out=True)


def held_out_from(steps: int) -> int:
    """Position in the shuffled steps from which on they are held out for scoring: one of them at least."""
    return steps - max(1, round(HELD_OUT_SHARE * steps))
