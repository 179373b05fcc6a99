"""What all tests share: one thread, no GPU, shape checks on, and small tasks to learn from."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports TensorFlow, which reads its own two variables instead of OMP_NUM_THREADS.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
os.environ.update(dict.fromkeys((*THREADS, "TF_NUM_INTEROP_THREADS"), "1"))
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

# A busy machine must not fail a test, nor chance one run and not the next.
settings.register_profile(
    "pamlflow", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("pamlflow")


@pytest.fixture(autouse=True)
def _shape_checks():
    """Keep the shape checks of public functions on, whatever an earlier test did to them."""
    if "check_shapes" in sys.modules:
        from check_shapes import set_enable_check_shapes

        set_enable_check_shapes(True)


@pytest.fixture(scope="session")
def make_tasks():
    """Tasks of given lengths from a smooth toy system y = f(x; amplitude, shift)."""
    import numpy as np

    from pamlflow.tasks import TaskSet, Variable

    def make(lengths, seed=0, noise=0.05):
        rng = np.random.default_rng(seed)
        parameters = rng.uniform([0.5, -1.0], [2.0, 1.0], size=(len(lengths), 2))
        inputs = rng.uniform(-2.0, 2.0, size=(sum(lengths), 2)) * [1.0, 10.0]
        amplitude, shift = np.repeat(parameters, lengths, axis=0).T
        position, force = inputs.T
        outputs = np.stack(
            [amplitude * np.sin(position + shift), 0.01 * (force + amplitude * position**2)], 1
        )
        outputs += noise * outputs.std(axis=0) * rng.standard_normal(outputs.shape)
        names = (Variable("amplitude", "kg"), Variable("shift", "m"))
        return TaskSet(
            inputs=inputs,
            outputs=outputs,
            lengths=np.array(lengths),
            descriptors=parameters,
            parameters=parameters,
            input_variables=(Variable("position", "m"), Variable("force", "N")),
            output_variables=(Variable("first_change", "m"), Variable("second_change", "m/s")),
            descriptor_variables=names,
            parameter_variables=names,
        )

    return make


@pytest.fixture(scope="session")
def ragged_tasks(make_tasks):
    """Eight tasks of unequal length, one of a single transition."""
    return make_tasks([12, 1, 15, 7, 9, 12, 14, 10])


@pytest.fixture(scope="session")
def fitted(ragged_tasks):
    """A model trained on the ragged tasks, and the record of its training."""
    import numpy as np

    from pamlflow.models.latent_gp.fit.training import train
    from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings

    return train(
        ragged_tasks,
        ModelSettings(inducing_points=30, noise="per_output"),
        TrainingSettings(first_iterations=60, starts=2),
        np.random.default_rng(0),
    )


@pytest.fixture(scope="session")
def trained(fitted):
    """A model trained on the ragged tasks."""
    return fitted[0]
