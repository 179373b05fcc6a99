"""Parameters with the transforms and priors that keep a fit well behaved."""

from collections.abc import Iterator
from contextlib import contextmanager

import gpflow
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from gpflow.utilities import positive

from pamlflow.models.latent_gp.fit.priors import Scale, Weight
from pamlflow.models.latent_gp.use.networks import keras_defaults
from pamlflow.types import FloatArray

GPFLOW_DEFAULTS = gpflow.config.Config(
    int=np.int32,
    float=np.float64,
    jitter=1e-6,
    positive_bijector="softplus",
    positive_minimum=0.0,
    likelihood_positive_minimum=1e-6,
)


@contextmanager
def library_defaults() -> Iterator[None]:
    """Use the default types and bounds of GPflow and Keras, and NumPy's default error state, within a block.

    GPflow and Keras keep these settings for the whole process; environment variables, files in the home folder
    or a user's own models may have changed them. The settings are restored afterwards.
    """
    with gpflow.config.as_context(GPFLOW_DEFAULTS), keras_defaults():
        yield


def scale_parameter(
    value: FloatArray | float, prior: Scale, lower: float = 0.0
) -> gpflow.Parameter:
    """Return a positive parameter, optimised as its logarithm above `lower`, with a log-normal prior."""
    normal = tfp.distributions.Normal(np.float64(np.log(prior.median)), np.float64(prior.spread))
    return gpflow.Parameter(
        np.asarray(value, dtype=np.float64),
        transform=positive(lower, base="exp"),
        prior=normal,
        prior_on="unconstrained",
    )


def weight_parameter(value: FloatArray | float, prior: Weight) -> gpflow.Parameter:
    """Return a real parameter with a zero-mean Gaussian prior."""
    normal = tfp.distributions.Normal(np.float64(0.0), np.float64(prior.spread))
    return gpflow.Parameter(np.asarray(value, dtype=np.float64), prior=normal)


def log_prior(module: gpflow.Module) -> tf.Tensor:
    """Return the log prior density of the trainable parameters of `module`, up to a constant.

    All priors are normal on the unconstrained variable. General code through TensorFlow Probability would make
    up a quarter of the traced graph.
    """
    scaled = [
        (parameter.unconstrained_variable - parameter.prior.loc) / parameter.prior.scale
        for parameter in module.trainable_parameters
        if parameter.prior is not None
    ]
    return -0.5 * tf.add_n([tf.reduce_sum(tf.square(deviation)) for deviation in scaled])
