"""UNI: a task drawn uniformly from the descriptor space, as in domain randomisation (Section 4)."""

from pamlflow.acquisition.interface import Selection, Situation, fixed_choice


def uniform(situation: Situation) -> Selection:
    """Choose at random."""
    return fixed_choice(situation, situation.space.sample(1, situation.rng)[0])
