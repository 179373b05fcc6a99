"""Kinds of models: one file or folder for each, and one line here."""

from collections.abc import Mapping
from typing import Any

from pamlflow import plugins
from pamlflow.models.interface import ModelKind, Trainer
from pamlflow.models.latent_gp import LATENT_GP

__all__ = [
    "DEFAULT_KIND",
    "KINDS",
    "ModelKind",
    "Trainer",
    "is_default",
    "kind_of",
    "own_sections",
    "trainer_of",
    "without_kind",
]

KINDS: dict[str, ModelKind] = {kind.name: kind for kind in (LATENT_GP,)}
DEFAULT_KIND = LATENT_GP.name


def kind_of(section: Mapping[str, Any]) -> ModelKind:
    """Return the kind of model in the section `model`: one of KINDS, or your own as `package.module:Name`.

    Raises ValueError when there is no such kind, or the name is not that of a ModelKind.
    """
    return plugins.load(section.get("kind", DEFAULT_KIND), KINDS, "kind of model", ModelKind)


def is_default(section: Mapping[str, Any]) -> bool:
    """Say whether a section `model` is of the kind whose keys the schema of the configuration lists."""
    return bool(section.get("kind", DEFAULT_KIND) == DEFAULT_KIND)


def trainer_of(section: Mapping[str, Any], training: Mapping[str, Any]) -> Trainer:
    """Return the trainer for the sections `model` and `training`.

    Raises ValueError as `kind_of` does, and when a value is out of its range.
    """
    kind = kind_of(section)
    own = without_kind(section)
    name = None if is_default(section) else section["kind"]
    return Trainer(kind, kind.settings.from_config(own), kind.training.from_config(training), name)


def without_kind(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in a section `model`: all but the kind that they are of."""
    return {key: value for key, value in section.items() if key != "kind"}


def own_sections(
    model: Mapping[str, Any], training: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the sections `model` and `training` of a study say to its kind of model.

    Without the settings of the default kind that this one has not: the configuration of the study, over which
    all others are laid, has them.  Raises ValueError as `kind_of` does.
    """
    kind, default = kind_of(model), KINDS[DEFAULT_KIND]
    others = default.settings.names() - kind.settings.names()
    schedule = default.training.names() - kind.training.names()
    return (
        {key: value for key, value in without_kind(model).items() if key not in others},
        {key: value for key, value in training.items() if key not in schedule},
    )
