"""What a configuration names in Python is made once before any job, so that a job finds it."""

from collections.abc import Iterator
from typing import Any

from pamlflow import plugins
from pamlflow.acquisition import strategy_of
from pamlflow.configuration.validation import UNKNOWN, ConfigurationError
from pamlflow.settings import world_settings
from pamlflow.wording import Node, Problem, WrittenAt, placed
from pamlflow.world import World


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
                yield ("strategies", name, "options"), str(error)
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
