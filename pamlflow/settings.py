"""Typed views of the config sections that the model and the acquisition read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from pamlflow.wording import nearest

WORLD_KEYS = ("domain", "simulation", "descriptors", "space", "failed_tasks", "fixed")


def world_settings(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """What fixes the tasks of an experiment: the keys that pamlflow.world.World is made from."""
    return {key: experiment[key] for key in WORLD_KEYS if key in experiment}


class Settings:
    """What all sections share: they refuse values that mean nothing."""

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> Self:
        """Return the settings of a config section, where a section within it is a mapping or left out.

        Raises ValueError when a key is unknown, or a value means nothing.
        """
        hints = get_type_hints(cls)
        for name in section.keys() - hints.keys():
            text = f"{name}: unknown key{nearest(str(name), hints)}"
            raise ValueError(f"{text} (known here: {', '.join(hints) or 'none'})")
        made = {
            name: hints[name].from_config(value) if isinstance(value, Mapping) else value
            for name, value in section.items()
        }
        return cls(**made)

    def __post_init__(self) -> None:
        """Raise ValueError unless names are known and numbers above zero."""
        for name, hint in get_type_hints(type(self)).items():
            value = getattr(self, name)
            known = get_args(hint) if get_origin(hint) is Literal else ()
            if known and value not in known:
                text = " or ".join(f'"{one}"' for one in known)
                raise ValueError(f"{name}: expected {text}, found {value!r}")
            if isinstance(value, int | float) and not value > 0:
                raise ValueError(f"{name}: expected a number above 0, found {value}")


@dataclass(frozen=True)
class InferenceSettings(Settings):
    """Section ``inference``: how q(h*) of a test task is found, and which protocols are scored."""

    objective: Literal["predictive", "elbo"] = "predictive"
    protocols: tuple[str, ...] = ("paper", "few_shot_0", "few_shot_20")

    def __post_init__(self) -> None:
        """Turn the list of a config file into a tuple."""
        super().__post_init__()
        object.__setattr__(self, "protocols", tuple(self.protocols))
