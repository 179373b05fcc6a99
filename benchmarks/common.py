"""Rows of the benchmark table, timing, and the cart-pole tasks that the benchmarks share."""

import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

from pamlflow.jobs.usage import machine
from pamlflow.metrics import Scores, score
from pamlflow.models.interface import LatentPosterior, Objective, TaskArrays
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.tasks import TaskSet
from pamlflow.versions import __version__
from pamlflow.world import World

THREADS = int(os.environ["OMP_NUM_THREADS"])
ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
HELD_OUT_FROM = 50


@dataclass(frozen=True)
class Measurement:
    """One comparison; ``ratio`` is how many times better ours is than the reference, if there is one."""

    case: str
    ours: str
    reference: str = ""
    ratio: str = ""
    target: str = ""


def setup() -> None:
    """Load TensorFlow on as many threads as NumPy has."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ["PAMLFLOW_CHECK_SHAPES"] = "0"
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    from pamlflow.tensorflow_loading import configure_tensorflow

    configure_tensorflow(THREADS)


def cart_poles(seed: int, count: int | None, steps: int = 99) -> TaskSet:
    """``count`` uniform cart-pole tasks, or the 10 x 10 test grid, ``steps`` transitions each."""
    world = world_of("cart_pole", steps)
    rng = np.random.default_rng(seed)
    space = world.descriptors.space
    tasks = space.grid([10, 10]) if count is None else space.sample(count, rng)
    return world.run(tasks, tasks, world.domain.draw_excitation(rng))


def world_of(experiment: str, steps: int = 99) -> World:
    """The world of an experiment of the study, with ``steps`` transitions a task."""
    study = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    return World.from_config({**study["experiments"][experiment], "simulation": {"steps": steps}})


def shuffled(tasks: TaskSet) -> TaskArrays:
    """The transitions of each task in a random order of its own: contexts are heads, the rest is held out."""
    inputs, outputs, mask = tasks.padded()
    order = np.argsort(np.random.default_rng(0).random(mask.shape), axis=1)[..., None]
    return TaskArrays(
        np.take_along_axis(inputs, order, axis=1), np.take_along_axis(outputs, order, axis=1), mask
    )


def head(data: TaskArrays, steps: int) -> TaskArrays:
    """The first ``steps`` transitions of each task."""
    return TaskArrays(*(part[:, :steps] for part in data))


def held_out(
    trained: TrainedModel,
    latent: LatentPosterior,
    data: TaskArrays,
    objective: Objective = "predictive",
) -> Scores:
    """Scores of the second half of shuffled transitions, in units of all outputs' standard deviation.

    ``objective`` is what ``latent`` was inferred with.
    """
    inputs, outputs, mask = (part[:, HELD_OUT_FROM:] for part in data)
    mean, variance = trained.predict(inputs, latent, objective)
    scale = data.outputs.std(axis=(0, 1))
    return score(outputs / scale, mean / scale, variance / scale**2, mask)


def median_seconds(*functions: Callable[[], object], repeats: int = 15) -> list[float]:
    """Median wall time of each function; they take turns, so that a busy spell hits all of them."""
    for function in functions:
        function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, own in zip(functions, times, strict=True):
            begin = time.perf_counter()
            function()
            own.append(time.perf_counter() - begin)
    return [statistics.median(own) for own in times]


class PeakMemory:
    """Memory in MiB that a block needs at its peak beyond what the process held before it."""

    def __enter__(self) -> "PeakMemory":
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
        self._before = _status("VmRSS")
        return self

    def __exit__(self, *error: object) -> None:
        self.mib = (_status("VmHWM") - self._before) / 1024


def _status(field: str) -> float:
    """A field of /proc/self/status in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(field))
    return float(line.split()[1])


def milliseconds(seconds: float) -> str:
    """Three significant digits."""
    return f"{1e3 * seconds:.3g} ms"


def keep(name: str, rows: list[Measurement]) -> None:
    """Print the rows and keep them, with the machine and the date, for the table in README.md."""
    for row in rows:
        print("  ".join(part for part in asdict(row).values() if part), flush=True)
    libraries = ("tensorflow", "gpflow", "numpy")
    versions = {"pamlflow": __version__} | {
        package: importlib.metadata.version(package) for package in libraries
    }
    record = {
        "machine": machine(),
        "python": platform.python_version(),
        "versions": versions,
        "date": datetime.date.today().isoformat(),
        "rows": [asdict(row) for row in rows],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
