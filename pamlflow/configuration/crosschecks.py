"""Problems of a configuration that concern several values, which no schema can find."""

from collections.abc import Iterable, Iterator
from typing import Any

from pamlflow.acquisition import STRATEGIES
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
from pamlflow.models import DEFAULT_KIND, is_default
from pamlflow.names import ORACLE, RESERVED, RESERVED_COLUMNS
from pamlflow.protocols import parse_protocol
from pamlflow.settings import has_pool, is_recorded, problem_in
from pamlflow.wording import Key, Node, Problem, dotted, nearest, quoted, shown


def cross_problems(config: Node, sound: Sound) -> Iterator[Problem]:
    """Find problems in the `sound` parts of `config`, a study with all defaults."""
    own = config["strategies"] if sound("strategies") else {}
    experiments = config["experiments"] if sound("experiments") else {}
    # Of a model of another kind nothing is known here; preflight asks the kind.
    has_our_keys = not sound("model", "kind") or is_default(config["model"])
    for name, section in own.items():
        key = ("strategies", name)
        if not isinstance(name, str):  # said elsewhere
            continue
        if name in RESERVED:
            yield key, "this name is taken, choose another"
        elif sound(*key) and sound(*key, "strategy") and sound(*key, "options"):
            yield from _option_problems(key, name, section)
    strategies = list(dict.fromkeys([*STRATEGIES, ORACLE, *own]))
    for section, known in (("strategies", strategies), ("experiments", experiments)):
        if sound("run", section) and sound(section):
            yield from _name_problems(("run", section), config["run"][section], known, sound)
    for name, experiment in experiments.items():
        key = ("experiments", name)
        if not sound(*key):
            continue
        if sound(*key, "space"):
            yield from _space_problems(key, experiment, sound)
        yield from _test_problems(key, experiment)
        yield from own_domain_problems(key, experiment, sound)
        picked = sound("run", "experiments") and name in config["run"]["experiments"]
        if sound(*key, "strategies") and sound("strategies"):
            named = experiment.get("strategies", ())
            yield from _name_problems((*key, "strategies"), named, strategies, sound)
        yield from _pool_problems(key, experiment, sound)
        if picked and sound.whole(*key, "strategies") and sound.whole("run", "strategies"):
            named = experiment.get("strategies", config["run"]["strategies"])
            yield from _need_problems(key, experiment, named, own, sound)
            if has_our_keys:
                yield from memory_problems(key, experiment, named, config, sound)
                yield from batch_problems(key, experiment, named, config, sound)
        if picked and not has_our_keys and "latent_dimensions" in experiment:
            text = f"a setting of the model {DEFAULT_KIND}, and model.kind is another"
            yield (*key, "latent_dimensions"), text
        lengths = all(sound(*key, "simulation", name) for name in ("steps", "runs"))
        known = lengths and not is_recorded(experiment)
        if picked and known and sound("inference", "protocols"):
            protocols = config["inference"]["protocols"]
            yield from _protocol_problems(key, experiment, protocols, sound)
    if has_our_keys:
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
    if pictures and not has_pool(experiment):
        yield (*key, "descriptors", "pictures"), "tasks seen as pictures are chosen from a `pool`"
    for name in ("hidden", "superfluous") if pictures else ():
        if sound(*key, "descriptors", name) and experiment["descriptors"][name]:
            text = "does not go together with pictures, which show no parameters"
            yield (*key, "descriptors", name), text
    if pictures:
        yield from picture_problems(key, experiment, sound)
    if not has_pool(experiment):
        return
    if experiment["failed_tasks"] == "replace":
        yield (*key, "failed_tasks"), 'the tasks of a pool are given, expected "stop"'
    needed = ("pool", "initial_tasks", "added_tasks")
    if "pool" in experiment and all(sound(*key, name) for name in needed):
        pool, initial, added = (experiment[name] for name in needed)
        if pool < initial + added:
            tasks = f"{initial} initial_tasks and {added} added_tasks"
            yield (*key, "pool"), f"expected at least {initial + added} for {tasks}, found {pool}"


def _option_problems(key: Key, name: str, section: Node) -> Iterator[Problem]:
    """Find problems in the section of a strategy; a user's own strategy is loaded later."""
    known = section.get("strategy", name)
    if ":" in known:
        return
    if known not in STRATEGIES:
        yield (*key, "strategy"), f"missing, expected {' or '.join(STRATEGIES)} or one of your own"
    elif known != name and name in STRATEGIES:
        yield (*key, "strategy"), f"{name} is a strategy itself, choose another name"
    else:
        try:
            STRATEGIES[known].settings.from_config(section.get("options", {}))
        except ValueError as error:
            yield problem_in((*key, "options"), error)


def _need_problems(
    key: Key, experiment: Node, named: list[Any], own: Node, sound: Sound
) -> Iterator[Problem]:
    """Which of the strategies that are `named` do not apply to a pool."""
    for name in named if has_pool(experiment) else ():
        known = (
            own[name].get("strategy", name) if name in own and sound("strategies", name) else name
        )
        strategy = STRATEGIES.get(known)
        if strategy and strategy.needs & {"box", "design"}:
            text = f"{name} asks for points of a box, and does not apply to a pool"
            yield (*key, "strategies"), f"{text}; name `strategies` in the experiment, without it"


def _test_problems(key: Key, experiment: Node) -> Iterator[Problem]:
    """Whether it is said which tasks are test tasks."""
    if "test_grid" in experiment and is_recorded(experiment):
        text = "tasks of a `test_grid` are simulated, and those of `test_tasks` are recorded"
        yield (*key, "test_tasks"), f"{text}; keep one of them"
    elif "test_grid" not in experiment and not is_recorded(experiment):
        text = "missing, expected a list, each a whole number at least 2"
        yield (*key, "test_grid"), f"{text}; where tasks are recorded, give `test_tasks` instead"


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
    grid = experiment.get("test_grid")
    if grid is not None and sound.whole(*key, "test_grid"):
        yield from grid_problems((*key, "test_grid"), grid)
    if grid is not None and sound(*key, "test_grid") and len(grid) != len(space):
        text = f"expected one number for each variable of space ({', '.join(map(str, space))})"
        yield (*key, "test_grid"), f"{text}, found {shown(grid)}"
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
        if variable in RESERVED_COLUMNS:
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
