"""Parameters with transforms and priors."""

import gpflow
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from scipy.stats import norm

from pamlflow.models.interface import TaskArrays
from pamlflow.models.latent_gp.fit.priors import Scale, Weight
from pamlflow.models.latent_gp.fit.training import train
from pamlflow.models.latent_gp.fit.with_gpflow.parameters import (
    log_prior,
    scale_parameter,
    weight_parameter,
)
from pamlflow.models.latent_gp.settings import ModelSettings, StochasticSettings, TrainingSettings
from pamlflow.models.latent_gp.use.networks import make_decoder, make_encoder, weights_of


class Toy(gpflow.Module):
    def __init__(self):
        super().__init__()
        self.scale = scale_parameter([1.0, 4.0], Scale(median=2.0, spread=0.5))
        self.weight = weight_parameter([[0.3, -1.0]], Weight(spread=1.5))
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
    parameter = scale_parameter(0.1, Scale(median=0.1, spread=1.0), lower=1e-3)
    assert float(parameter.numpy()) == pytest.approx(0.1)
    parameter.unconstrained_variable.assign(-500.0)
    assert float(parameter.numpy()) == pytest.approx(1e-3)


@pytest.fixture
def hostile():
    """A process whose owner has set all that GPflow, Keras and NumPy keep for everybody."""
    config = gpflow.config.Config(
        int=np.int64,
        float=np.float32,
        jitter=0.1,
        positive_bijector="softplus",
        positive_minimum=0.5,
        likelihood_positive_minimum=0.5,
    )
    keras = tf_keras.backend
    with gpflow.config.as_context(config), np.errstate(all="raise"):
        keras.set_floatx("float64")
        keras.set_image_data_format("channels_first")
        tf_keras.mixed_precision.set_global_policy("float64")
        state = (config, np.geterr(), "float64", "channels_first", "float64")
        yield
        found = (gpflow.config.config(), np.geterr(), keras.floatx(), keras.image_data_format())
        policy = tf_keras.mixed_precision.global_policy().name
        keras.set_floatx("float32")
        keras.set_image_data_format("channels_last")
        tf_keras.mixed_precision.set_global_policy("float32")
        assert (*found, policy) == state


SETTINGS = ModelSettings(inducing_points=10)
TRAINING = {
    "collapsed": TrainingSettings(first_iterations=5, next_iterations=5, starts=1),
    "stochastic": TrainingSettings("stochastic", stochastic=StochasticSettings(steps=4)),
}


def learn(tasks, training):
    """All numbers of two rounds of training, of inference and of predictions."""
    rng = np.random.default_rng(0)
    first, _ = train(tasks.subset(range(5)), SETTINGS, training, rng)
    second, record = train(tasks, SETTINGS, training, rng, first)
    data = TaskArrays(*tasks.padded())
    latent = second.infer(descriptors=tasks.descriptors, data=data)
    moments = second.predict(1e3 * data.inputs, latent)
    arrays = {
        **second.to_datasets(),
        "mean": moments[0],
        "variance": moments[1],
        "bound": record.bound,
    }
    return {name: np.asarray(values) for name, values in arrays.items()}


@pytest.fixture(scope="module")
def learned(ragged_tasks):
    return {name: learn(ragged_tasks, training) for name, training in TRAINING.items()}


@pytest.mark.parametrize("bound", TRAINING)
def test_the_state_of_a_users_process_changes_no_number(learned, hostile, ragged_tasks, bound):
    found = learn(ragged_tasks, TRAINING[bound])
    for name, values in learned[bound].items():
        assert found[name].dtype == values.dtype, name
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_networks_are_made_of_what_keras_has_by_default(hostile):
    for network in (make_encoder((8, 8, 1), 2, seed=0), make_decoder((8, 8, 1), 2, seed=0)):
        assert network.dtype == tf.float32
        assert network.input_shape[1:] in [(8, 8, 1), (2,)] and weights_of(network)
