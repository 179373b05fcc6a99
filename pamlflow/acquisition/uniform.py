"""UNI: a task drawn uniformly from the descriptor space or the pool, as in domain randomisation (Section 4)."""

from pamlflow.acquisition.interface import Selection, Situation, fixed_choice


def uniform(situation: Situation) -> Selection:
    """Choose at random."""
    if situation.pool is not None:
        return fixed_choice(situation, situation.rng.choice(situation.pool))
    assert situation.space is not None  # where there is none, there is a pool
    return fixed_choice(situation, situation.space.sample(1, situation.rng)[0])
