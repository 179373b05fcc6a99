"""What is wrong with a configuration that no schema of a single value can tell."""

from collections.abc import Iterable, Iterator
from typing import Any

from pamlflow.configuration.limits import (
    LARGEST,
    batch_problems,
    grid_problems,
    memory_problems,
    own_domain_problems,
    picture_problems,
    range_problems,
    schedule_problems,
)
from pamlflow.configuration.soundness import Sound
from pamlflow.names import COLUMNS, DESIGNED, RESERVED, SPREADS_NOTHING, STRATEGIES
from pamlflow.protocols import parse_protocol
from pamlflow.wording import Key, Node, Problem, dotted, nearest, quoted, shown


def cross_problems(config: Node, sound: Sound) -> Iterator[Problem]:
    """Find what is wrong in the parts of `config`, a study with all defaults, that are `sound`."""
    own = config["strategies"] if sound("strategies") else {}
    parts = ((), ("strategy",), ("acquisition",))
    whole = {
        name: section
        for name, section in own.items()
        if all(sound("strategies", name, *part) for part in parts)
    }
    experiments = config["experiments"] if sound("experiments") else {}
    for name in own:
        if name in RESERVED:
            yield ("strategies", name), "this name is taken, choose another"
        if (
            name in whole
            and own[name].get("acquisition")
            and own[name]["strategy"] in SPREADS_NOTHING
        ):
            text = f"{own[name]['strategy']} reads no `acquisition`, leave it out"
            yield ("strategies", name, "acquisition"), text
    strategies = (*STRATEGIES, *own)
    for section, known in (("strategies", strategies), ("experiments", experiments)):
        if sound("run", section) and sound(section):
            yield from _name_problems(("run", section), config["run"][section], known, sound)
    for name, experiment in experiments.items():
        key = ("experiments", name)
        if not sound(*key):
            continue
        if sound(*key, "space"):
            yield from _space_problems(key, experiment, sound)
        yield from own_domain_problems(key, experiment, sound)
        picked = sound("run", "experiments") and name in config["run"]["experiments"]
        if sound(*key, "strategies") and sound("strategies"):
            named = experiment.get("strategies", ())
            yield from _name_problems((*key, "strategies"), named, strategies, sound)
        yield from _pool_problems(key, experiment, sound)
        if picked and sound.whole(*key, "strategies") and sound.whole("run", "strategies"):
            named = experiment.get("strategies", config["run"]["strategies"])
            yield from _strategy_problems(key, experiment, named, whole)
            yield from memory_problems(key, experiment, named, config, sound)
            yield from batch_problems(key, experiment, named, config, sound)
        lengths = all(sound(*key, "simulation", name) for name in ("steps", "runs"))
        if picked and lengths and sound("inference", "protocols"):
            protocols = config["inference"]["protocols"]
            yield from _protocol_problems(key, experiment, protocols, sound)
    yield from schedule_problems(config, sound)
    if sound("inference", "protocols"):
        alike = ("few_shot_0", "few_shot_0_descriptor")
        if set(alike) <= set(map(str, config["inference"]["protocols"])):
            yield ("inference", "protocols"), f"{' and '.join(alike)} are the same; keep the first"


def _name_problems(
    key: Key, names: list[Any], known: Iterable[str], sound: Sound
) -> Iterator[Problem]:
    known = [str(name) for name in known]
    for index, name in enumerate(names):
        if sound(*key, index) and name not in known:
            text = f"unknown name {quoted(name)}{nearest(name, known)}"
            yield (*key, index), f"{text} (known: {', '.join(known)})"


