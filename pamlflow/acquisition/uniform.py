"""UNI: a task drawn uniformly from the box or the pool, as in domain randomisation (Section 4)."""

from pamlflow.acquisition.interface import (
    Look,
    NoSettings,
    Selection,
    Situation,
    Strategy,
    fixed_choice,
)


def uniform(situation: Situation, settings: NoSettings) -> Selection:
    """Choose at random."""
    return fixed_choice(situation, situation.offer.draw(situation.rng))


UNIFORM = Strategy(
    "uniform", uniform, label="Uniform", look=Look("#de8f05", "s", (4, 1.5)), compared=True
)
