"""Rows of the datasets in a round file that hold a latent Gaussian process."""

from collections.abc import Sequence
from dataclasses import replace

from pamlflow.models.latent_gp.use.views import DESCRIPTOR_VIEWS, DYNAMICS_VIEWS, View
from pamlflow.rows import Row, rows_of

_MODEL = rows_of("""
latent/mean              [N, Q]  float64  1                       mean of q(h) of each task
latent/variance          [N, Q]  float64  1                       variance of q(h) of each task
parameters/*             [...]   float64  1                       model parameters, by their path
scaler/input_mean        [Dx]    float64  tasks/input_units       mean subtracted from inputs
scaler/input_scale       [Dx]    float64  tasks/input_units       divisor of inputs
scaler/output_mean       [P]     float64  tasks/output_units      mean subtracted from outputs
scaler/output_scale      [P]     float64  tasks/output_units      divisor of outputs: their signals
scaler/descriptor_mean   [R]     float64  tasks/descriptor_units  mean subtracted from descriptors
scaler/descriptor_scale  [R]     float64  tasks/descriptor_units  divisor of descriptors
""")


def _of(views: Sequence[type[View]]) -> tuple[Row, ...]:
    """The rows of views of which a file holds one: none of them must be there where there are several."""
    is_choice = len(views) > 1
    return tuple(replace(row, optional=is_choice) for view in views for row in view.rows())


ROWS = _MODEL + _of(DYNAMICS_VIEWS) + _of(DESCRIPTOR_VIEWS)
