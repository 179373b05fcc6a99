"""Check a study's configuration against its schema and fill in the defaults."""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from pamlflow.configuration.crosschecks import cross_problems
from pamlflow.configuration.registries import FROM_REGISTRY, opened
from pamlflow.configuration.shape import endless_problems, nameless_problems
from pamlflow.configuration.soundness import Sound
from pamlflow.wording import (
    Key,
    Node,
    Problem,
    WrittenAt,
    dotted,
    nearest,
    placed,
    quoted,
    shown,
)

UNKNOWN: WrittenAt = MappingProxyType({})
SCHEMA = Path(__file__).with_name("config.schema.yaml")

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


_MOVED = {
    "acquisition": "what a strategy can be told is in `strategies.<name>.options`; move it there",
}
"""Keys of earlier versions, and what replaces them."""


class ConfigurationError(ValueError):
    """A configuration cannot be used; the message lists all problems, one per line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        lines = sorted({f"{dotted(key)}: {text}" for key, text in problems})
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        heading = f"{count} in the configuration (config/README.md explains each key):"
        super().__init__("\n  ".join([heading, *lines]))


@cache
def schema() -> dict[str, Any]:
    """Return the JSON schema of the configuration."""
    loaded: dict[str, Any] = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    for _, node in entries(loaded):
        node.update(FROM_REGISTRY.get(node.get("x-registry", ""), {}))
    return loaded


def validated(
    config: Mapping[str, Any], written_at: WrittenAt = UNKNOWN, found: Collection[Problem] = ()
) -> dict[str, Any]:
    """Return `config` with defaults, keys in the order of the schema, and numbers of one type.

    Settings that mean the same thus look the same to Snakemake and re-run nothing. Raises
    ConfigurationError with all problems at once, those `found` in its files among them, and where keys
    are written, if `written_at` says so.
    """
    if endless := endless_problems(config):
        raise ConfigurationError([*found, *placed(endless, written_at)])
    nameless = dict(nameless_problems(config))
    problems = list(nameless.items())
    node = opened(schema(), config)
    for error in _Validator(node).iter_errors(config):
        problems += [one for one in _schema_problems(error) if one[0] not in nameless]
    sound = Sound(key for key, _ in problems)
    filled: dict[str, Any] = _filled(node, config)
    problems += cross_problems(filled, sound)
    if problems or found:
        raise ConfigurationError([*found, *placed(problems, written_at)])
    return filled


def _is_number(_: object, value: object) -> bool:
    """Return whether a value is a finite float64; NaN and 10**400 are not."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _whole_text(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    """Check that a whole text matches `pattern`; in a search, `$` would also match before a line end."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _is_integer(_: object, value: object) -> bool:
    return _is_number(_, value) and float(value).is_integer()  # type: ignore[arg-type]


_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _whole_text},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    ),
)


def _schema_problems(error: ValidationError) -> Iterator[Problem]:
    """Yield the problems that `error` found, in plain words."""
    key: Key = tuple(error.absolute_path)
    node: Node = error.schema  # type: ignore[assignment]  # only `true` and `false` are no mappings
    found: Any = error.instance
    if error.validator == "additionalProperties":
        here = {name: name for name in node["properties"]}
        anywhere = {str(entry[-1]): dotted(entry) for entry, _ in entries(schema())} | here
        for name in found.keys() - here.keys():
            if name in _MOVED:
                yield (*key, str(name)), f"unknown key: {_MOVED[name]}"
                continue
            hint = nearest(str(name), anywhere, anywhere.__getitem__)
            which = "" if str(name).isascii() else f" {quoted(str(name))}"
            yield (*key, str(name)), f"unknown key{which}{hint} (known here: {', '.join(here)})"
    elif error.validator == "required":
        for name in node["required"]:
            if name not in found:
                yield (*key, name), f"missing, expected {expected(node['properties'][name])}"
    elif error.validator == "uniqueItems":
        yield key, f"expected each entry once, found {shown(found)}"
    elif error.validator == "maxProperties":
        text = f"expected at most {node['maxProperties']} keys, found {len(found)}"
        yield key, f"{text}; {node['x-limit']}"
    elif "propertyNames" in error.absolute_schema_path:
        yield (*key, found), f"expected {expected(node)}"
    else:
        names = node.get("x-names", node.get("enum", ()))
        hint = nearest(found, names) if isinstance(found, str) else ""
        if isinstance(found, str) and node.get("type") in ("integer", "number"):
            hint = "; write numbers without quotes, and 1e-6 as 1.0e-6"
        reason = (
            f"; {node['x-limit']}" if error.validator == "maximum" and "x-limit" in node else ""
        )
        yield key, f"expected {expected(node)}, found {shown(found)}{hint}{reason}"


def _filled(node: Node, value: Any) -> Any:
    """Return `value` with the defaults, order of keys and number types of the schema `node`."""
    if isinstance(value, Mapping) and not node.keys() & {"properties", "additionalProperties"}:
        return dict(value)  # options of a part, which fills them in itself
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


def expected(node: Node) -> str:
    """Say in words which values `node` allows."""
    if "x-expected" in node:
        return str(node["x-expected"])
    if "enum" in node:
        return " or ".join(f'"{name}"' for name in node["enum"])
    if node["type"] == "array":
        return f"a list, each {expected(node['items'])}"
    limits = " and ".join(
        f"{word} {node[bound]}" for bound, word in _BOUNDS.items() if bound in node
    )
    return f"{_KINDS[node['type']]} {limits}".rstrip()


def entries(node: Node, key: Key = ()) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Yield every key that `node` describes, in its order."""
    children = dict(node.get("properties", {}))
    if isinstance(node.get("additionalProperties"), Mapping):
        children["<name>"] = node["additionalProperties"]
    for name, child in children.items():
        yield (*key, name), child
        yield from entries(child, (*key, name))