def _pool_problems(key: Key, experiment: Node, sound: Sound) -> Iterator[Problem]:
    pictures = sound(*key, "descriptors") and "pictures" in experiment["descriptors"]
    if pictures and "pool" not in experiment:
        yield (*key, "descriptors", "pictures"), "tasks seen as pictures are chosen from a `pool`"
    for name in ("hidden", "superfluous") if pictures else ():
        if sound(*key, "descriptors", name) and experiment["descriptors"][name]:
            text = "does not go together with pictures, which show no parameters"
            yield (*key, "descriptors", name), text
    if pictures:
        yield from picture_problems(key, experiment, sound)
    if "pool" not in experiment:
        return
    if experiment["failed_tasks"] == "replace":
        yield (*key, "failed_tasks"), 'the tasks of a pool are given, expected "stop"'
    needed = ("pool", "initial_tasks", "added_tasks")
    if all(sound(*key, name) for name in needed):
        pool, initial, added = (experiment[name] for name in needed)
        if pool < initial + added:
            tasks = f"{initial} initial_tasks and {added} added_tasks"
            yield (*key, "pool"), f"expected at least {initial + added} for {tasks}, found {pool}"


def _strategy_problems(
    key: Key, experiment: Node, strategies: list[Any], own: Node
) -> Iterator[Problem]:
    for name in strategies if "pool" in experiment else ():
        section = own.get(name, {"strategy": name})
        text = "; name `strategies` in the experiment, without it"
        if section["strategy"] == DESIGNED:
            yield (*key, "strategies"), f"{name} does not apply to a pool{text}"
        elif section["strategy"] == "paml" and section.get("acquisition"):
            differs = f"{name} is paml with other candidates, and a pool has its own"
            yield (*key, "strategies"), f"{differs}{text}"


def _space_problems(key: Key, experiment: Node, sound: Sound) -> Iterator[Problem]:
    space = experiment["space"]
    yield from _box_problems((*key, "space"), space, sound)
    fixed = experiment.get("fixed", {}) if sound(*key, "fixed") else {}
    for name, value in fixed.items():
        if name in space:
            yield (*key, "fixed", name), "this is a variable of space, which varies"
        if sound(*key, "fixed", name) and abs(value) > LARGEST:
            text = f"expected a number of at most {LARGEST:g}, found {shown(value)}"
            yield (*key, "fixed", name), text
    if sound.whole(*key, "test_grid"):
        yield from grid_problems((*key, "test_grid"), experiment["test_grid"])
    if sound(*key, "test_grid") and len(experiment["test_grid"]) != len(space):
        text = f"expected one number for each variable of space ({', '.join(map(str, space))})"
        yield (*key, "test_grid"), f"{text}, found {shown(experiment['test_grid'])}"
    key = (*key, "descriptors")
    if sound(*key, "superfluous"):
        superfluous = experiment["descriptors"]["superfluous"]
        yield from _box_problems((*key, "superfluous"), superfluous, sound)
        for name in superfluous.keys() & space.keys():
            yield (*key, "superfluous", name), "this is a variable of space, choose another name"
        for name in superfluous.keys() & fixed.keys():
            yield (
                (*key, "superfluous", name),
                "this is a parameter that is fixed, choose another name",
            )
    if sound(*key, "hidden"):
        named = enumerate(experiment["descriptors"]["hidden"])
        hidden = {index: name for index, name in named if sound(*key, "hidden", index)}
        for index, name in hidden.items():
            if name not in space:
                text = f"'{name}' is no variable of space{nearest(name, space)}"
                yield (*key, "hidden", index), f"{text} (known: {', '.join(map(str, space))})"
        if not space.keys() - set(hidden.values()):
            yield (*key, "hidden"), "at least one variable of space must be seen, found all hidden"


def _box_problems(key: Key, box: Node, sound: Sound) -> Iterator[Problem]:
    for variable, limits in box.items():
        if variable in COLUMNS:
            yield (*key, variable), "tables have a column of this name, choose another one"
        if all(sound(*key, variable, index) for index in (0, 1)):
            yield from range_problems((*key, variable), limits)


def _protocol_problems(
    key: Key, experiment: Node, protocols: list[Any], sound: Sound
) -> Iterator[Problem]:
    simulation, where = experiment["simulation"], dotted((*key, "simulation", "steps"))
    steps = simulation["steps"] * simulation["runs"]
    for index, protocol in enumerate(protocols):
        entry = ("inference", "protocols", index)
        if sound(*entry) and (parse_protocol(protocol).context or 0) > steps // 2:
            text = f"'{protocol}' takes more than half of the {steps} transitions of a task"
            yield entry, f"{text} ({where}); half is kept for scoring"
