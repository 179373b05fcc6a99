"""A sparse posterior of the dynamics: predictions, and what data say of h.

Files are scored, candidates inferred and users' predictions made from the arrays of a round file alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pamlflow.models.interface import LatentPosterior, Objective, TaskArrays
from pamlflow.models.latent_gp.use.evidence import Evidence, spread_transitions
from pamlflow.models.latent_gp.use.sparse_evidence import ElboEvidence, PredictiveEvidence
from pamlflow.models.latent_gp.use.sparse_moments import SparseMoments
from pamlflow.models.latent_gp.use.statistics import DynamicsValues, Statistics
from pamlflow.rows import Row, rows_of
from pamlflow.types import FloatArray

GROUP = "posterior/dynamics/"
RANKING_TRANSITIONS = 10


class SparsePosterior(SparseMoments):
    """q(f) of the P dynamics outputs through M inducing points; a DynamicsView."""

    __slots__ = ()

    @property
    def points(self) -> tuple[FloatArray, FloatArray]:
        """The inducing points: inputs [M, Dx] and latent points [M, Q]."""
        return self.inducing_inputs, self.inducing_latents

    def moments(
        self, inputs: FloatArray, latent: LatentPosterior, objective: Objective = "predictive"
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and variance [N, T, P] of f at inputs [N, T, Dx], for either objective: see SparseMoments."""
        return super().moments(inputs, latent)

    def noise_at(self, latent: LatentPosterior, objective: Objective) -> FloatArray:
        """Noise variance [N, P] of tasks; for `elbo` that of the bound."""
        noise = self.predictive_noise if objective == "predictive" else self.noise
        return self.task_noise(latent.mean, noise)

    def evidence(self, data: TaskArrays, objective: Objective) -> Evidence:
        """What transitions say of h*, by the `objective` of the inference."""
        if objective == "predictive":
            return PredictiveEvidence(self, data)
        return ElboEvidence(self, data)

    def ranking(self, data: TaskArrays, objective: Objective) -> Evidence:
        """What a few of the transitions say of h*: a cheap comparison of the starts of a search."""
        noise = self.predictive_noise if objective == "predictive" else self.noise
        few = spread_transitions(data, RANKING_TRANSITIONS)
        return PredictiveEvidence(self._replace(predictive_noise=noise), few)

    def finish(self, data: TaskArrays, objective: Objective) -> Evidence | None:
        """None: a search has nothing more exact to end with."""
        return None

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file."""
        return {f"{GROUP}{name}": value for name, value in self._asdict().items()}

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> SparsePosterior:
        """The inverse of `to_datasets`."""
        return cls(*(datasets[f"{GROUP}{name}"] for name in cls._fields))

    @staticmethod
    def is_in(datasets: Mapping[str, Any]) -> bool:
        """Whether a round file holds a sparse posterior of the dynamics."""
        return f"{GROUP}inducing_inputs" in datasets

    @staticmethod
    def rows() -> tuple[Row, ...]:
        """The rows of its datasets."""
        return rows_of("""
posterior/dynamics/inducing_inputs   [M, Dx]    float64  1  inducing points: scaled inputs
posterior/dynamics/inducing_latents  [M, Q]     float64  1  inducing points: latent variables
posterior/dynamics/lengthscales_x    [Dx]       float64  1  kernel length-scales of the inputs
posterior/dynamics/lengthscales_h    [Q]        float64  1  kernel length-scales of h
posterior/dynamics/variance          []         float64  1  kernel variance, in units of the signals
posterior/dynamics/weights           [M, P]     float64  1  mean of f is k' weights
posterior/dynamics/basis             [H, M, M]  float64  1  columns onto which k is projected
posterior/dynamics/reduction         [P, M]     float64  1  variance lost along each column
posterior/dynamics/noise             [P]        float64  1  noise variance of a task with h = 0 in the bound
posterior/dynamics/noise_slope       [Q]        float64  1  growth of the log noise variance with h
posterior/dynamics/predictive_noise  [P]        float64  1  noise variance of a task with h = 0 in predictions
""")


def diagonalised(found: Statistics) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return coordinates of u in which the posteriors of all outputs are diagonal.

    They are the eigenvalues [M] of A, the basis [M, M] that gives features of covariances to u, and what the
    transitions say of each coordinate [M, P].
    """
    eigenvalues, turned = np.linalg.eigh(0.5 * (found.A + found.A.T))
    return np.maximum(eigenvalues, 0.0), found.inverse.T @ turned, turned.T @ found.c


def optimal_posterior(found: Statistics, values: DynamicsValues) -> SparsePosterior:
    """Return the posterior at the optimal q(u); one basis diagonalises those of all outputs.

    Its predictive noise is the noise of `values`, in units of the signals.
    """
    eigenvalues, basis, projected = diagonalised(found)
    precision = values.precision()[:, None]
    informed = precision * eigenvalues
    weights = basis @ (projected * (precision / (1.0 + informed)).T)
    noise = 1.0 / precision[:, 0]
    return SparsePosterior(
        values.inducing_inputs,
        values.inducing_latents,
        values.lengthscales_x,
        values.lengthscales_h,
        values.variance,
        weights,
        basis[None],
        informed / (1.0 + informed),
        noise,
        values.noise_slope,
        noise,
    )
