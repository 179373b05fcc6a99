"""The psi statistics of transitions under q(H), whitened by the prior of the inducing variables.

The kernel is s2 k_x(x, x') k_h(h, h') with squared-exponential factors. All transitions of task i share h_i,
so the expectations of Titsias & Lawrence (2010) need one M x M matrix per task, not per transition. With
K_i [T, M] the unit-variance k_x, E_i and d_i of `expectations`, and w_i the relative noise precision of task i:

    Psi1_i     = s2 sqrt(w_i) E_i o K_i                                [T, M]
    Psi2       = sum_i Psi1_i' Psi1_i + covariance
    covariance = sum_i (exp(d_i) - 1) o (Psi1_i' Psi1_i)

Psi2 itself is never computed: if inducing points are close and the noise is small, a bound amplifies its
rounding errors to more than a nat. Psi1 keeps its digits if it is whitened before it is squared.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pamlflow.models.latent_gp.use.expectations import (
    Latents,
    PairTerms,
    log_expected_kernel,
    pair_terms,
)
from pamlflow.models.latent_gp.use.whitening import whitened, whitened_rows, whitening
from pamlflow.types import FloatArray, IntArray

MOST_KEPT = 2**24
"""Entries of a task's matrices, all tasks together, that are kept for the gradient; of more, none."""


class Transitions(NamedTuple):
    """Standardised transitions of N tasks, one after another."""

    inputs: FloatArray  # [n, Dx]
    outputs: FloatArray  # [n, P]
    lengths: IntArray  # [N]


class DynamicsValues(NamedTuple):
    """The parameters of the dynamics view, or the derivatives by them."""

    variance: FloatArray  # [] kernel variance s2
    lengthscales_x: FloatArray  # [Dx]
    lengthscales_h: FloatArray  # [Q]
    inducing_inputs: FloatArray  # [M, Dx]
    inducing_latents: FloatArray  # [M, Q]
    output_scale: FloatArray  # [P] output p is this times its function
    noise: FloatArray  # [P] noise variance of a task with h = 0
    noise_slope: FloatArray  # [Q] the log noise variance of task i grows by noise_slope' h_i

    def task_weights(self, mean: FloatArray) -> FloatArray:
        """Return the noise precision [N] of each task relative to a task with h = 0."""
        weights: FloatArray = np.exp(-mean @ self.noise_slope)
        return weights

    def precision(self) -> FloatArray:
        """Return one over the noise variances [P] of the outputs in units of their signals."""
        precision: FloatArray = np.square(self.output_scale) / self.noise
        return precision

    def inducing_covariance(self, jitter: float) -> FloatArray:
        """Return Kuu [M, M], with jitter relative to the kernel variance."""
        covariance = self.variance * self.unit_covariance()
        covariance[np.diag_indices(len(covariance))] = self.variance * (1.0 + jitter)
        return covariance

    def unit_covariance(self) -> FloatArray:
        """Return the kernel [M, M] between the inducing points for s2 = 1."""
        scaled = np.hstack(
            [
                self.inducing_inputs / self.lengthscales_x,
                self.inducing_latents / self.lengthscales_h,
            ]
        )
        return unit_covariance(scaled)


class Statistics(NamedTuple):
    """What a bound is made of at some parameters and q(H)."""

    latents: Latents
    weights: FloatArray  # [N]
    Psi1: FloatArray  # [n, M], transitions times the root of their weight
    pairs: PairTerms
    outputs: FloatArray  # [n, P] in units of their signals, times the root of their weight
    inverse: FloatArray  # [M, M]: L^-1
    A: FloatArray  # [M, M]: L^-1 Psi2 L^-T
    c: FloatArray  # [M, P]: L^-1 Psi1'Y
    lengths: IntArray  # [N]

    def row_weights(self) -> FloatArray:
        """Return the weight [n] of each transition."""
        return np.repeat(self.weights, self.lengths)


