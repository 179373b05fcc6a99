"""What the schema of a configuration leaves to the registries of parts."""

from collections.abc import Mapping
from typing import Any

from pamlflow import plugins
from pamlflow.acquisition import STRATEGIES
from pamlflow.models import DEFAULT_KIND, KINDS
from pamlflow.names import ORACLE

_STRATEGY_NAMES = sorted(STRATEGIES)
FROM_REGISTRY: dict[str, dict[str, Any]] = {
    "strategies": {
        "pattern": rf"({'|'.join(_STRATEGY_NAMES)}|{plugins.NAME.pattern})",
        "x-expected": " or ".join(
            f'"{name}"' for name in (*_STRATEGY_NAMES, "package.module:Name")
        ),
        "x-names": _STRATEGY_NAMES,
    },
    "kinds": {
        "pattern": rf"({'|'.join(sorted(KINDS))}|{plugins.NAME.pattern})",
        "x-expected": " or ".join(f'"{name}"' for name in (*sorted(KINDS), "package.module:Name")),
        "x-names": sorted(KINDS),
        "default": DEFAULT_KIND,
    },
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
