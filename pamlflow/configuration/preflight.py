"""Load the Python parts that a configuration names before any job starts."""

from collections.abc import Iterator
from typing import Any

from pamlflow import plugins
from pamlflow.acquisition import strategy_of
from pamlflow.configuration.validation import UNKNOWN, ConfigurationError
from pamlflow.settings import world_settings
from pamlflow.wording import Node, Places, Problem, placed
from pamlflow.world import World


def require_parts(config: dict[str, Any], places: Places = UNKNOWN) -> None:
    """Make the world of each experiment to be run, and load its strategies.

    Parts that are not used are not imported. Raises ConfigurationError with everything that fails, for example
    a parameter that the domain does not have; with `places`, it says where the keys are written.
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
    for name, experiment in picked.items():
        key = ("experiments", name)
        try:
            World.from_config(world_settings(experiment))
        except plugins.PartError as error:
            yield (*key, "domain"), str(error)
        except ValueError as error:
            yield key, str(error)
        except (Exception, SystemExit) as error:  # a user's domain may raise anything
            yield (
                (*key, "domain"),
                f"'{experiment['domain']}' cannot be used: {plugins.told(error)}",
            )
