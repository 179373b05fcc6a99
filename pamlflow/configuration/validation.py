"""Check a study's configuration against its schema and fill in the defaults.

`python -m pamlflow.configuration.validation` prints config/README.md.
"""

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from pamlflow import plugins
from pamlflow.acquisition import STRATEGIES
from pamlflow.configuration.crosschecks import cross_problems
from pamlflow.configuration.shape import endless_problems, nameless_problems
from pamlflow.configuration.soundness import Sound
from pamlflow.names import ORACLE
from pamlflow.wording import (
    Key,
    Node,
    Places,
    Problem,
    dotted,
    nearest,
    placed,
    quoted,
    shown,
)

UNKNOWN: Places = MappingProxyType({})
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


_STRATEGY_NAMES = sorted(STRATEGIES)
_FROM_REGISTRY: dict[str, dict[str, Any]] = {
    "strategies": {
        "pattern": rf"({'|'.join(_STRATEGY_NAMES)}|{plugins.NAME.pattern})",
        "x-expected": " or ".join(
            f'"{name}"' for name in (*_STRATEGY_NAMES, "package.module:Name")
        ),
        "x-names": _STRATEGY_NAMES,
    },
    "compared": {"default": [*(it.name for it in STRATEGIES.values() if it.compared), ORACLE]},
}
"""Parts of the schema that come from the registries."""

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
    for _, node in _entries(loaded):
        node.update(_FROM_REGISTRY.get(node.get("x-registry", ""), {}))
    return loaded


def validated(
    config: Mapping[str, Any], places: Places = UNKNOWN, found: Collection[Problem] = ()
) -> dict[str, Any]:
    """Return `config` with defaults, keys in the order of the schema, and numbers of one type.

    Equivalent configurations are then equal to Snakemake and re-run nothing. Raises ConfigurationError with all
    problems at once, including those `found` in the files; with `places`, it says where the keys are written.
    """
    if endless := endless_problems(config):
        raise ConfigurationError([*found, *placed(endless, places)])
    nameless = dict(nameless_problems(config))
    problems = list(nameless.items())
    for error in _Validator(schema()).iter_errors(config):
        problems += [one for one in _schema_problems(error) if one[0] not in nameless]
    sound = Sound(key for key, _ in problems)
    filled: dict[str, Any] = _filled(schema(), config)
    problems += cross_problems(filled, sound)
    if problems or found:
        raise ConfigurationError([*found, *placed(problems, places)])
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
        anywhere = {str(entry[-1]): dotted(entry) for entry, _ in _entries(schema())} | here
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
                yield (*key, name), f"missing, expected {_expected(node['properties'][name])}"
    elif error.validator == "uniqueItems":
        yield key, f"expected each entry once, found {shown(found)}"
    elif error.validator == "maxProperties":
        text = f"expected at most {node['maxProperties']} keys, found {len(found)}"
        yield key, f"{text}; {node['x-limit']}"
    elif "propertyNames" in error.absolute_schema_path:
        yield (*key, found), f"expected {_expected(node)}"
    else:
        names = node.get("x-names", node.get("enum", ()))
        hint = nearest(found, names) if isinstance(found, str) else ""
        if isinstance(found, str) and node.get("type") in ("integer", "number"):
            hint = "; write numbers without quotes, and 1e-6 as 1.0e-6"
        reason = (
            f"; {node['x-limit']}" if error.validator == "maximum" and "x-limit" in node else ""
        )
        yield key, f"expected {_expected(node)}, found {shown(found)}{hint}{reason}"


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


def _expected(node: Node) -> str:
    """Return in words which values `node` allows."""
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


def _reason(node: Node) -> str:
    """Return a sentence on why `node` has an upper bound."""
    reason = str(node.get("x-limit", ""))
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def _entries(node: Node, key: Key = ()) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Yield all keys that `node` describes, in its order."""
    children = dict(node.get("properties", {}))
    if isinstance(node.get("additionalProperties"), Mapping):
        children["<name>"] = node["additionalProperties"]
    for name, child in children.items():
        yield (*key, name), child
        yield from _entries(child, (*key, name))


def markdown() -> str:
    """Return the text of config/README.md: all keys with values, defaults, units and meanings."""
    rows = []
    for key, node in _entries(schema()):
        default = node.get("default", {})
        cells = (
            f"`{dotted(key)}`",
            _expected(node),
            "" if default == {} else f"`{json.dumps(default)}`",
            node.get("x-unit", ""),
            " ".join(filter(None, (node.get("description"), _reason(node)))),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return _README + "\n".join([*rows, _STRATEGIES, *_option_rows()]) + "\n"


def _option_rows() -> Iterator[str]:
    """Yield a line for each setting of each strategy, and one for a strategy without settings."""
    for name, strategy in STRATEGIES.items():
        needs = ", ".join(f"a {need}" for need in sorted(strategy.needs)) or "nothing"
        settings = strategy.settings.described() or [("none", "", "")]
        for number, cells in enumerate(settings):
            head = (f"`{name}`", needs) if number == 0 else ("", "")
            yield f"| {' | '.join((*head, *cells))} |"


_README = """\
<!-- Written by `make docs` from workflow/schemas/config.schema.yaml. -->
# Configuration

`config.yaml` is the study. A file given with `--configfile`, such as `quickstart.yaml`, is merged into
it: mappings are merged, lists and single values replaced. Everything that needs no simulation is
checked before any job starts; a key that is misspelt, missing or given twice is reported with its file
and line. Keys with a default may be omitted.

- `--configfile` reads every argument after it as a file. Name a target before it, or after `--`:
  `snakemake results/cart_pole/summary.csv --configfile mine.yaml`. "No such file or directory" with
  the name of a target, or a decoding error, means that the target was read as a configuration.
- `--config seed=1` sets a key of the top level. Nested keys become text there, so
  `--config run.trials=2` and `--config 'run={trials: 2}'` are refused: write `run:` and, below it,
  `trials: 2` into a file for `--configfile`.
- Give either option once, with all of its values: Snakemake uses only the last one.
- A file is YAML or JSON in UTF-8, one document with keys, indented by spaces. Write 1e-6 as 1.0e-6.

| key | value | default | unit | meaning |
|---|---|---|---|---|
"""

_STRATEGIES = """
## Strategies

`strategies.<name>.options` takes these settings:

| strategy | needs | setting | value | default |
|---|---|---|---|---|"""

if __name__ == "__main__":
    print(markdown(), end="")
