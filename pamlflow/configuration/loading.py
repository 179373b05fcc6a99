"""A configuration as the workflow has it, read from its files without Snakemake."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pamlflow.configuration.command_line import DEFAULT
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.sources import read_files, values
from pamlflow.configuration.validation import ConfigurationError, validated


def load(files: Sequence[Path]) -> dict[str, Any]:
    """Return the checked configuration of `files`, laid over each other and over config/config.yaml of a clone.

    All experiments that it is to run can be made. Raises ConfigurationError with all problems.
    """
    beneath = [DEFAULT] if DEFAULT.exists() else []
    sources = [*beneath, *files]
    written_at, problems = read_files(sources)
    problems += [((str(file),), "there is no such file") for file in files if not file.exists()]
    if problems:
        raise ConfigurationError(problems)
    merged: dict[str, Any] = {}
    for file in sources:
        merged = _laid_over(merged, values(file))
    config = validated(merged, written_at)
    require_parts(config, written_at)
    return config


def _laid_over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Return `lower` with the values of `upper` in their place; mappings are merged, as Snakemake does."""
    merged = dict(lower)
    for key, value in upper.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _laid_over(merged[key], value) if both else value
    return merged
