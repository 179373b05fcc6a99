"""What the schema of a configuration leaves to the registries of parts."""

from collections.abc import Iterable, Mapping
from typing import Any

from pamlflow import plugins
from pamlflow.acquisition import STRATEGIES
from pamlflow.domains import DOMAINS
from pamlflow.models import DEFAULT_KIND, KINDS
from pamlflow.names import ORACLE


def _one_of(names: Iterable[str]) -> dict[str, Any]:
    """What the schema says of the name of a part: one that is registered, or a user's own."""
    known = sorted(names)
    return {
        "pattern": rf"({'|'.join(known)}|{plugins.NAME.pattern})",
        "x-expected": " or ".join(f'"{name}"' for name in (*known, "package.module:Name")),
        "x-names": known,
    }


FROM_REGISTRY: dict[str, dict[str, Any]] = {
    "strategies": _one_of(STRATEGIES),
    "domains": _one_of(DOMAINS),
    "kinds": {**_one_of(KINDS), "default": DEFAULT_KIND},
    "compared": {"default": [*(it.name for it in STRATEGIES.values() if it.compared), ORACLE]},
}
"""By the `x-registry` of an entry of the schema, what the registry adds to it."""


def opened(schema: dict[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a study, open where another kind of model has keys of its own.

    `pamlflow.configuration.preflight` has the kind check them.
    """
    model = config.get("model")
    kind = model.get("kind") if isinstance(model, Mapping) else None
    is_known = isinstance(kind, str) and (kind in KINDS or plugins.NAME.fullmatch(kind))
    if not is_known or kind == DEFAULT_KIND:
        return schema
    sections = dict(schema["properties"])
    own = {"kind": sections["model"]["properties"]["kind"]}
    sections["model"] = {**sections["model"], "properties": own, "additionalProperties": {}}
    sections["training"] = {"type": "object", "default": {}}
    return {**schema, "properties": sections}
