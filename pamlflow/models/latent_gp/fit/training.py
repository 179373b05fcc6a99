"""Training: several starts in the first round, warm starts in later ones, and a record of what was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import gpflow
import numpy as np

from pamlflow.models.latent_gp.fit.layout import initial_latents, random_latents
from pamlflow.models.latent_gp.fit.meta_model import MetaModel
from pamlflow.models.latent_gp.fit.optimiser import Optimiser, TrainingRecord
from pamlflow.models.latent_gp.fit.picture_model import PictureModel
from pamlflow.models.latent_gp.fit.stochastic_training import fit_stochastic
from pamlflow.models.latent_gp.fit.vector_model import VectorModel
from pamlflow.models.latent_gp.use.evidence import TaskArrays
from pamlflow.models.latent_gp.use.inference import LatentPosterior
from pamlflow.models.latent_gp.use.picture_posterior import PicturePosterior
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.settings import ModelSettings, TrainingSettings
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

INITIAL_LATENT_VARIANCE = 0.1
SHARE_OF_STARTS = 0.2
NOISE_ITERATIONS = 20
UNUSED_LENGTHSCALE = 300.0  # used ones have 1 to 90, those switched off 370 to 24,000

Place = Callable[[], None]
"""Puts the q(H) of a model somewhere."""


class TrainingError(RuntimeError):
    """No usable fit was found; the message names what stayed non-finite."""


def train_from_scratch(
    tasks: TaskSet,
    settings: ModelSettings,
    training: TrainingSettings,
    rng: np.random.Generator,
    checkpoints: Path | None = None,
    title: str = "fit",
    unchosen: FloatArray | None = None,
) -> tuple[TrainedModel, TrainingRecord]:
    """Fit a model to tasks alone; ``title`` stands before iteration and bound in the log.

    Few tasks do not identify the signs, rotation and scale of h, so that a single start can end in a poor
    geometry.  L-BFGS tries several and finishes the best: the first start lays the tasks out by their
    descriptors, the second by their dynamics, the others at random.  Pictures have one start, networks
    trained on all of them; pictures ``unchosen`` [C - N, H, W, R] of tasks that have not been run are learned
    from too, other descriptors not.  The stochastic bound starts once at random, as in the paper, and keeps
    its state in the folder ``checkpoints``.
    """
    record = TrainingRecord()
    if tasks.has_pictures:
        model, places = _new_picture_model(tasks, settings, unchosen, rng)
    else:
        dimensions = settings.latent_dimensions
        means = (
            [random_latents(tasks, dimensions, rng)]
            if training.bound == "stochastic"
            else initial_latents(tasks, dimensions, rng, training.starts)
        )
        model, places = _new_vector_model(tasks, settings, means)
    starts = [partial(_start_anew, model, place) for place in places]
    if training.bound == "stochastic":
        starts[0]()
        return _fit_stochastic(model, training, rng, checkpoints, record)
    return _fit_collapsed(model, starts, training.first_iterations, record, title)


def train_from_previous(
    tasks: TaskSet,
    settings: ModelSettings,
    training: TrainingSettings,
    previous: TrainedModel,
    rng: np.random.Generator,
    checkpoints: Path | None = None,
    title: str = "fit",
    unchosen: FloatArray | None = None,
) -> tuple[TrainedModel, TrainingRecord]:
    """Fit a model to one more round of tasks, starting from q(H) of the round before.

    The tasks of that round come first.  q(h) of those that were added starts where the model of that round
    infers it, unless they have pictures.  ``title``, ``checkpoints`` and ``unchosen`` are as in
    ``train_from_scratch``.

    L-BFGS tries two starts and finishes the better one: all parameters of the round before, and q(H) alone.
    To parameters that explain the old tasks well, a task unlike them looks impossible, and the way out that
    a search then finds is to call everything noise.

    Where the round before has switched a dimension of h off, fitting starts from scratch: tasks that need
    it have been put on a line, where each new one makes the line more crumpled, and no search unfolds it.
    Pictures keep all dimensions in use, and the stochastic bound goes on as the paper does.
    """
    collapsed = training.bound == "collapsed"
    if collapsed and not tasks.has_pictures and _has_unused_dimension(previous):
        title = f"{title} from scratch"
        return train_from_scratch(tasks, settings, training, rng, title=title)
    record = TrainingRecord()
    model, place = _next_model(tasks, settings, previous, unchosen)
    carry_on = partial(_carry_on, model, place, previous)
    if training.bound == "stochastic":
        carry_on()
        return _fit_stochastic(model, training, rng, checkpoints, record)
    starts = [carry_on, partial(_start_anew, model, place)]
    return _fit_collapsed(model, starts, training.next_iterations, record, title)


def _new_vector_model(
    tasks: TaskSet,
    settings: ModelSettings,
    means: Sequence[FloatArray],
) -> tuple[MetaModel, list[Place]]:
    """A model of vectors, and its q(H) put at each of ``means`` [N, Q]."""
    variance = np.full_like(means[0], INITIAL_LATENT_VARIANCE)
    latents = [LatentPosterior(mean, variance) for mean in means]
    model = VectorModel(tasks, settings, latents[-1])
    return model, [partial(model.place, latent) for latent in latents]


def _new_picture_model(
    tasks: TaskSet,
    settings: ModelSettings,
    unchosen: FloatArray | None,
    rng: np.random.Generator,
) -> tuple[MetaModel, list[Place]]:
    """A model of pictures and the one start that it needs: what its networks learn from all of them."""
    model = PictureModel(tasks, settings, unchosen)
    return model, [partial(model.descriptor.pretrain, int(rng.integers(2**31)))]


def _has_unused_dimension(model: TrainedModel) -> bool:
    """Whether the kernel has switched off some dimension of h, which has a unit second moment."""
    return bool(np.any(model.dynamics.lengthscales_h > UNUSED_LENGTHSCALE))


def _next_model(
    tasks: TaskSet,
    settings: ModelSettings,
    previous: TrainedModel,
    unchosen: FloatArray | None,
) -> tuple[MetaModel, Place]:
    """A model of one more round, and where its q(H) starts."""
    if isinstance(previous.descriptor, PicturePosterior):
        pictures = PictureModel(tasks, settings, unchosen)
        return pictures, partial(pictures.descriptor.restore, previous.descriptor)
    added = tasks.subset(np.arange(len(previous.latent.mean), tasks.num_tasks))
    data = TaskArrays(*added.padded())
    start = previous.infer(descriptors=added.descriptors, data=data)
    latent = LatentPosterior(
        np.vstack([previous.latent.mean, start.mean]),
        np.vstack([previous.latent.variance, start.variance]),
    )
    vectors = VectorModel(tasks, settings, latent)
    return vectors, partial(vectors.place, latent)


def _fit_collapsed(
    model: MetaModel,
    starts: Sequence[Callable[[], None]],
    iterations: int,
    record: TrainingRecord,
    title: str,
) -> tuple[TrainedModel, TrainingRecord]:
    """Search briefly from each start, then spend ``iterations`` of L-BFGS on the best.

    How the noise varies from task to task is learned last, with the function settled: learned beside it, noise
    is the easier explanation of a hard task, which the function then never fits.
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
    """Take the steps of the stochastic schedule."""
    seed = int(rng.integers(2**31))
    fitted = fit_stochastic(model, training.stochastic, record, seed=seed, checkpoints=checkpoints)
    if not record.bound:
        raise TrainingError(_complaint(model))
    return model.trained(fitted.posterior()), record


