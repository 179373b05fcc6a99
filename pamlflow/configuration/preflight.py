"""What a configuration names in Python is made once before any job, so that a job finds it."""

from collections.abc import Iterator
from typing import Any

from pamlflow import plugins
from pamlflow.acquisition import Strategy, strategy_of
from pamlflow.configuration.validation import UNKNOWN, ConfigurationError
from pamlflow.models import is_default, kind_of, own_sections
from pamlflow.names import ORACLE
from pamlflow.settings import Settings, world_settings
from pamlflow.wording import Node, Places, Problem, placed
from pamlflow.world import World


def require_parts(config: dict[str, Any], places: Places = UNKNOWN) -> None:
    """Make the world of each experiment that is to run, and load the strategies of one's own that it names.

    What is not to run is not imported. Raises ConfigurationError with all that cannot be made, for
    instance a parameter that the domain has not, and where its keys are written, if `places` say so.
    """
    problems = list(_problems(config))
    if problems:
        raise ConfigurationError(placed(problems, places))


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
                yield ("strategies", name, "options"), str(error)
    yield from _kind_problems(config, picked)
    for name, experiment in picked.items():
        key = ("experiments", name)
        try:
            World.from_config(world_settings(experiment))
        except plugins.PartError as error:
            yield (*key, "domain"), str(error)
        except ValueError as error:
            yield key, str(error)
        except (Exception, SystemExit) as error:  # of the user's own domain, when it is looked at
            yield (
                (*key, "domain"),
                f"'{experiment['domain']}' cannot be used: {plugins.told(error)}",
            )


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
    """What is wrong with a section that only its own class knows, by the key that is wrong if it is named."""
    try:
        settings.from_config(section)
    except ValueError as error:
        key, _, text = str(error).partition(": ")
        yield ((name, key), text) if key in section else ((name,), str(error))


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
