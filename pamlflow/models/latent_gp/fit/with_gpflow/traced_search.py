"""A model of GPflow as L-BFGS sees it: one vector, and a loss whose gradient TensorFlow finds."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import gpflow
import numpy as np
import tensorflow as tf

from pamlflow.models.latent_gp.fit.prediction import prediction_posterior
from pamlflow.models.latent_gp.fit.with_gpflow.meta_model import MetaModel
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.types import BoolArray, FloatArray


class TracedSearch(MetaModel):
    """A meta-model that is a CollapsedModel of `fit.training`; its loss is traced once."""

    @property
    def jitter(self) -> float:
        """See Searchable."""
        return float(self.relative_jitter.numpy())

    @jitter.setter
    def jitter(self, value: float) -> None:
        self.relative_jitter.assign(value)

    def state(self) -> FloatArray:
        """See Searchable."""
        flat = [variable.numpy().ravel() for variable in self.trainable_variables]
        return np.concatenate(flat, dtype=np.float64)

    def restore(self, state: FloatArray) -> None:
        """See Searchable."""
        variables = self.trainable_variables
        ends = np.cumsum([int(np.prod(variable.shape)) for variable in variables])[:-1]
        for variable, part in zip(variables, np.split(state, ends), strict=True):
            values = part.reshape(variable.shape).astype(variable.dtype.as_numpy_dtype)
            variable.assign(values)

    def entries(self, *paths: str) -> BoolArray:
        """See Searchable."""
        parameters = gpflow.utilities.parameter_dict(self)
        named = {parameters[path].unconstrained_variable.ref() for path in paths}
        return np.concatenate(
            [
                np.full(int(np.prod(variable.shape)), variable.ref() in named)
                for variable in self.trainable_variables
            ]
        )

    def loss(self, free: BoolArray) -> tuple[float, FloatArray]:
        """See Searchable."""
        try:
            value, gradient = self._loss_and_gradient()
        except tf.errors.InvalidArgumentError:  # a Cholesky factorisation failed
            return np.nan, np.full(self.state().size, np.nan)
        return float(value.numpy()), gradient.numpy()

    def spoilt(self) -> list[str]:
        """See CollapsedModel."""
        parameters = gpflow.utilities.parameter_dict(self)
        return [path for path, it in parameters.items() if not np.all(np.isfinite(it.numpy()))]

    def trained(self) -> TrainedModel:
        """See CollapsedModel."""
        dynamics = prediction_posterior(
            self.transitions,
            self.dynamics.values(),
            self.latent_tasks(),
            self.jitter,
            self.settings,
        )
        return self.with_posterior(dynamics)

    @cached_property
    def _loss_and_gradient(self) -> Callable[[], tuple[tf.Tensor, tf.Tensor]]:
        variables = self.trainable_variables

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def loss_and_gradient() -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(variables)
                value = self.training_loss()
            gradients = tape.gradient(value, variables)
            flat = [tf.cast(tf.reshape(gradient, [-1]), tf.float64) for gradient in gradients]
            return value, tf.concat(flat, 0)

        traced: Callable[[], tuple[tf.Tensor, tf.Tensor]] = loss_and_gradient
        return traced
