"""PAML: the candidate with the largest self-information under the mixture of q(h_i) (Section 3.2)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from pamlflow.acquisition.candidates import CandidateKind, CandidateSettings, make_candidates
from pamlflow.acquisition.interface import Look, Selection, Situation, Strategy
from pamlflow.models.interface import LatentPosterior
from pamlflow.types import FloatArray


@dataclass(frozen=True)
class PamlSettings(CandidateSettings):
    """The settings of PAML: its candidates."""


@dataclass(frozen=True)
class PamlDescriptorSettings(CandidateSettings):
    """The settings of PAML with candidates spread over the box of descriptors by default."""

    candidates: CandidateKind = "descriptor"


def paml(situation: Situation, settings: CandidateSettings) -> Selection:
    """Choose the candidate with the largest self-information."""
    candidates, latent = make_candidates(situation, settings)
    utilities = expected_self_information(latent, situation.latent)
    return Selection(candidates, latent, utilities, int(np.argmax(utilities)))


def self_information(points: FloatArray, training: LatentPosterior) -> FloatArray:
    """Return u(h*) = -log sum_i q(h_i = h*) + log N in nats [C] for latent points [C, Q] (eq. 11)."""
    offsets = np.square(points[:, None, :] - training.mean)
    log_density = -0.5 * np.sum(
        offsets / training.variance + np.log(2.0 * np.pi * training.variance), axis=-1
    )
    information: FloatArray = np.log(len(training.mean)) - logsumexp(log_density, axis=1)
    return information


def expected_self_information(candidates: LatentPosterior, training: LatentPosterior) -> FloatArray:
    """Return the mean [C] of eq. 11 over q(h*) of each candidate, by 2 Q + 1 sigma points.

    The sigma points are exact for polynomials up to third order.
    """
    dimensions = candidates.mean.shape[1]
    if candidates.covariance is None:
        roots = np.sqrt(candidates.variance)[:, :, None] * np.eye(dimensions)
    else:
        roots = np.linalg.cholesky(candidates.covariance)
    total = self_information(candidates.mean, training) / (dimensions + 1.0)
    for axis in range(dimensions):
        offset = np.sqrt(dimensions + 1.0) * roots[:, :, axis]
        for points in (candidates.mean - offset, candidates.mean + offset):
            total += self_information(points, training) / (2.0 * (dimensions + 1.0))
    return total


PAML = Strategy(
    "paml",
    paml,
    PamlSettings,
    needs=frozenset({"latent"}),
    label="PAML",
    look=Look("#0173b2", "o", ()),
    compared=True,
)
PAML_DESCRIPTOR = Strategy(
    "paml_descriptor",
    paml,
    PamlDescriptorSettings,
    needs=frozenset({"latent", "box"}),
    label="PAML, descriptor candidates",
    look=Look("#cc78bc", "D", (3, 1, 1, 1)),
)
