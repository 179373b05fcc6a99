"""Training: several starts in the first round, warm starts in later rounds, and a record of the fit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from pamlflow.models.interface import TrainingError, TrainingRecord
from pamlflow.models.latent_gp.fit.closed_form.vector_model import VectorModel
from pamlflow.models.latent_gp.fit.layout import Placement
from pamlflow.models.latent_gp.fit.optimiser import Optimiser, Searchable
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.models.latent_gp.use.whitening import NotPositiveDefinite
from pamlflow.numerics import default_error_state
from pamlflow.screening import remarks, require_computable, require_variation
from pamlflow.tasks import TaskSet
from pamlflow.tensorflow_loading import load_tensorflow
from pamlflow.types import FloatArray

SHARE_OF_STARTS = 0.2
NOISE_ITERATIONS = 20
NOISE, NOISE_SLOPE = ".dynamics.noise", ".dynamics.noise_slope"


class CollapsedModel(Searchable, Protocol):
    """A meta-model that L-BFGS trains by its collapsed bound."""

    @classmethod
    def begin(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        training: TrainingSettings,
        unchosen: FloatArray | None,
        rng: np.random.Generator,
    ) -> tuple[Self, Sequence[Placement]]:
        """Return a model of first tasks, and the places from which a fit tries to start."""

    @classmethod
    def proceed(
        cls,
        tasks: TaskSet,
        settings: ModelSettings,
        previous: TrainedModel,
        unchosen: FloatArray | None,
    ) -> tuple[Self, Placement]:
        """Return a model of the tasks of the round before and some more, and where its q(H) starts."""

    @staticmethod
    def can_continue(previous: TrainedModel) -> bool:
        """Return whether a search may start from the round before, or must start from scratch."""

    def choose_inducing_points(self) -> None:
        """Choose the inducing points under the present kernel and q(H)."""

    def carry_on(self, place: Placement, previous: TrainedModel) -> None:
        """Take over all parameters of the round before."""

    def rescale_latents(self) -> None:
        """Scale each dimension of h to a unit second moment under q(H), and the parameters with it."""

    def spoilt(self) -> Sequence[str]:
        """Return the paths of parameters that are not finite."""

    def trained(self) -> TrainedModel:
        """Return the model at its present parameters as arrays."""


def train(
    tasks: TaskSet,
    settings: ModelSettings,
    training: TrainingSettings,
    rng: np.random.Generator,
    previous: TrainedModel | None = None,
    unchosen: FloatArray | None = None,
    checkpoints: Path | None = None,
    title: str = "fit",
) -> tuple[TrainedModel, TrainingRecord]:
    """Fit a model to tasks, from scratch or from the model of the round before.

    Arguments and errors are those of `pamlflow.models.interface.Fit`.

    From scratch, L-BFGS tries several starts and finishes the best. A few tasks do not identify the signs,
    rotation and scale of h, so a single start can end in a poor geometry.

    From the round before, L-BFGS tries two starts: all parameters of that round, and its q(H) alone. A task
    unlike the old ones has almost no density under parameters that explain the old tasks well; from there, a
    search tends to explain everything as noise. If `can_continue` is false, the fit starts from scratch.

    The stochastic bound has one start, as in the paper, and saves its state in the folder `checkpoints`. It and
    models of pictures are GPflow's, and load TensorFlow; other models need neither.

    Remarks on new tasks (`pamlflow.screening.remarks`) are logged first and kept in the record. Raises
    ValueError if values are too large or too small to compute with, or if all outputs are equal.
    """
    record = _begin(tasks, settings, first_task=len(previous.latent.mean) if previous else 0)
    stochastic = training.bound == "stochastic"
    if not stochastic and not tasks.has_pictures:
        with default_error_state():
            return _train_collapsed(
                VectorModel, tasks, settings, training, rng, previous, unchosen, record, title
            )
    load_tensorflow()
    from pamlflow.models.latent_gp.fit.with_gpflow.parameters import library_defaults
    from pamlflow.models.latent_gp.fit.with_gpflow.picture_model import PictureModel
    from pamlflow.models.latent_gp.fit.with_gpflow.stochastic_training import train_stochastic

    with library_defaults():
        if stochastic:
            return train_stochastic(
                tasks, settings, training, rng, previous, unchosen, checkpoints, record
            )
        return _train_collapsed(
            PictureModel, tasks, settings, training, rng, previous, unchosen, record, title
        )


def _begin(tasks: TaskSet, settings: ModelSettings, first_task: int) -> TrainingRecord:
    """Return the record of a new fit, with remarks on the tasks from `first_task` on."""
    require_computable(tasks)
    require_variation(tasks)
    record = TrainingRecord()
    for text in remarks(tasks, settings.inducing_points, first_task):
        record.event(text, logging.WARNING)
    return record


def _train_collapsed(
    kind: type[CollapsedModel],
    tasks: TaskSet,
    settings: ModelSettings,
    training: TrainingSettings,
    rng: np.random.Generator,
    previous: TrainedModel | None,
    unchosen: FloatArray | None,
    record: TrainingRecord,
    title: str,
) -> tuple[TrainedModel, TrainingRecord]:
    """Train a model of this kind by its collapsed bound."""
    if previous is not None and not kind.can_continue(previous):
        previous, title = None, f"{title} from scratch"
    if previous is None:
        model, places = kind.begin(tasks, settings, training, unchosen, rng)
        starts = [partial(_start_anew, model, place) for place in places]
        iterations = training.first_iterations
    else:
        model, place = kind.proceed(tasks, settings, previous, unchosen)
        starts = [partial(model.carry_on, place, previous), partial(_start_anew, model, place)]
        iterations = training.next_iterations
    _search(model, starts, iterations, record, title)
    try:
        return model.trained(), record
    except NotPositiveDefinite as error:
        raise TrainingError(
            f"{title}: {error} of predictions cannot be factorised, with any jitter; two tasks may have the "
            "same transitions (pamlflow show): leave one of them out, or lower model.prediction_points"
        ) from error


def _start_anew(model: CollapsedModel, place: Placement) -> None:
    """Put an untrained model's q(H) in its place, and the inducing points where that suggests."""
    place()
    model.choose_inducing_points()


