"""LHS: the next point of the trial's Latin hypercube over the descriptor space (Section 4)."""

from pamlflow.acquisition.interface import Selection, Situation, fixed_choice


def latin_hypercube(situation: Situation) -> Selection:
    """Choose what the design says for this round."""
    if situation.design is None:
        raise ValueError(
            "latin_hypercube asks for points of a box, but the experiment has a pool to choose from; "
            "leave it out of the experiment's `strategies`"
        )
    if situation.round > len(situation.design):
        raise ValueError(
            f"the design has {len(situation.design)} points, but round {situation.round} needs another one"
        )
    return fixed_choice(situation, situation.design[situation.round - 1])
