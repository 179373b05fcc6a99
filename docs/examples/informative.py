"""A strategy that looks at data and predictions (docs/add_a_strategy.md): the task that would say most."""

import numpy as np

from pamlflow.acquisition import Selection, Situation
from pamlflow.models.interface import LatentPosterior


def most_informative(situation: Situation) -> Selection:
    """Choose the candidate whose record would say most of its dynamics, if run like the newest task.

    That is the mutual information of f and the outputs at these inputs, in nats, summed over the outputs.
    """
    tasks, model = situation.tasks, situation.model
    candidates = situation.offer.spread(64, situation.rng)
    latent = model.infer(descriptors=candidates)
    inputs = tasks.inputs[None, -tasks.lengths[-1] :: 5]  # [1, T, Dx]
    utilities = np.empty(len(candidates))
    for c in range(len(candidates)):
        one = LatentPosterior(*(part if part is None else part[[c]] for part in latent))
        of_f = model.covariance(inputs, one)[:, 0, :, 0]  # [P, T, T]
        observed, exact = (model.predict(inputs, one, noise=noise)[1] for noise in (True, False))
        noise = (observed - exact)[0].T  # [P, T]
        ratio = np.eye(inputs.shape[1]) + of_f / noise[:, :, None]
        utilities[c] = 0.5 * np.linalg.slogdet(ratio)[1].sum()
    return Selection(candidates, latent, utilities, int(np.argmax(utilities)))
