"""Load the Python parts that a configuration names before any job starts."""

from collections.abc import Iterator
from typing import Any

from pamlflow import plugins
from pamlflow.acquisition import Strategy, strategy_of
from pamlflow.configuration.validation import UNKNOWN, ConfigurationError
from pamlflow.domains.base import Domain
from pamlflow.domains.records import Records
from pamlflow.models import is_default, kind_of, own_sections
from pamlflow.names import ORACLE
from pamlflow.protocols import parse_protocol
from pamlflow.settings import (
    SettingError,
    Settings,
    is_recorded,
    problem_in,
    world_settings,
)
from pamlflow.wording import Key, Node, Problem, WrittenAt, dotted, nearest, placed
from pamlflow.world import World, domain_of


def require_parts(config: dict[str, Any], written_at: WrittenAt = UNKNOWN) -> None:
    """Make the world of each experiment that is to run, and load the strategies of one's own that it names.

    What is not to run is not imported. Raises ConfigurationError with all that cannot be made, for
    instance a parameter that the domain has not, and where its keys are written, if `written_at` says so.
    """
    problems = list(_problems(config))
    if problems:
        raise ConfigurationError(placed(problems, written_at))


def _problems(config: Node) -> Iterator[Problem]:
    run = config["run"]
    picked = {name: config["experiments"][name] for name in run["experiments"]}
    named = {
        name
        for experiment in picked.values()
        for name in experiment.get("strategies", run["strategies"])
    }
    for name, section in config["strategies"].items():
        if name in named:
            try:
                strategy = strategy_of(section.get("strategy", name))
            except plugins.PartError as error:
                yield ("strategies", name, "strategy"), str(error)
                continue
            try:
                strategy.settings.from_config(section["options"])
            except ValueError as error:
                yield problem_in(("strategies", name, "options"), error)
    yield from _kind_problems(config, picked)
    for name, experiment in picked.items():
        yield from _world_problems(("experiments", name), experiment, config)


def _world_problems(key: Key, experiment: Node, config: Node) -> Iterator[Problem]:
    """What keeps the world of an experiment from being made."""
    settings = world_settings(experiment)
    try:
        domain = domain_of(settings)
        if unknown := list(_parameter_problems(key, experiment, domain)):
            yield from unknown
            return
        World.of(domain, settings)
        yield from _test_problems(key, experiment, domain)
        if isinstance(domain, Records) and is_recorded(experiment):
            yield from _record_problems(key, experiment, domain, config)
    except plugins.PartError as error:
        yield (*key, "domain"), str(error)
    except SettingError as error:
        yield problem_in((*key, "options"), error)
    except ValueError as error:
        yield key, str(error)
    except (Exception, SystemExit) as error:  # of the user's own domain, when it is looked at
        text = f"'{experiment['domain']}' cannot be used: {plugins.told(error)}"
        yield (*key, "domain"), text


def _test_problems(key: Key, experiment: Node, domain: Domain) -> Iterator[Problem]:
    """Whether the test tasks are on a grid where tasks are recorded, or the other way round."""
    if isinstance(domain, Records) and not is_recorded(experiment):
        text = f"the tasks of {experiment['domain']} are recorded"
        yield (*key, "test_grid"), f"{text}: give `test_tasks`, so many of them, in its place"
    if not isinstance(domain, Records) and is_recorded(experiment):
        text = f"the tasks of {experiment['domain']} are simulated"
        yield (*key, "test_tasks"), f"{text}: give a `test_grid` in its place"


def _record_problems(
    key: Key, experiment: Node, records: Records, config: Node
) -> Iterator[Problem]:
    """Whether enough tasks were recorded, and each of them is long enough."""
    recorded, tested = records.tasks.num_tasks, experiment["test_tasks"]
    needed = experiment.get("pool", experiment["initial_tasks"] + experiment["added_tasks"])
    if recorded < tested + needed:
        text = (
            f"{recorded} tasks were recorded, too few for {tested} test tasks and {needed} others"
        )
        yield (*key, "test_tasks"), f"{text}, of a pool or those that a trial is trained on"
    shortest = int(records.tasks.lengths.min())
    for index, protocol in enumerate(config["inference"]["protocols"]):
        if (parse_protocol(protocol).context or 0) > shortest // 2:
            text = f"'{protocol}' takes more than half of the {shortest} transitions of a task"
            place = f"the shortest of {dotted(key)}"
            yield ("inference", "protocols", index), f"{text} ({place}); half is kept for scoring"


def _parameter_problems(key: Key, experiment: Node, domain: Domain) -> Iterator[Problem]:
    """Which names of `space` and `fixed` are no parameters of the domain, and which it lacks."""
    parameters = [variable.name for variable in domain.parameter_variables]
    named = [
        (section, name) for section in ("space", "fixed") for name in experiment.get(section, {})
    ]
    for section, name in named:
        if name not in parameters:
            text = f"no parameter of {experiment['domain']}{nearest(name, parameters)}"
            yield (*key, section, name), f"{text} (known: {', '.join(parameters)})"
    for name in parameters:
        if name not in {known for _, known in named}:
            text = f"missing, {experiment['domain']} has this parameter; give its range, or fix it"
            yield (*key, "space", name), text


def _kind_problems(config: Node, picked: Node) -> Iterator[Problem]:
    """What the kind of model says of its sections, and which experiments ask for what it has not."""
    model = config["model"]
    try:
        kind = kind_of(model)
    except plugins.PartError as error:
        yield ("model", "kind"), str(error)
        return
    if not is_default(model):
        own, training = own_sections(model, config["training"])
        yield from _section_problems("model", kind.settings, own)
        yield from _section_problems("training", kind.training, training)
    for name, experiment in picked.items():
        key = ("experiments", name)
        if "pictures" in experiment["descriptors"] and not kind.pictures:
            text = f"a model of the kind {kind.name} takes no pictures"
            yield (*key, "descriptors", "pictures"), f"{text}; choose another model.kind"
        for strategy in experiment.get("strategies", config["run"]["strategies"]):
            found = _strategy(config, strategy)
            if found and "latent" in found.needs and not kind.latent:
                text = (
                    f"{strategy} needs a latent variable, and a model of the kind {kind.name} has"
                )
                where = (
                    (*key, "strategies") if "strategies" in experiment else ("run", "strategies")
                )
                yield where, f"{text} none; choose another strategy or another model.kind"


def _section_problems(name: str, settings: type[Settings], section: Node) -> Iterator[Problem]:
    """What is wrong with a section that only its own class knows."""
    try:
        settings.from_config(section)
    except ValueError as error:
        yield problem_in((name,), error)


def _strategy(config: Node, name: str) -> Strategy | None:
    """The strategy of this name in a study; None of the oracle, and of one that cannot be loaded."""
    try:
        return (
            None
            if name == ORACLE
            else strategy_of(config["strategies"].get(name, {}).get("strategy", name))
        )
    except plugins.PartError:
        return None
