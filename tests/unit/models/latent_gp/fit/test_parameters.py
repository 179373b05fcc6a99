"""Parameters with transforms and priors."""

import gpflow
import numpy as np
import pytest
from scipy.stats import norm

from pamlflow.models.latent_gp.fit.parameters import log_prior, scale_parameter, weight_parameter


class Toy(gpflow.Module):
    def __init__(self):
        super().__init__()
        self.scale = scale_parameter([1.0, 4.0], median=2.0, spread=0.5)
        self.weight = weight_parameter([[0.3, -1.0]], spread=1.5)
        self.free = gpflow.Parameter(3.0)


def test_scales_have_a_log_normal_prior_and_weights_a_normal_one():
    toy, expected = Toy(), []
    for scale, weight in (([1.0, 4.0], [[0.3, -1.0]]), ([0.2, 9.0], [[2.0, 0.0]])):
        toy.scale.assign(scale)
        toy.weight.assign(weight)
        density = norm.logpdf(np.log(scale), np.log(2.0), 0.5).sum()
        density += norm.logpdf(weight, 0.0, 1.5).sum()
        expected.append(float(log_prior(toy)) - density)
    assert expected[0] == pytest.approx(expected[1], rel=1e-9)  # a constant is left out


def test_fixed_parameters_have_no_say():
    toy = Toy()
    gpflow.set_trainable(toy.weight, False)
    before = float(log_prior(toy))
    toy.weight.assign([[7.0, 7.0]])
    assert float(log_prior(toy)) == before


def test_a_floor_holds_however_far_the_optimiser_goes():
    parameter = scale_parameter(0.1, median=0.1, spread=1.0, lower=1e-3)
    assert float(parameter.numpy()) == pytest.approx(0.1)
    parameter.unconstrained_variable.assign(-500.0)
    assert float(parameter.numpy()) == pytest.approx(1e-3)
