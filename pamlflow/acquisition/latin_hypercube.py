"""LHS: the next point of the trial's Latin hypercube over the descriptor space (Section 4)."""

from pamlflow.acquisition.interface import (
    Look,
    NoSettings,
    Selection,
    Situation,
    Strategy,
    fixed_choice,
)


def latin_hypercube(situation: Situation, settings: NoSettings) -> Selection:
    """Choose the point of the design for this round. Raises ValueError if there is none."""
    if situation.design is None:
        raise ValueError("latin_hypercube: expected a design of points of a box, found none")
    if situation.round > len(situation.design):
        text = f"the design has {len(situation.design)} points, but round {situation.round}"
        raise ValueError(f"{text} needs another one")
    return fixed_choice(situation, situation.design[situation.round - 1])


LATIN_HYPERCUBE = Strategy(
    "latin_hypercube",
    latin_hypercube,
    needs=frozenset({"design"}),
    label="Latin hypercube",
    look=Look("#029e73", "^", (1, 1)),
    compared=True,
)
