"""Adam, or natural gradients with Adam, on the stochastic bound; an interrupted fit resumes."""

from __future__ import annotations

import logging
from pathlib import Path

import gpflow
import numpy as np
import tensorflow as tf
import tf_keras

from pamlflow.models.interface import TrainingError, TrainingRecord
from pamlflow.models.latent_gp.fit.with_gpflow.meta_model import MetaModel
from pamlflow.models.latent_gp.fit.with_gpflow.picture_model import PictureModel
from pamlflow.models.latent_gp.fit.with_gpflow.stochastic import StochasticModel, draw_minibatch
from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel
from pamlflow.models.latent_gp.settings import ModelSettings, StochasticSettings, TrainingSettings
from pamlflow.models.latent_gp.use.trained import TrainedModel
from pamlflow.tasks import TaskSet
from pamlflow.types import FloatArray

REPORT_EVERY = 100
NATURAL_STEP = 0.1

logger = logging.getLogger(__name__)


class StochasticTrainer:
    """Takes steps on the stochastic bound, and holds the state that a resumed fit needs."""

    def __init__(self, model: MetaModel, settings: StochasticSettings, seed: int) -> None:
        """Start q(u) at the prior; `seed` sets the minibatches and the samples of h."""
        self.stochastic = StochasticModel(model)
        self._settings = settings
        self._generator = tf.random.Generator.from_seed(seed, alg="philox")
        self._step = tf.Variable(0, dtype=tf.int64)
        self._natural = settings.optimiser == "natural_gradient"
        if self._natural:
            gpflow.set_trainable(self.stochastic.q_mu, False)
            gpflow.set_trainable(self.stochastic.q_sqrt, False)
        self._variables = self.stochastic.trainable_variables
        self._adam = tf_keras.optimizers.Adam(settings.learning_rate)
        self._adam.build(self._variables)
        self._natural_gradient = gpflow.optimizers.NaturalGradient(gamma=NATURAL_STEP)
        self._bounds = tf.Variable(tf.fill([settings.steps], tf.constant(np.nan, tf.float64)))
        self.checkpoint = tf.train.Checkpoint(
            model=self.stochastic,
            adam=self._adam,
            generator=self._generator,
            step=self._step,
            bounds=self._bounds,
        )

    @property
    def steps_taken(self) -> int:
        """Steps taken so far, including those before an interruption."""
        return int(self._step.numpy())

    def bounds(self) -> list[float]:
        """Return the estimates of the bound at all steps, without those that are not finite."""
        values = self._bounds.numpy()[: self.steps_taken]
        finite: list[float] = values[np.isfinite(values)].tolist()
        return finite

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(self) -> tf.Tensor:
        """Take one step and return the estimate of the bound before it."""
        settings = self._settings
        model = self.stochastic.model
        batch = draw_minibatch(
            model.data, settings.batch_tasks, settings.batch_transitions, self._generator
        )
        noise = None
        if settings.estimator == "monte_carlo":
            shape = [tf.shape(batch.tasks)[0], model.dynamics.inducing_latents.shape[1]]
            noise = self._generator.normal(shape, dtype=tf.float64)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._variables)
            bound = self.stochastic.bound(batch, noise)
            loss = -bound - model.log_prior_density()
        gradients = tape.gradient(loss, self._variables)
        if self._natural:
            self._natural_gradient.minimize(
                lambda: self.stochastic.training_loss(batch, noise),
                [(self.stochastic.q_mu, self.stochastic.q_sqrt)],
            )
        self._adam.apply_gradients(zip(gradients, self._variables, strict=True))
        # A step that makes the variables non-finite must not count as good.
        finite = [tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients]
        bound = tf.where(tf.reduce_all(finite), bound, tf.constant(np.nan, bound.dtype))
        self._bounds.scatter_nd_update([[self._step]], [bound])
        self._step.assign_add(1)
        return bound


def train_stochastic(
    tasks: TaskSet,
    settings: ModelSettings,
    training: TrainingSettings,
    rng: np.random.Generator,
    previous: TrainedModel | None,
    unchosen: FloatArray | None,
    checkpoints: Path | None,
    record: TrainingRecord,
) -> tuple[TrainedModel, TrainingRecord]:
    """Fit a model of vectors or pictures by the stochastic bound: see `fit.training.train`.

    Predictions have the posterior and the noise of the bound: leaving a transition out is in closed form only
    at the optimal q(u). Raises TrainingError when no step had a finite bound.
    """
    kind = PictureModel if tasks.has_pictures else GPflowVectorModel
    model: MetaModel
    if previous is None and kind is PictureModel:
        model, (place,) = PictureModel.begin(tasks, settings, training, unchosen, rng)
    elif previous is None:
        model, place = GPflowVectorModel.begin(tasks, settings, rng)
    else:
        model, place = kind.proceed(tasks, settings, previous, unchosen)
    if previous is None:
        place()
        model.choose_inducing_points()
    else:
        model.carry_on(place, previous)
    seed = int(rng.integers(2**31))
    fitted = fit_stochastic(model, training.stochastic, record, seed=seed, checkpoints=checkpoints)
    if not record.bound:
        text = "raise model.noise_floor, or lower training.stochastic.learning_rate"
        raise TrainingError(
            f"training found no finite bound for {model.num_tasks} tasks; check them for outliers (pamlflow "
            f"show), {text}"
        )
    return model.with_posterior(fitted.posterior()), record


def fit_stochastic(
    model: MetaModel,
    settings: StochasticSettings,
    record: TrainingRecord,
    *,
    seed: int,
    checkpoints: Path | None,
) -> StochasticModel:
    """Fit `model` and q(u), and return both at the end, or at the last good state if a step fails.

    Every REPORT_EVERY steps the state is kept as good, and after a failure the bounds of `record` end there; a
    fit that fails before the first good state has no bounds. With a folder `checkpoints`, good states are saved
    there, and a later call resumes from the last one with the same numbers. The caller removes the folder.
    """
    trainer = StochasticTrainer(model, settings, seed)
    manager = None
    if checkpoints is not None:
        manager = tf.train.CheckpointManager(trainer.checkpoint, checkpoints, max_to_keep=1)
        if manager.restore_or_initialize() is not None:
            record.event(f"resumed after {trainer.steps_taken} steps")
    good, kept = _values(trainer), trainer.steps_taken
    while trainer.steps_taken < settings.steps:
        try:
            bound = float(trainer.step())
        except tf.errors.InvalidArgumentError:  # a Cholesky factorisation failed
            bound = float("nan")
        if not np.isfinite(bound):
            gpflow.utilities.multiple_assign(trainer.stochastic, good)
            record.event(f"step {trainer.steps_taken}: no finite bound, back to step {kept}")
            logger.warning("the fit ends after %d of %d steps", kept, settings.steps)
            break
        if trainer.steps_taken % REPORT_EVERY == 0:
            logger.info(
                "step %d of %d, bound about %.2f", trainer.steps_taken, settings.steps, bound
            )
            good, kept = _values(trainer), trainer.steps_taken
            if manager is not None:
                manager.save(trainer.steps_taken)
    else:
        kept = trainer.steps_taken
    record.bound.extend(trainer.bounds()[:kept])
    record.event(f"stochastic fit: {kept} steps")
    return trainer.stochastic


def _values(trainer: StochasticTrainer) -> dict[str, FloatArray]:
    return {
        path: value.numpy()
        for path, value in gpflow.utilities.parameter_dict(trainer.stochastic).items()
    }