def _complaint(model: MetaModel) -> str:
    """What is wrong with a model that has no finite bound, and what may help."""
    parameters = gpflow.utilities.parameter_dict(model)
    spoilt = [path for path, value in parameters.items() if not np.all(np.isfinite(value.numpy()))]
    return (
        f"training found no finite bound for {model.num_tasks} tasks, with jitter up to "
        f"{float(model.jitter.numpy()):.0e}; non-finite parameters: {', '.join(spoilt) or 'none'}. Check "
        "the tasks for outliers (pamlflow show), raise model.noise_floor, or lower model.inducing_points."
    )


def _start_anew(model: MetaModel, place: Place) -> None:
    """Put an untrained model's q(H) in its place, and the inducing points where that suggests."""
    place()
    model.choose_inducing_points()


def _carry_on(model: MetaModel, place: Place, previous: TrainedModel) -> None:
    """Take over all parameters of the round before, in the units of the new standardisation."""
    values = {
        path: value
        for path, value in previous.parameters.items()
        if not path.startswith((".jitter", ".latent.", ".dynamics.inducing_"))
    }
    inputs = previous.scaler.input_scale / model.scaler.input_scale
    unit = previous.scaler.output_scale / model.scaler.output_scale
    outputs = np.square(unit / values[".dynamics.output_scale"])
    if model.dynamics.output_scale.trainable:
        values[".dynamics.output_scale"] = unit
    values[".dynamics.kernel_x.lengthscales"] = values[".dynamics.kernel_x.lengthscales"] * inputs
    # The same noise for all tasks at first: see _fit_collapsed.
    slope = values.pop(".dynamics.noise_slope")
    noise = values[".dynamics.noise"] * outputs * np.exp(previous.latent.mean @ slope).mean()
    values[".dynamics.noise"] = np.maximum(noise, 1.01 * model.dynamics.noise_floor)
    old = previous.scaler
    if ".descriptor.slope" in values:
        unit = old.descriptor_scale / model.scaler.descriptor_scale
        values[".descriptor.slope"] = values[".descriptor.slope"] * unit
        shift = (old.descriptor_mean - model.scaler.descriptor_mean) / model.scaler.descriptor_scale
        values[".descriptor.intercept"] = values[".descriptor.intercept"] * unit + shift
        values[".descriptor.variance"] = values[".descriptor.variance"] * np.square(unit)
    place()
    gpflow.utilities.multiple_assign(model, values)
    points = previous.dynamics.inducing_inputs * old.input_scale + old.input_mean
    kept = np.hstack([model.scaler.inputs(points), previous.dynamics.inducing_latents])
    model.choose_inducing_points(kept, first_task=len(previous.latent.mean))
