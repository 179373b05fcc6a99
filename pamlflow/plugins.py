"""Parts that are chosen by name in the configuration: those of the library and the user's own."""

import difflib
import importlib
from collections.abc import Mapping
from typing import TypeVar

Part = TypeVar("Part")


def load(name: str, registry: Mapping[str, Part], kind: str) -> Part:
    """Return the part registered as `name`, or the user's own, named as `package.module:Name`.

    `kind` is what the message of the ValueError calls it, such as "domain".
    """
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            part: Part = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError, TypeError) as error:
            raise ValueError(f"cannot load the {kind} '{name}': {error}") from error
        if not callable(part):
            raise ValueError(f"the {kind} '{name}': expected something to call, found {part!r}")
        return part
    if name not in registry:
        nearest = difflib.get_close_matches(name, registry, n=1)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        raise ValueError(
            f"unknown {kind} '{name}': {hint}known are {', '.join(sorted(registry))}; "
            f"name one of your own as package.module:Name"
        )
    return registry[name]
