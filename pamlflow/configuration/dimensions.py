"""The number of latent dimensions in each experiment of a study."""

from collections.abc import Iterator

from pamlflow.models import is_default
from pamlflow.models.latent_gp.settings import ModelSettings, too_few
from pamlflow.wording import Node, dotted


def latent_dimensions(config: Node, experiment: str) -> int | None:
    """Return Q of an experiment: its own value, that of `model`, or the number of variables of `space`.

    None where the model is of another kind than `latent_gp`, which has settings of its own.
    """
    if not is_default(config["model"]):
        return None
    settings = config["experiments"][experiment]
    given = settings.get("latent_dimensions", config["model"]["latent_dimensions"])
    return ModelSettings(latent_dimensions=given).dimensions(len(settings["space"]))


def warnings(config: Node) -> Iterator[str]:
    """Yield a warning for each experiment to be run with fewer dimensions than varying parameters."""
    for name in config["run"]["experiments"]:
        dimensions = latent_dimensions(config, name)
        varying = len(config["experiments"][name]["space"])
        if dimensions is not None and dimensions < varying:
            yield f"{dotted(('experiments', name))}: {too_few(dimensions, varying)}"
