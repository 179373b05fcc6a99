"""What a configuration names in Python is made once before any job, so that a job finds it."""

from collections.abc import Iterator
from typing import Any

from pamlflow import acquisition, plugins
from pamlflow.configuration.validation import ConfigurationError
from pamlflow.settings import world_settings
from pamlflow.wording import Node, Problem
from pamlflow.world import World


def require_parts(config: dict[str, Any]) -> None:
    """Make the world of each experiment that is to run, and load the study's own strategies.

    Raises ConfigurationError with all that cannot be made, for instance a parameter that the domain has not.
    """
    problems = list(_problems(config))
    if problems:
        raise ConfigurationError(problems)


def _problems(config: Node) -> Iterator[Problem]:
    for name, section in config["strategies"].items():
        try:
            plugins.load(section["strategy"], acquisition.STRATEGIES, "strategy")
        except ValueError as error:
            yield ("strategies", name), str(error)
    for name in config["run"]["experiments"]:
        try:
            World.from_config(world_settings(config["experiments"][name]))
        except ValueError as error:
            yield ("experiments", name), str(error)
