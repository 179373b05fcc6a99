"""Parameters with the transforms and priors that keep a fit well behaved."""

import gpflow
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from gpflow.utilities import positive

from pamlflow.types import FloatArray


def scale_parameter(
    value: FloatArray | float, *, median: float, spread: float, lower: float = 0.0
) -> gpflow.Parameter:
    """A positive parameter, optimised as its logarithm, with a log-normal prior.

    ``median`` and ``spread`` (standard deviation of the logarithm) are in standardised units; ``lower`` is a
    hard floor, and what exceeds it has the prior.
    """
    value = np.asarray(value, dtype=np.float64)
    prior = tfp.distributions.Normal(np.float64(np.log(median)), np.float64(spread))
    return gpflow.Parameter(
        value, transform=positive(lower, base="exp"), prior=prior, prior_on="unconstrained"
    )


def weight_parameter(value: FloatArray | float, *, spread: float) -> gpflow.Parameter:
    """A real parameter with a zero-mean Gaussian prior of standard deviation ``spread``."""
    prior = tfp.distributions.Normal(np.float64(0.0), np.float64(spread))
    return gpflow.Parameter(np.asarray(value, dtype=np.float64), prior=prior)


def log_prior(module: gpflow.Module) -> tf.Tensor:
    """Log prior density of the trainable parameters of ``module`` up to a constant.

    All priors are normal on the unconstrained variable; the general route through TensorFlow Probability
    would be a quarter of the graph that every job traces.
    """
    scaled = [
        (parameter.unconstrained_variable - parameter.prior.loc) / parameter.prior.scale
        for parameter in module.trainable_parameters
        if parameter.prior is not None
    ]
    return -0.5 * tf.add_n([tf.reduce_sum(tf.square(deviation)) for deviation in scaled])
