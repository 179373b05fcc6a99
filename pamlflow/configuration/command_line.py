"""The sources of a configuration on the command line of Snakemake: `--configfile` and `--config`."""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from pamlflow.configuration.shape import TOO_MANY, endless_problems
from pamlflow.configuration.sources import read_files
from pamlflow.configuration.validation import ConfigurationError
from pamlflow.wording import Key, Problem

DEFAULT = Path(__file__).parents[2] / "config" / "config.yaml"
"""What the workflow of a clone reads first; beside an installed package there is none."""

_Options = dict[str, list[list[str]]]

_FILES, _ENTRIES = "--configfile", "--config"
_SPELT = {_FILES: _FILES, "--configfiles": _FILES, _ENTRIES: _ENTRIES, "-C": _ENTRIES}
_NAME = re.compile(r"[a-zA-Z_][\w-]*\w")  # a key for Snakemake
_STOPPED = ("load_configfile", "parse_config", "Config file")  # marks of such messages
_SUFFIXES = (".yaml", ".yml", ".json")
_TARGET = f"; {_FILES} takes all that follows it for files: name a target before it, or after --"
_NESTED = "--config, where what is nested is text: write it into a file, for --configfile"


def read_sources(
    workflow: Any, arguments: Sequence[str] | None = None
) -> tuple[dict[Key, str], list[Problem]]:
    """Return where each key of the configuration is written, and the problems of its sources.

    The sources are the files of Snakemake's `workflow` and the `arguments` of the command line. In a job, both
    results are empty: its configuration has been checked before.
    """
    if not workflow.is_main_process:
        return {}, []
    settings = workflow.config_settings
    given = list(settings.configfiles)  # merged into the files that the workflow names
    beneath = [] if settings.replace_workflow_config else workflow.configfiles
    entries = list(settings.config_args or ())
    written_at, problems = read_files(
        [*(Path(file) for file in beneath if file not in given), *given]
    )
    problems += _repeated(_options(arguments))
    problems += _entry_problems(entries)
    for entry in entries:
        name, _, value = entry.partition("=")
        written_at[name,] = f"{_ENTRIES} {name}"
        written_at |= dict.fromkeys(_below(_nested(value), (name,)), _NESTED)
    return written_at, problems


def explanation(message: str, arguments: Sequence[str] | None = None) -> str | None:
    """Return what a user has to change if Snakemake's `message` says that it cannot read a configuration.

    Snakemake reads the files after `--configfile` before the workflow. If one is missing, or is really a
    target, it stops with lines of its own code.
    """
    if not any(mark in message for mark in _STOPPED):
        return None
    options = _options(arguments)
    files = [Path(file) for file in chain.from_iterable(options[_FILES][-1:])]
    _, problems = read_files([DEFAULT] if DEFAULT.exists() else [])
    for file in files:
        missing = [((str(file),), "there is no such file")]
        found = read_files([file])[1] if file.exists() else missing
        hint = "" if file.suffix in _SUFFIXES and file.exists() else _TARGET
        problems += [(key, text + hint) for key, text in found]
    problems += _repeated(options)
    problems += _entry_problems(list(chain.from_iterable(options[_ENTRIES][-1:])))
    return str(ConfigurationError(problems)) if problems else None


def bomb(arguments: Sequence[str] | None = None) -> str | None:
    """Return the problems of files after `--configfile` whose aliases expand to too many values.

    Snakemake merges all values before it reads the workflow, and a few such lines would keep it busy for ever.
    """
    files = [Path(file) for file in chain.from_iterable(_options(arguments)[_FILES][-1:])]
    problems = [(key, text) for key, text in read_files(files)[1] if text.startswith(TOO_MANY)]
    return str(ConfigurationError(problems)) if problems else None


def _options(arguments: Sequence[str] | None) -> _Options:
    """Return the values after each occurrence of an option in `arguments`, by default those of this process."""
    found: _Options = {_FILES: [], _ENTRIES: []}
    values: list[str] = []
    for argument in sys.argv[1:] if arguments is None else arguments:
        name, equals, value = argument.partition("=")
        if argument.startswith("-"):
            values = [value] if equals else []
            if name in _SPELT:
                found[_SPELT[name]].append(values)
        else:
            values.append(argument)
    return found


def _repeated(options: _Options) -> Iterator[Problem]:
    """Find options that are given twice; Snakemake uses only the last."""
    for option, occurrences in options.items():
        if len(occurrences) > 1:
            text = "given twice, and Snakemake reads the last alone; give it once, with all values"
            yield (option,), text


def _entry_problems(entries: Sequence[str]) -> Iterator[Problem]:
    """Find the problems of the entries after `--config`."""
    for entry in entries:
        name, equals, _ = entry.partition("=")
        if not equals:
            yield (f"{_ENTRIES} {entry}",), "expected key=value, such as seed=1"
        elif not _NAME.fullmatch(name):
            text = "only keys of the top level can be set here, such as seed=1"
            file = "write others into a file as `key:` and, below it, what it holds, for"
            yield (f"{_ENTRIES} {name}",), f"{text}; {file} {_FILES}"
    for name, number in Counter(entry.partition("=")[0] for entry in entries).items():
        if number > 1:
            yield (f"{_ENTRIES} {name}",), f"given {number} times; keep one"


def _below(value: Any, key: Key) -> Iterator[Key]:
    """Yield the keys nested in a value after `--config`."""
    children = value.items() if isinstance(value, dict) else enumerate(value)
    for name, child in children if isinstance(value, dict | list) else ():
        yield (*key, name)
        yield from _below(child, (*key, name))


def _nested(text: str) -> Any:
    """Return a value after `--config` as Snakemake reads it, or None if it cannot be read."""
    try:
        value = yaml.load(text.strip("'\""), yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError):
        return None
    return None if endless_problems(value) else value
