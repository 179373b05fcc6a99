"""A model of one's own (docs/add_a_model.md): ridge regression, in which the descriptor sets the slopes."""

from dataclasses import dataclass

import numpy as np

from pamlflow.models.interface import ModelKind, TrainingRecord
from pamlflow.models.without_latent import WithoutLatent
from pamlflow.rows import rows_of
from pamlflow.settings import Settings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray as Array
from pamlflow.units import unit_of


@dataclass(frozen=True)
class RidgeSettings(Settings):
    """Section `model`: how much slopes are drawn to zero."""

    penalty: float = 1e-3


@dataclass(frozen=True)
class Ridge(WithoutLatent):
    """Outputs are linear in the inputs; each slope, and the offset, is linear in the descriptor."""

    group = "ridge"
    slopes: Array  # [1 + Dx, 1 + R, P]
    noise: Array  # [P], a variance

    def predict(self, inputs: Array, latent: Array, objective: str = "") -> tuple[Array, Array]:
        """Mean and variance [N, T, P] of tasks with descriptors `latent` [N, R]."""
        mean = np.tensordot(products(inputs, latent - self.mean), self.slopes, 2)
        return mean, np.zeros_like(mean) + self.noise


def products(inputs: Array, offsets: Array) -> Array:
    """1 and inputs [N, T, Dx], times 1 and offsets of descriptors [N, R]: [N, T, 1 + Dx, 1 + R]."""
    x, psi = (np.insert(values, 0, 1.0, axis=-1) for values in (inputs, offsets))
    return x[..., None] * psi[:, None, None, :]


def fit(
    tasks: TaskSet, settings: RidgeSettings, training: Settings, rng: object, **_: object
) -> tuple[Ridge, TrainingRecord]:
    """Solve the normal equations in units of the tasks; nothing is carried on from the round before."""
    inputs, _outputs, mask = tasks.padded()
    mean = tasks.descriptors.mean(axis=0)
    units = np.outer(*(np.append(1.0, unit_of(it)) for it in (tasks.inputs, tasks.descriptors)))
    phi = (products(inputs, tasks.descriptors - mean) / units)[mask > 0.0].reshape(-1, units.size)
    gram = phi.T @ phi + settings.penalty * len(phi) * np.eye(units.size)
    weights = np.linalg.solve(gram, phi.T @ tasks.outputs)
    slopes = weights.reshape(*units.shape, -1) / units[..., None]
    return Ridge(mean, slopes, np.var(tasks.outputs - phi @ weights, axis=0)), TrainingRecord()


ROWS = rows_of("ridge/*  [...]  float64  1  mean descriptor, slopes, and variance of the noise")
RIDGE = ModelKind("ridge", RidgeSettings, Settings, ROWS, fit, Ridge.from_datasets)