class PsiStatistics:
    """The statistics of some transitions, a function of parameters and q(H).

    It keeps its largest arrays from call to call: to get fresh memory from the system takes a tenth of a call.
    """

    def __init__(self, transitions: Transitions) -> None:
        """Take the transitions of all tasks."""
        self.transitions = transitions
        ends = np.cumsum(transitions.lengths)
        self.first = ends - transitions.lengths
        self.tasks = [slice(*both) for both in zip(self.first, ends, strict=True)]
        self._buffers: dict[str, FloatArray] = {}
        self._kept = True

    def __call__(
        self, values: DynamicsValues, mean: FloatArray, variance: FloatArray, jitter: float
    ) -> Statistics:
        """Return the whitened psi statistics; those of the next call take the same memory."""
        latents = Latents(mean, variance, values.inducing_latents, np.square(values.lengthscales_h))
        weights = values.task_weights(mean)
        root = np.repeat(np.sqrt(weights), self.transitions.lengths)
        outputs = root[:, None] * self.transitions.outputs / values.output_scale
        Psi1 = self._psi1(values, latents, weights)
        pairs = pair_terms(latents)
        covariance = self._covariance(Psi1, latents, pairs)
        inverse = whitening(values.inducing_covariance(jitter))
        projected = self.buffer("projected", *Psi1.shape)
        projected[:] = Psi1
        projected = whitened_rows(inverse, projected)
        A = projected.T @ projected + whitened(inverse, covariance)
        c = projected.T @ outputs
        return Statistics(
            latents,
            weights,
            Psi1,
            pairs,
            outputs,
            inverse,
            A,
            c,
            self.transitions.lengths,
        )

    def _psi1(self, values: DynamicsValues, latents: Latents, weights: FloatArray) -> FloatArray:
        """Psi1 [n, M]: one product and one exponential per entry."""
        points = values.inducing_inputs / values.lengthscales_x
        inputs = self.transitions.inputs / values.lengthscales_x
        ones = np.ones((len(inputs), 1))
        rows = np.hstack([inputs, -0.5 * np.square(inputs).sum(axis=1)[:, None], ones])
        columns = np.ones((len(points), rows.shape[1]))
        columns[:, : inputs.shape[1]] = points
        factors = log_expected_kernel(latents) + np.log(values.variance)
        factors += 0.5 * np.log(weights)[:, None] - 0.5 * np.square(points).sum(axis=1)
        Psi1 = self.buffer("Psi1", len(inputs), len(points))
        for task, factor in zip(self.tasks, factors, strict=True):
            columns[:, -1] = factor
            np.dot(rows[task], columns.T, out=Psi1[task])
        return np.exp(Psi1, out=Psi1)

    def _covariance(self, Psi1: FloatArray, latents: Latents, pairs: PairTerms) -> FloatArray:
        """The covariance [M, M]; what each task has contributed is kept for `pair`, if there is room."""
        size = len(latents.points)
        self._kept = len(self.tasks) * size**2 <= MOST_KEPT
        product, covariance = self.buffer("product", size, size), np.zeros((size, size))
        for i in range(len(self.tasks)):
            gram, excess = self._compute_pair(i, Psi1, latents, pairs)
            covariance += np.multiply(excess, gram, out=product)
        return covariance

    def pair(self, i: int, found: Statistics) -> tuple[FloatArray, FloatArray]:
        """Return Psi1_i' Psi1_i and exp(d_i) - 1 [M, M] of the statistics that were computed last.

        The arrays belong to this object: the next task may overwrite them.
        """
        if not self._kept:
            return self._compute_pair(i, found.Psi1, found.latents, found.pairs)
        return self._buffers["grams"][i], self._buffers["excess"][i]

    def _compute_pair(
        self, i: int, Psi1: FloatArray, latents: Latents, pairs: PairTerms
    ) -> tuple[FloatArray, FloatArray]:
        size, dimensions = latents.points.shape
        places = len(self.tasks) if self._kept else 1
        gram, excess = (
            self.buffer(name, places, size, size)[i % places] for name in ("grams", "excess")
        )
        rows = Psi1[self.tasks[i]]
        np.dot(rows.T, rows, out=gram)
        around = latents.points - latents.mean[i]
        own = np.square(around) @ pairs.own[i]
        left, right = np.ones((2, size, dimensions + 2))
        left[:, :-2], right[:, :-2] = around * pairs.cross[i], around
        left[:, -1], right[:, -2] = own, own + pairs.offset[i]
        np.dot(left, right.T, out=excess)
        np.expm1(excess, out=excess)
        return gram, excess

    def buffer(self, name: str, *shape: int) -> FloatArray:
        """Return an array of this shape, the same one whenever the name is asked for."""
        if name not in self._buffers or self._buffers[name].shape != shape:
            self._buffers[name] = np.empty(shape)
        return self._buffers[name]


def unit_covariance(points: FloatArray) -> FloatArray:
    """Return the unit-variance kernel [M, M] between points [M, D] in units of the length-scales."""
    squares = 0.5 * np.square(points).sum(axis=1)
    exponent: FloatArray = points @ points.T
    exponent -= squares
    exponent -= squares[:, None]
    np.exp(exponent, out=exponent)
    exponent[np.diag_indices(len(points))] = 1.0
    return exponent
