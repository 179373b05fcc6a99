"""The posterior of the dynamics given all transitions, at the kernel and the q(H) that training has found.

Training has a few inducing points, which it may move. Predictions need more of them, which are transitions
and need not move: `sharp` has so many that they leave little of the data unexplained, and with all transitions
among them it is the exact posterior. `search` has the points of training, and is where q(h*) is searched for:
that takes many evaluations, and loses little (docs/findings.md).

Neither is in a round file: what they are made of is a tenth as large, and to make them takes less time than a
search for q(h*).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pamlflow.models.interface import LatentPosterior, Objective, TaskArrays
from pamlflow.models.latent_gp.use.evidence import Evidence
from pamlflow.models.latent_gp.use.sparse_posterior import SparsePosterior, optimal_posterior
from pamlflow.models.latent_gp.use.statistics import DynamicsValues, PsiStatistics, Transitions
from pamlflow.rows import Row, rows_of
from pamlflow.types import FloatArray

GROUP = "posterior/data/"


@dataclass(frozen=True)
class DataPosterior:
    """q(f) given transitions; a DynamicsView.

    Attributes:
        transitions: standardised, outputs in units of their signals.
        latent: q(H) of their tasks.
        values: the parameters of training; all output scales are 1.
        jitter: what training has added to the diagonal of Kuu, relative to the kernel variance.
        sharp_inputs: inputs [Z, Dx] of the inducing points of predictions.
        sharp_latents: their latent points [Z, Q].
        sharp_noise: noise variances [P] of their posterior and its predictions, at h = 0.
        sharp_jitter: the jitter of their covariance.
    """

    transitions: Transitions
    latent: LatentPosterior
    values: DynamicsValues
    jitter: float
    sharp_inputs: FloatArray
    sharp_latents: FloatArray
    sharp_noise: FloatArray
    sharp_jitter: float

    @cached_property
    def search(self) -> SparsePosterior:
        """The posterior by the inducing points of training, with the noise of the bound."""
        found = PsiStatistics(self.transitions)(self.values, *self.latent[:2], self.jitter)
        return optimal_posterior(found, self.values)

    @cached_property
    def sharp(self) -> SparsePosterior:
        """The posterior of predictions."""
        values = self.values._replace(
            inducing_inputs=self.sharp_inputs,
            inducing_latents=self.sharp_latents,
            noise=self.sharp_noise,
        )
        found = PsiStatistics(self.transitions)(values, *self.latent[:2], self.sharp_jitter)
        return optimal_posterior(found, values)._replace(noise=self.values.noise)

    @property
    def points(self) -> tuple[FloatArray, FloatArray]:
        """The inducing points of training: inputs [M, Dx] and latent points [M, Q]."""
        return self.values.inducing_inputs, self.values.inducing_latents

    @property
    def lengthscales_h(self) -> FloatArray:
        """Length-scales [Q] of f in h."""
        return self.values.lengthscales_h

    def moments(
        self, inputs: FloatArray, latent: LatentPosterior, objective: Objective = "predictive"
    ) -> tuple[FloatArray, FloatArray]:
        """Mean and variance [N, T, P] of f at inputs [N, T, Dx] under q(h) of the N tasks, without noise."""
        return self._posterior_for(latent, objective).moments(inputs, latent)

    def covariance(self, inputs: FloatArray, latent: LatentPosterior) -> FloatArray:
        """Covariance [P, N, T, N, T] of f between all inputs of all tasks, without noise."""
        return self.sharp.covariance(inputs, latent)

    def noise_at(self, latent: LatentPosterior, objective: Objective) -> FloatArray:
        """Noise variance [N, P] of tasks, of the posterior that `moments` has for them."""
        return self._posterior_for(latent, objective).noise_at(latent, objective)

    def _posterior_for(self, latent: LatentPosterior, objective: Objective) -> SparsePosterior:
        """The sharp posterior for what transitions say of h by `predictive`, and else that of training.

        After the ELBO, and from a descriptor alone (a q(h) with a covariance), h is less certain than q(h) has
        it, and a sharp posterior would make much of a small error of h (docs/findings.md).
        """
        is_sure = objective == "predictive" and latent.covariance is None
        return self.sharp if is_sure else self.search

    def evidence(self, data: TaskArrays, objective: Objective) -> Evidence:
        """What transitions of N tasks say of h*, by the `objective` of the inference."""
        return self.search.evidence(data, objective)

    def ranking(self, data: TaskArrays, objective: Objective) -> Evidence:
        """The same, cheaper and less exact: it only compares the starts of a search."""
        return self.search.ranking(data, objective)

    def finish(self, data: TaskArrays, objective: Objective) -> Evidence | None:
        """What transitions say of h* by the posterior of predictions; the paper's ELBO is left as it is."""
        return self.sharp.evidence(data, objective) if objective == "predictive" else None

    def to_datasets(self) -> dict[str, Any]:
        """HDF5 datasets of a round file; q(H) is the model's."""
        values = self.values._asdict()
        del values["output_scale"]
        named = {
            "inputs": self.transitions.inputs,
            "outputs": self.transitions.outputs,
            "lengths": self.transitions.lengths,
            "jitter": self.jitter,
            "sharp_inputs": self.sharp_inputs,
            "sharp_latents": self.sharp_latents,
            "sharp_noise": self.sharp_noise,
            "sharp_jitter": self.sharp_jitter,
        }
        return {f"{GROUP}{name}": value for name, value in (values | named).items()}

    @classmethod
    def from_datasets(cls, datasets: Mapping[str, Any]) -> DataPosterior:
        """The inverse of `to_datasets`."""
        own = {name: datasets[f"{GROUP}{name}"] for name in _NAMES}
        values = {name: own[name] for name in DynamicsValues._fields if name != "output_scale"}
        return cls(
            Transitions(own["inputs"], own["outputs"], own["lengths"]),
            LatentPosterior(datasets["latent/mean"], datasets["latent/variance"]),
            DynamicsValues(**values, output_scale=np.ones(len(own["noise"]))),
            float(own["jitter"]),
            own["sharp_inputs"],
            own["sharp_latents"],
            own["sharp_noise"],
            float(own["sharp_jitter"]),
        )

    @staticmethod
    def is_in(datasets: Mapping[str, Any]) -> bool:
        """Whether a round file holds a posterior given transitions."""
        return f"{GROUP}inputs" in datasets

    @staticmethod
    def rows() -> tuple[Row, ...]:
        """The rows of its datasets."""
        return _ROWS


