"""A strategy of one's own (docs/add_a_strategy.md): the task farthest from those that were run."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.spatial.distance import cdist

from pamlflow.acquisition.interface import Selection, Situation, Strategy
from pamlflow.settings import Bounds, Settings


@dataclass(frozen=True)
class FarthestSettings(Settings):
    """What a configuration can set below `strategies.<name>.options`."""

    num_candidates: Annotated[int, Bounds(1, 100_000)] = 1000


def farthest(situation: Situation, settings: FarthestSettings) -> Selection:
    """Choose the candidate farthest from the tasks so far, in units of the spread of all of them."""
    candidates = situation.offer.spread(settings.num_candidates, situation.rng)
    new, known = (
        descriptors.reshape(len(descriptors), -1) for descriptors in (candidates, situation.chosen)
    )
    spread = np.concatenate([new, known]).std(axis=0)
    unit = np.where(spread > 0.0, spread, 1.0)
    utilities = cdist(new / unit, known / unit).min(axis=1)
    model = situation.model
    latent = None if model.latent is None else model.infer(descriptors=candidates)
    return Selection(candidates, latent, utilities, int(np.argmax(utilities)))


FARTHEST = Strategy("farthest", farthest, FarthestSettings, label="Farthest")
