"""A model of a user's without a latent variable: ridge regression on inputs and descriptors."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from pamlflow.models.interface import ModelKind, TrainingRecord
from pamlflow.rows import rows_of
from pamlflow.settings import Bounds, Settings


@dataclass(frozen=True)
class RidgeSettings(Settings):
    penalty: Annotated[float, Bounds(1e-9, 1e9)] = 1e-3


@dataclass(frozen=True)
class RidgeTraining(Settings):
    sweeps: Annotated[int, Bounds(1, 10)] = 1


@dataclass(frozen=True)
class Ridge:
    """What it believes of a task is its descriptor, or that of the mean training task."""

    weights: np.ndarray  # [1 + Dx + R, P]
    noise: np.ndarray  # [P]
    descriptor: np.ndarray  # [R]
    latent = None

    def prior(self, number):
        return np.tile(self.descriptor, (number, 1))

    def infer(self, *, descriptors=None, data=None, objective="predictive"):
        return self.prior(len(data.mask)) if descriptors is None else np.asarray(descriptors)

    def predict(self, inputs, latent, objective="predictive"):
        mean = features(inputs, latent[:, None]) @ self.weights
        return mean, np.broadcast_to(self.noise, mean.shape)

    def predict_descriptors(self, latents):
        raise ValueError("ridge regression has no latent variable")

    def to_datasets(self):
        return {f"ridge/{name}": value for name, value in vars(self).items()}


def features(inputs, descriptors):
    shape = (*inputs.shape[:-1], descriptors.shape[-1])
    ones = np.ones((*inputs.shape[:-1], 1))
    return np.concatenate([ones, inputs, np.broadcast_to(descriptors, shape)], axis=-1)


def fit(tasks, settings, training, rng, *, previous, unchosen, checkpoints, title):
    X = features(tasks.inputs, np.repeat(tasks.descriptors, tasks.lengths, axis=0))
    gram = X.T @ X + settings.penalty * np.eye(X.shape[1])
    weights = np.linalg.solve(gram, X.T @ tasks.outputs)
    noise = np.mean(np.square(tasks.outputs - X @ weights), axis=0) + 1e-9
    return Ridge(weights, noise, tasks.descriptors.mean(axis=0)), TrainingRecord()


def load(datasets):
    return Ridge(*(datasets[f"ridge/{name}"] for name in ("weights", "noise", "descriptor")))


ROWS = rows_of("""
ridge/weights     [F, P]  float64  1                       1, inputs and descriptors to outputs
ridge/noise       [P]     float64  1                       noise variances
ridge/descriptor  [R]     float64  tasks/descriptor_units  the mean descriptor
""")

RIDGE = ModelKind("ridge", RidgeSettings, RidgeTraining, ROWS, fit, load)
