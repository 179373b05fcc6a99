"""Training: several starts in the first round, warm starts in later rounds, and a record of the fit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import gpflow
import numpy as np

from pamlflow.models.interface import TrainingError, TrainingRecord
from pamlflow.models.latent_gp.fit.meta_model import MetaModel, Placement
from pamlflow.models.latent_gp.fit.optimiser import Optimiser
from pamlflow.models.latent_gp.fit.parameters import library_defaults
from pamlflow.models.latent_gp.fit.picture_model import PictureModel
from pamlflow.models.latent_gp.fit.stochastic_training import fit_stochastic
from pamlflow.models.latent_gp.fit.vector_model import VectorModel
from pamlflow.models.latent_gp.settings import ModelSettings, TrainingSettings
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.screening import remarks, require_computable, require_variation
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

SHARE_OF_STARTS = 0.2
NOISE_ITERATIONS = 20


@library_defaults()
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

    The stochastic bound has one start, as in the paper, and saves its state in the folder `checkpoints`.

    Remarks on new tasks (`pamlflow.screening.remarks`) are logged first and kept in the record. Raises
    ValueError if values are too large or too small to compute with, or if all outputs are equal.
    """
    record = _begin(tasks, settings, first_task=len(previous.latent.mean) if previous else 0)
    kind: type[MetaModel] = PictureModel if tasks.has_pictures else VectorModel
    collapsed = training.bound == "collapsed"
    if previous is not None and collapsed and not kind.can_continue(previous):
        previous, title = None, f"{title} from scratch"
    if previous is None:
        model, places = kind.begin(tasks, settings, training, unchosen, rng)
        starts = [partial(_start_anew, model, place) for place in places]
        iterations = training.first_iterations
    else:
        model, place = kind.proceed(tasks, settings, previous, unchosen)
        starts = [partial(model.carry_on, place, previous), partial(_start_anew, model, place)]
        iterations = training.next_iterations
    if collapsed:
        return _fit_collapsed(model, starts, iterations, record, title)
    starts[0]()
    return _fit_stochastic(model, training, rng, checkpoints, record)


def _begin(tasks: TaskSet, settings: ModelSettings, first_task: int) -> TrainingRecord:
    """Return the record of a new fit, with remarks on the tasks from `first_task` on."""
    require_computable(tasks)
    require_variation(tasks)
    record = TrainingRecord()
    for text in remarks(tasks, settings.inducing_points, first_task):
        record.event(text, logging.WARNING)
    return record


def _start_anew(model: MetaModel, place: Placement) -> None:
    """Put an untrained model's q(H) in its place, and the inducing points where that suggests."""
    place()
    model.choose_inducing_points()


def _fit_collapsed(
    model: MetaModel,
    starts: Sequence[Callable[[], None]],
    iterations: int,
    record: TrainingRecord,
    title: str,
) -> tuple[TrainedModel, TrainingRecord]:
    """Search briefly from each start, then spend `iterations` of L-BFGS on the best.

    The variation of the noise between tasks is learned last, after the function. Learned together, noise would
    be the easier explanation of a hard task, and the function would never fit it.
    """
    optimiser = Optimiser(model.training_loss, model.trainable_variables, model.jitter, record)
    noise = [variable.ref() for variable in model.dynamics.noise_slope.trainable_variables]
    others = [it for it in model.trainable_variables if it.ref() not in noise]
    untrained = optimiser.state()
    untouched = float(model.jitter.numpy())
    outcomes: list[tuple[float, FloatArray, float]] = []
    for number, start in enumerate(starts, start=1):
        optimiser.restore(untrained)
        model.jitter.assign(untouched)
        start()
        brief = max(1, round(SHARE_OF_STARTS * iterations))
        loss = optimiser.minimise(brief, f"start {number} of {len(starts)}", others)
        outcomes.append((loss, optimiser.state(), float(model.jitter.numpy())))
    _, best, jitter = min(outcomes, key=lambda outcome: outcome[0])
    optimiser.restore(best)
    model.jitter.assign(jitter)
    model.rescale_latents()
    if not np.isfinite(optimiser.minimise(iterations, title, others)):
        raise TrainingError(_complaint(model))
    if noise:
        optimiser.minimise(NOISE_ITERATIONS, f"{title}, noise", model.dynamics.noise_variables)
    model.rescale_latents()
    return model.trained(), record


def _fit_stochastic(
    model: MetaModel,
    training: TrainingSettings,
    rng: np.random.Generator,
    checkpoints: Path | None,
    record: TrainingRecord,
) -> tuple[TrainedModel, TrainingRecord]:
    """Optimise the stochastic bound; its schedule is in `training.stochastic`."""
    seed = int(rng.integers(2**31))
    fitted = fit_stochastic(model, training.stochastic, record, seed=seed, checkpoints=checkpoints)
    if not record.bound:
        raise TrainingError(_complaint(model))
    return model.trained(fitted.posterior()), record


def _complaint(model: MetaModel) -> str:
    """Return the message for a model without a finite bound, with what may help."""
    parameters = gpflow.utilities.parameter_dict(model)
    spoilt = [path for path, value in parameters.items() if not np.all(np.isfinite(value.numpy()))]
    return (
        f"training found no finite bound for {model.num_tasks} tasks, with jitter up to "
        f"{float(model.jitter.numpy()):.0e}; non-finite parameters: {', '.join(spoilt) or 'none'}. Check "
        "the tasks for outliers (pamlflow show), raise model.noise_floor, or lower model.inducing_points."
    )