_ROWS = rows_of("""
posterior/data/inputs            [S, Dx]  float64  1  scaled inputs of the transitions
posterior/data/outputs           [S, P]   float64  1  their outputs, in units of the signals
posterior/data/lengths           [N]      int64    1  transitions of each task
posterior/data/inducing_inputs   [M, Dx]  float64  1  inducing points of training: scaled inputs
posterior/data/inducing_latents  [M, Q]   float64  1  inducing points of training: latent variables
posterior/data/lengthscales_x    [Dx]     float64  1  kernel length-scales of the inputs
posterior/data/lengthscales_h    [Q]      float64  1  kernel length-scales of h
posterior/data/variance          []       float64  1  kernel variance, in units of the signals
posterior/data/noise             [P]      float64  1  noise variance of a task with h = 0 in the bound
posterior/data/noise_slope       [Q]      float64  1  growth of the log noise variance with h
posterior/data/jitter            []       float64  1  jitter of training, in kernel variances
posterior/data/sharp_inputs      [Z, Dx]  float64  1  inducing points of predictions: scaled inputs
posterior/data/sharp_latents     [Z, Q]   float64  1  inducing points of predictions: latent variables
posterior/data/sharp_noise       [P]      float64  1  noise variance of a task with h = 0 in predictions
posterior/data/sharp_jitter      []       float64  1  jitter of predictions, in kernel variances
""")
_NAMES = tuple(row.path.removeprefix(GROUP) for row in _ROWS)