def _search(
    model: CollapsedModel,
    starts: Sequence[Callable[[], None]],
    iterations: int,
    record: TrainingRecord,
    title: str,
) -> None:
    """Search briefly from each start, then spend `iterations` of L-BFGS on the best.

    The variation of the noise between tasks is learned last, after the function. Learned together, noise would
    be the easier explanation of a hard task, and the function would never fit it.
    """
    optimiser = Optimiser(model, record)
    others = ~model.entries(NOISE_SLOPE)
    untrained, untouched = model.state(), model.jitter
    outcomes: list[tuple[float, FloatArray, float]] = []
    for number, start in enumerate(starts, start=1):
        model.restore(untrained)
        model.jitter = untouched
        start()
        brief = max(1, round(SHARE_OF_STARTS * iterations))
        loss = optimiser.minimise(brief, f"start {number} of {len(starts)}", others)
        outcomes.append((loss, model.state(), model.jitter))
    _, best, model.jitter = min(outcomes, key=lambda outcome: outcome[0])
    model.restore(best)
    model.rescale_latents()
    if not np.isfinite(optimiser.minimise(iterations, title, others)):
        raise TrainingError(
            f"training found no finite bound, with jitter up to {model.jitter:.0e}; non-finite parameters: "
            f"{', '.join(model.spoilt()) or 'none'}. Check the tasks for outliers (pamlflow show), raise "
            "model.noise_floor, or lower model.inducing_points."
        )
    if not others.all():
        noise = model.entries(NOISE, NOISE_SLOPE)
        optimiser.minimise(NOISE_ITERATIONS, f"{title}, noise", noise)
    model.rescale_latents()
