"""Limits on sizes and scales that several values exceed together."""

import math
from collections.abc import Iterator
from typing import Any

from pamlflow.configuration.soundness import Sound
from pamlflow.domains import MECHANISMS
from pamlflow.names import ORACLE
from pamlflow.wording import Key, Node, Problem, dotted, shown

MAX_TEST_TASKS = 10_000
MAX_ENTRIES = 2**30  # numbers of 8 bytes in a matrix
MAX_PIXELS = 2**27  # numbers of 8 bytes
LARGEST = 1e100  # squares of larger numbers, and their products, overflow
NARROWEST = 1e-9  # width over size of a range: points of a narrower one differ only by rounding
RUNGE_KUTTA_STEP = 0.25  # s; a pendulum of half a metre swings in 1.4 s
SHORTEST_TASK = 0.01  # s
LIGHTEST, HEAVIEST = 1e-3, 1e3  # kg, and m for lengths
FIELD_ABOVE = 11 / 12  # share of the height of a picture above the origin, where the pole starts
SMALLEST_WAY = 1e-3  # number of Adam steps times their size


def range_problems(key: Key, limits: list[Any]) -> Iterator[Problem]:
    """Find problems of a range of two sound numbers."""
    low, high = limits
    size = max(abs(low), abs(high))
    if low >= high:
        yield key, f"expected low < high, found {shown(limits)}"
    elif size > LARGEST:
        yield key, f"expected numbers of at most {LARGEST:g}, found {shown(limits)}"
    elif high - low < max(NARROWEST * size, 1 / LARGEST):
        text = "expected a range whose ends differ in more than their last digits"
        yield key, f"{text}, found {shown(limits)}; put what does not vary into `fixed`"


def grid_problems(key: Key, test_grid: list[int]) -> Iterator[Problem]:
    """Find out whether a sound grid has too many tasks."""
    tasks = math.prod(test_grid)
    if tasks > MAX_TEST_TASKS:
        text = f"expected at most {MAX_TEST_TASKS} test tasks, found {shown(tasks)}"
        yield key, f"{text}; each of them is simulated, and scored in every round"


def own_domain_problems(key: Key, experiment: Node, sound: Sound) -> Iterator[Problem]:
    """Find values that are invalid for the mechanisms of the library."""
    if not sound(*key, "domain") or experiment["domain"] not in MECHANISMS:
        return
    sections = [name for name in ("space", "fixed") if sound.whole(*key, name)]
    for section in sections:
        for name, value in experiment.get(section, {}).items():
            numbers = value if isinstance(value, list) else [value]
            is_known = name.endswith(("mass", "length"))
            if is_known and not all(LIGHTEST <= number <= HEAVIEST for number in numbers):
                text = f"expected a mass or a length between {LIGHTEST:g} and {HEAVIEST:g} kg or m"
                yield (*key, section, name), f"{text}, found {shown(value)}"
    if len(sections) == 2:
        yield from _field_problems(key, experiment, sound)
    yield from _simulation_problems((*key, "simulation"), experiment["simulation"], sound)


def _field_problems(key: Key, experiment: Node, sound: Sound) -> Iterator[Problem]:
    """Find out whether poles extend beyond their pictures, where different poles would look alike."""
    height = (*key, "descriptors", "pictures", "height")
    if not sound(*height) or "pictures" not in experiment["descriptors"]:
        return
    field = experiment["descriptors"]["pictures"]["height"]
    ends = {**experiment.get("fixed", {}), **experiment["space"]}
    longest = sum(
        value[1] if isinstance(value, list) else value
        for name, value in ends.items()
        if name.endswith("length")
    )
    if longest > FIELD_ABOVE * field:
        text = f"expected at least {longest / FIELD_ABOVE:.3g} m, in which all of {longest:g} m is seen"
        yield height, f"{text}, found {field:g} m"


def _simulation_problems(key: Key, simulation: Node, sound: Sound) -> Iterator[Problem]:
    """Find times and noises with which nothing moves, or the integration is inaccurate."""
    if all(sound(*key, name) for name in ("steps", "time_step", "substeps")):
        steps, time_step, substeps = (
            simulation[name] for name in ("steps", "time_step", "substeps")
        )
        if time_step > RUNGE_KUTTA_STEP * substeps:
            text = f"expected at most {RUNGE_KUTTA_STEP:g} s for each of the {substeps} substeps"
            yield (*key, "time_step"), f"{text}, found {time_step:g} s; raise substeps"
        if steps * time_step < SHORTEST_TASK:
            text = f"expected a task of at least {SHORTEST_TASK:g} s, in which something moves"
            yield (*key, "time_step"), f"{text}, found {steps} steps of {time_step:g} s"
    if sound(*key, "initial_noise") and simulation["initial_noise"] > math.pi:
        text = f"expected at most {math.pi:.2f}, beyond which angles are spread over the whole turn"
        yield (*key, "initial_noise"), f"{text}, found {shown(simulation['initial_noise'])}"


