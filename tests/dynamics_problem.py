"""A small dynamics GP with known parameters, and what a dense twin needs to know about it."""

import gpflow
import numpy as np
import reference
import tensorflow as tf

from pamlflow.models.latent_gp.fit.with_gpflow.dynamics_gp import DynamicsGP, TaskData
from pamlflow.models.latent_gp.use.sparse_posterior import optimal_posterior
from pamlflow.models.latent_gp.use.statistics import PsiStatistics, Transitions

JITTER = 1e-8


class Problem:
    """Ragged tasks and a dynamics GP with random parameters, latent moments included."""

    def __init__(self, seed=0, *, lengths=(5, 1, 7), count=6, slope=(0.0, 0.0)):
        rng = np.random.default_rng(seed)
        present = np.arange(max(lengths)) < np.array(lengths)[:, None]
        self.task_of = np.nonzero(present)[0]
        self.mean = rng.normal(size=(len(lengths), 2))
        self.variance = rng.lognormal(-2.0, 0.5, size=(len(lengths), 2))
        self.inputs = rng.normal(size=(sum(lengths), 3))
        self.outputs = rng.normal(size=(sum(lengths), 2))
        padded = [np.zeros((*present.shape, 3)), np.zeros((*present.shape, 2))]
        padded[0][present], padded[1][present] = self.inputs, self.outputs
        self.transitions = Transitions(self.inputs, self.outputs, np.array(lengths))
        self.data = TaskData(*(tf.constant(a) for a in (*padded, present.astype(np.float64))))
        self.Z_x, self.Z_h = rng.normal(size=(count, 3)), rng.normal(size=(count, 2))
        self.model = DynamicsGP(
            3, 2, self.Z_x, self.Z_h, noise_floor=1e-6, signal="shared", task_scaled=True
        )
        self.l_x, self.l_h = rng.lognormal(0.0, 0.3, size=3), rng.lognormal(0.0, 0.3, size=2)
        self.s2, self.noise = rng.lognormal(), rng.lognormal(-1.5, 0.5, size=2)
        self.model.kernel_x.lengthscales.assign(self.l_x)
        self.model.kernel_x.variance.assign(self.s2)
        self.model.kernel_h.lengthscales.assign(self.l_h)
        self.model.noise.assign(self.noise)
        self.model.noise_slope.assign(slope)
        self.slope = np.array(slope)

    def use_all_points(self):
        """Every transition is an inducing point."""
        joint = (self.inputs, self.mean[self.task_of])
        self.model.inducing_inputs = gpflow.Parameter(joint[0])
        self.model.inducing_latents = gpflow.Parameter(joint[1])

    def bound(self, variance, jitter=JITTER):
        arguments = (tf.constant(self.mean), tf.constant(variance), tf.constant(jitter, tf.float64))
        return float(self.model.bound(self.data, *arguments))

    def posterior(self, variance, jitter=JITTER):
        """The posterior at the optimal q(u)."""
        values = self.model.values()
        found = PsiStatistics(self.transitions)(values, self.mean, variance, jitter)
        return optimal_posterior(found, values)

    @property
    def joint(self):
        """(x, E[h]) of every transition."""
        return np.hstack([self.inputs, self.mean[self.task_of]])

    @property
    def lengthscales(self):
        return np.hstack([self.l_x, self.l_h])

    def noise_of(self, p):
        """Noise variance of output p at every transition."""
        return self.noise[p] * np.exp(self.mean[self.task_of] @ self.slope)

    def dense(self, variance, jitter=JITTER):
        """Arguments of the reference bounds that do not depend on the output."""
        Psi1, Psi2 = reference.psi_statistics(
            self.inputs, self.task_of, self.mean, variance,
            self.Z_x, self.Z_h, self.l_x, self.l_h, self.s2,
        )  # fmt: skip
        Z = np.hstack([self.Z_x, self.Z_h])
        Kuu = reference.kernel(Z, Z, self.lengthscales, self.s2) + jitter * self.s2 * np.eye(len(Z))
        return {"Psi1": Psi1, "Psi2": Psi2, "psi0": self.s2, "Kuu": Kuu}
