"""How a step of each bound, and a warm-started round, grow with the data."""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.common import (
    Measurement,
    PeakMemory,
    cart_poles,
    keep,
    median_seconds,
    milliseconds,
    setup,
)
from pamlflow.models.interface import LatentPosterior
from pamlflow.models.latent_gp.settings import (
    ModelSettings,
    StochasticSettings,
    TrainingSettings,
)
from pamlflow.models.latent_gp.use.scaling import Scaler
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

TASKS, INDUCING, ROUNDS = 10, 100, (1, 5, 15, 100)


def tasks_of(transitions: int) -> TaskSet:
    """Ten tasks that repeat real transitions until there are ``transitions`` in all."""
    base = cart_poles(1, TASKS, 100)
    copies = transitions // len(base.inputs)
    repeated = [base.subset([i]) for i in range(TASKS)]
    return TaskSet(
        inputs=np.concatenate([np.tile(task.inputs, (copies, 1)) for task in repeated]),
        outputs=np.concatenate([np.tile(task.outputs, (copies, 1)) for task in repeated]),
        lengths=base.lengths * copies,
        descriptors=base.descriptors,
        parameters=base.parameters,
        input_variables=base.input_variables,
        output_variables=base.output_variables,
        descriptor_variables=base.descriptor_variables,
        parameter_variables=base.parameter_variables,
    )


def inducing_inputs(tasks: TaskSet) -> FloatArray:
    """Some transitions, evenly chosen: choosing them well takes longer than a step."""
    chosen = np.linspace(0, len(tasks.inputs) - 1, INDUCING).astype(int)
    return Scaler.fit(tasks).inputs(tasks.inputs[chosen])


def stochastic_step(
    tasks: TaskSet, settings: ModelSettings, start: LatentPosterior
) -> Callable[[], object]:
    """A step of Adam on a minibatch."""
    from pamlflow.models.latent_gp.fit.with_gpflow.stochastic_training import StochasticTrainer
    from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel

    model = GPflowVectorModel(tasks, settings, start)
    model.dynamics.inducing_inputs.assign(inducing_inputs(tasks))
    schedule = StochasticSettings(batch_tasks=5, batch_transitions=50)
    trainer = StochasticTrainer(model, schedule, seed=0)  # a bound method does not keep it
    return lambda: trainer.step()


def collapsed_step(
    tasks: TaskSet, settings: ModelSettings, start: LatentPosterior
) -> Callable[[], object]:
    """A loss and its gradient, of all that is known."""
    from pamlflow.models.latent_gp.fit.closed_form.vector_model import DYNAMICS, VectorModel

    model = VectorModel(tasks, settings)
    model.place(start)
    model.parameters.assign({DYNAMICS["inducing_inputs"]: inducing_inputs(tasks)})
    return partial(model.loss, np.ones(len(model.state()), dtype=bool))


def one_size(bound: str, transitions: int) -> tuple[float, float]:
    """Seconds a step and peak memory in MiB beyond the libraries and the data, in this process."""
    tasks, settings = tasks_of(transitions), ModelSettings(inducing_points=INDUCING)
    mean = np.random.default_rng(0).standard_normal((TASKS, 2))
    start = LatentPosterior(mean, np.full_like(mean, 0.1))
    step_of = stochastic_step if bound == "stochastic" else collapsed_step
    step = step_of(tasks, settings, start)
    with PeakMemory() as memory:
        (seconds,) = median_seconds(step, repeats=7)
    return seconds, memory.mib


def rounds() -> list[Measurement]:
    """Warm-started rounds; the tasks of the rounds between are added at once."""
    from pamlflow.models.latent_gp.fit.training import train

    tasks = cart_poles(1, 4 + max(ROUNDS), 99)
    settings, training = ModelSettings(), TrainingSettings()
    rng = np.random.default_rng(0)
    trained, _ = train(tasks.subset(np.arange(4)), settings, training, rng)
    rows = []
    for number in ROUNDS:
        now = tasks.subset(np.arange(4 + number))
        begin = time.perf_counter()
        trained, record = train(now, settings, training, rng, trained)
        seconds = time.perf_counter() - begin
        iterations = len(record.bound)
        each = milliseconds(record.seconds[-1] / iterations)
        rows.append(
            Measurement(
                f"warm-started round {number} ({4 + number} tasks, M = {settings.inducing_points})",
                f"{seconds:.1f} s for {iterations} iterations",
                ratio=f"{each} each",
            )
        )
    return rows


def measure() -> list[Measurement]:
    """Steps of both bounds, each size in a process of its own, then rounds."""
    rows = []
    for bound, sizes in (
        ("stochastic", (10**3, 10**4, 10**5, 10**6)),
        ("collapsed", (10**3, 10**4, 10**5)),
    ):
        first = 0.0
        for size in sizes:
            command = [sys.executable, "-m", "benchmarks.scaling", bound, str(size)]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            seconds, memory = (float(number) for number in output.split())
            first = first or seconds
            rows.append(
                Measurement(
                    f"{bound} bound, one step, {size:,} transitions, M = {INDUCING}",
                    f"{milliseconds(seconds)}, {memory:.0f} MiB",
                    ratio=f"{seconds / first:.1f} x the smallest",
                    target="flat" if bound == "stochastic" else "linear",
                )
            )
    return rows + rounds()


if __name__ == "__main__":
    setup()
    if len(sys.argv) > 1:
        print(*one_size(sys.argv[1], int(sys.argv[2])))
    else:
        keep("scaling", measure())
