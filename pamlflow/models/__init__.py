"""Kinds of models: one file or folder for each, and one line here."""

from collections.abc import Mapping
from typing import Any

from pamlflow import plugins
from pamlflow.models.interface import ModelKind, Trainer
from pamlflow.models.latent_gp import LATENT_GP

__all__ = ["DEFAULT_KIND", "KINDS", "ModelKind", "Trainer", "kind_of", "trainer_of"]

KINDS: dict[str, ModelKind] = {kind.name: kind for kind in (LATENT_GP,)}
DEFAULT_KIND = LATENT_GP.name


def kind_of(section: Mapping[str, Any]) -> ModelKind:
    """Return the kind of model in the section `model`: one of KINDS, or your own as `package.module:Name`.

    Raises ValueError when there is no such kind, or the name is not that of a ModelKind.
    """
    name = section.get("kind", DEFAULT_KIND)
    kind = plugins.load(name, KINDS, "kind of model")
    if not isinstance(kind, ModelKind):
        text = f"expected a pamlflow.models.ModelKind, found {type(kind).__name__}"
        raise ValueError(f"model.kind '{name}': {text}")
    return kind


def trainer_of(section: Mapping[str, Any], training: Mapping[str, Any]) -> Trainer:
    """Return the trainer for the sections `model` and `training`.

    Raises ValueError as `kind_of` does, and when a value is out of its range.
    """
    kind = kind_of(section)
    own = {key: value for key, value in section.items() if key != "kind"}
    return Trainer(kind, kind.settings.from_config(own), kind.training.from_config(training))
