"""q(H): one diagonal Gaussian per task (eq. 3), and its divergence from the standard-normal prior."""

import gpflow
import tensorflow as tf

from pamlflow.types import FloatArray


class LatentTasks(gpflow.Module):
    """The variational posterior q(H) = prod_i N(h_i; mean_i, diag(variance_i)) of N tasks (eq. 3)."""

    def __init__(self, mean: FloatArray, variance: FloatArray) -> None:
        """Start at `mean` and `variance`, both [N, Q]."""
        super().__init__()
        self.mean = gpflow.Parameter(mean)
        self.variance = gpflow.Parameter(
            variance, transform=gpflow.utilities.positive(0.0, base="exp")
        )


def kl_divergence(mean: tf.Tensor, variance: tf.Tensor) -> tf.Tensor:
    """Return KL(q(H) || N(0, I)) for moments [N, Q], summed over tasks."""
    return 0.5 * tf.reduce_sum(tf.square(mean) + variance - 1.0 - tf.math.log(variance))
