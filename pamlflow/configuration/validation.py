"""Check a study's configuration against its schema and fill in the defaults.

`python -m pamlflow.configuration.validation` prints config/README.md.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from pamlflow.configuration.crosschecks import cross_problems
from pamlflow.wording import Key, Node, Problem, dotted, nearest, shown

SCHEMA = Path(__file__).parents[2] / "workflow" / "schemas" / "config.schema.yaml"

_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a name",
    "object": "a section of keys",
}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


class ConfigurationError(ValueError):
    """A configuration cannot be used; the message lists every problem, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        lines = sorted({f"{dotted(key)}: {text}" for key, text in problems})
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        heading = f"{count} in the configuration (config/README.md explains each key):"
        super().__init__("\n  ".join([heading, *lines]))


@cache
def schema() -> dict[str, Any]:
    """Return the JSON schema of the configuration."""
    loaded: dict[str, Any] = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    return loaded


def validated(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `config` with defaults filled in, keys in the schema's order, 1 and 1.0 made alike.

    Settings that mean the same thus look the same to Snakemake and re-run nothing. Raises
    ConfigurationError with all problems at once.
    """
    errors = _Validator(schema()).iter_errors(config)
    problems = [problem for error in errors for problem in _schema_problems(error)]
    broken = [key for key, _ in problems]

    def sound(*key: str | int) -> bool:
        return not any(key[: len(bad)] == bad for bad in broken)

    filled: dict[str, Any] = _filled(schema(), config)
    problems += cross_problems(filled, sound)
    if problems:
        raise ConfigurationError(problems)
    return filled


def _is_number(_: object, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("number", _is_number),
)


def _schema_problems(error: ValidationError) -> Iterator[Problem]:
    """Say in plain words what `error` found."""
    key: Key = tuple(error.absolute_path)
    node: Node = error.schema  # type: ignore[assignment]  # only `true` and `false` are no mappings
    found: Any = error.instance
    if error.validator == "additionalProperties":
        here = {name: name for name in node["properties"]}
        anywhere = {str(entry[-1]): dotted(entry) for entry, _ in _entries(schema())} | here
        for name in found.keys() - here.keys():
            hint = nearest(str(name), anywhere, anywhere.__getitem__)
            yield (*key, name), f"unknown key{hint} (known here: {', '.join(here)})"
    elif error.validator == "required":
        for name in node["required"]:
            if name not in found:
                yield (*key, name), f"missing, expected {_expected(node['properties'][name])}"
    elif error.validator == "uniqueItems":
        yield key, f"expected each entry once, found {shown(found)}"
    elif "propertyNames" in error.absolute_schema_path:
        yield (*key, str(found)), "expected a name of lower-case letters, digits, underscores"
    else:
        names = node.get("x-names", node.get("enum", ()))
        hint = nearest(found, names) if isinstance(found, str) else ""
        if isinstance(found, str) and node.get("type") in ("integer", "number"):
            hint = "; write numbers without quotes, and 1e-6 as 1.0e-6"
        yield key, f"expected {_expected(node)}, found {shown(found)}{hint}"


def _filled(node: Node, value: Any) -> Any:
    """Return `value` with defaults, the order of keys and the number types of the schema `node`."""
    if isinstance(value, Mapping):
        known, others = node.get("properties", {}), node.get("additionalProperties")
        filled = {
            name: _filled(child, value.get(name, child.get("default")))
            for name, child in known.items()
            if name in value or "default" in child
        }
        if isinstance(others, Mapping):
            filled |= {name: _filled(others, item) for name, item in value.items()}
        return filled
    if isinstance(value, list):
        return [_filled(node.get("items", {}), item) for item in value]
    if node.get("type") == "number" and _is_number(None, value):
        return float(value)
    kinds = node.get("type", ())
    whole = "integer" in ((kinds,) if isinstance(kinds, str) else kinds)
    if whole and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _expected(node: Node) -> str:
    """Say in words which values `node` allows."""
    if "x-expected" in node:
        return str(node["x-expected"])
    if "enum" in node:
        return " or ".join(f'"{name}"' for name in node["enum"])
    if node["type"] == "array":
        return f"a list, each {_expected(node['items'])}"
    limits = " and ".join(
        f"{word} {node[bound]}" for bound, word in _BOUNDS.items() if bound in node
    )
    return f"{_KINDS[node['type']]} {limits}".rstrip()


def _entries(node: Node, key: Key = ()) -> Iterator[tuple[Key, Node]]:
    """Yield every key that `node` describes, in its order."""
    children = dict(node.get("properties", {}))
    if isinstance(node.get("additionalProperties"), Mapping):
        children["<name>"] = node["additionalProperties"]
    for name, child in children.items():
        yield (*key, name), child
        yield from _entries(child, (*key, name))


def markdown() -> str:
    """Return config/README.md: every key with the values it takes, default, unit and meaning."""
    rows = []
    for key, node in _entries(schema()):
        default = node.get("default", {})
        cells = (
            f"`{dotted(key)}`",
            _expected(node),
            "" if default == {} else f"`{json.dumps(default)}`",
            node.get("x-unit", ""),
            node.get("description", ""),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return _README + "\n".join(rows) + "\n"


_README = """\
<!-- Written by `make docs` from workflow/schemas/config.schema.yaml. -->
# Configuration

`config.yaml` is the study. A file given with `--configfile`, like `quickstart.yaml`, is laid over
it: mappings are merged, lists and single values replaced. All but what a simulation has to tell is
checked before any job starts, and a key that is misspelt or missing is named. Keys with a default
may be left out.

| key | value | default | unit | meaning |
|---|---|---|---|---|
"""

if __name__ == "__main__":
    print(markdown(), end="")