def _num_tasks(key: Key, experiment: Node, strategies: list[Any], sound: Sound) -> int | None:
    """Return the number of tasks in the largest fit of an experiment; None if it is unknown."""
    counts = ("initial_tasks", "added_tasks")
    if not all(sound(*key, name) for name in counts) or not sound.whole(*key, "test_grid"):
        return None
    if "test_grid" not in experiment:  # recorded tasks are of any length
        return None
    tasks: int = sum(experiment[name] for name in counts)
    return max(tasks, math.prod(experiment["test_grid"])) if ORACLE in strategies else tasks


def memory_problems(
    key: Key, experiment: Node, strategies: list[Any], config: Node, sound: Sound
) -> Iterator[Problem]:
    """Find out whether the largest fit of an experiment needs too much memory."""
    steps = (*key, "simulation", "steps")
    tasks = _num_tasks(key, experiment, strategies, sound)
    known = sound(*steps) and sound(*key, "simulation", "runs")
    sizes = ("inducing_points", "prediction_points")
    if tasks is None or not known or not all(sound("model", size) for size in sizes):
        return
    simulation, points = experiment["simulation"], max(config["model"][size] for size in sizes)
    transitions = simulation["steps"] * simulation["runs"]
    entries = tasks * transitions * points
    if entries > MAX_ENTRIES and not _batches(config, sound):
        text = f"{tasks} tasks of {transitions} transitions with {points} inducing points"
        size = f"matrices of {entries // 2**27} GiB, expected at most {MAX_ENTRIES // 2**27} GiB"
        yield steps, f"a fit of {text} has {size}"


def batch_problems(
    key: Key, experiment: Node, strategies: list[Any], config: Node, sound: Sound
) -> Iterator[Problem]:
    """Find minibatches that are larger than all data of an experiment."""
    tasks = _num_tasks(key, experiment, strategies, sound)
    if tasks is None or not sound(*key, "simulation", "steps"):
        return
    for name, number in (
        ("batch_tasks", tasks),
        ("batch_transitions", experiment["simulation"]["steps"] * experiment["simulation"]["runs"]),
    ):
        batch = _batches(config, sound).get(name, 0)
        if batch > number:
            text = f"expected at most {number}, all that {dotted(key)} has, found {batch}"
            yield ("training", "stochastic", name), f"{text}; write null for all"


def _batches(config: Node, sound: Sound) -> dict[str, int]:
    """Return the sizes of minibatches; empty without minibatches."""
    if not sound.whole("training") or config["training"]["bound"] != "stochastic":
        return {}
    names = ("batch_tasks", "batch_transitions")
    sizes = {name: config["training"]["stochastic"][name] for name in names}
    return {name: size for name, size in sizes.items() if size is not None}


def schedule_problems(config: Node, sound: Sound) -> Iterator[Problem]:
    """Find out whether the steps on the stochastic bound are too few or too small to move anything."""
    if not sound.whole("training") or config["training"]["bound"] != "stochastic":
        return
    schedule = config["training"]["stochastic"]
    if schedule["steps"] * schedule["learning_rate"] < SMALLEST_WAY:
        text = f"expected at least {SMALLEST_WAY:g} for all {schedule['steps']} steps together"
        found = f"found {schedule['learning_rate']:g} a step, too little to move anything"
        yield ("training", "stochastic", "learning_rate"), f"{text}, {found}"


def picture_problems(key: Key, experiment: Node, sound: Sound) -> Iterator[Problem]:
    """Find out whether the pictures of a pool go into memory."""
    size = (*key, "descriptors", "pictures", "size")
    if sound(*size) and sound(*key, "pool") and "pool" in experiment:
        side, pool = experiment["descriptors"]["pictures"]["size"], experiment["pool"]
        if pool * side**2 > MAX_PIXELS:
            text = f"{pool} pictures of {side} x {side} pixels take {pool * side**2 // 2**17} MiB"
            yield size, f"{text} of memory, expected at most {MAX_PIXELS // 2**17} MiB"
