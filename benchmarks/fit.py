"""The default fit against the paper's schedule: time to the same bound, and held-out NLL of both."""

import time

import numpy as np

from benchmarks.common import Measurement, cart_poles, head, held_out, keep, setup, shuffled
from pamlflow.models.interface import TaskArrays
from pamlflow.models.latent_gp.use.trained import TrainedModel

TASKS, LEVELS = 19, (1.0, 0.98)


def nll(trained: TrainedModel, data: TaskArrays) -> float:
    """Held-out NLL, h* inferred from 20 transitions."""
    latent = trained.infer(data=head(data, 20))
    return float(held_out(trained, latent, data).nll.mean())


def measure() -> list[Measurement]:
    """The paper's schedule once; the collapsed fit at the same M and at the default one."""
    from pamlflow.models.interface import LatentPosterior, TrainingRecord
    from pamlflow.models.latent_gp.fit.optimiser import Optimiser
    from pamlflow.models.latent_gp.fit.stochastic_training import fit_stochastic
    from pamlflow.models.latent_gp.fit.training import train
    from pamlflow.models.latent_gp.fit.vector_model import INITIAL_LATENT_VARIANCE, VectorModel
    from pamlflow.models.latent_gp.settings import (
        ModelSettings,
        StochasticSettings,
        TrainingSettings,
    )

    tasks, test = cart_poles(1, TASKS), shuffled(cart_poles(99, None))
    paper = ModelSettings(inducing_points=300, signal="shared", noise="per_output")
    start = np.random.default_rng(0).standard_normal((TASKS, paper.dimensions(2)))

    variance = np.full_like(start, INITIAL_LATENT_VARIANCE)

    def fresh() -> VectorModel:
        model = VectorModel(tasks, paper, LatentPosterior(start, variance))
        model.choose_inducing_points()
        return model

    begin = time.perf_counter()
    fitted = fit_stochastic(
        fresh(), StochasticSettings(), TrainingRecord(), seed=1, checkpoints=None
    )
    reference = time.perf_counter() - begin
    prior = float(fitted.model.log_prior_density())
    target = float(fitted.bound(fitted.whole())) + prior
    reference_nll = nll(fitted.model.trained(fitted.posterior()), test)

    record = TrainingRecord()
    model = fresh()
    Optimiser(model.training_loss, model.trainable_variables, model.jitter, record).minimise(
        1000, "fit"
    )
    rows = []
    for level in LEVELS:
        goal = target - (1.0 - level) * abs(target)
        reached = [s for s, b in zip(record.seconds, record.bound, strict=True) if b >= goal]
        ours = f"{reached[0]:.0f} s" if reached else f"not reached: {record.bound[-1]:.0f}"
        rows.append(
            Measurement(
                f"time to {100 * level:.0f}% of the paper's final bound of {target:.0f}, M = 300",
                ours,
                f"{reference:.0f} s for 5,000 steps",
                f"{reference / reached[0]:.0f} x faster" if reached else "",
                "50 x",
            )
        )
    begin = time.perf_counter()
    default, _ = train(tasks, ModelSettings(), TrainingSettings(), np.random.default_rng(0))
    seconds = time.perf_counter() - begin
    rows.append(
        Measurement(
            "default fit from scratch, M = 200: time",
            f"{seconds:.0f} s",
            f"{reference:.0f} s",
            f"{reference / seconds:.0f} x faster",
            "50 x",
        )
    )
    default_nll = nll(default, test)
    rows.append(
        Measurement(
            "default fit: held-out NLL, 20 transitions",
            f"{default_nll:.2f}",
            f"{reference_nll:.2f}",
            f"{reference_nll - default_nll:+.2f} nats better",
            "no worse",
        )
    )
    return rows


if __name__ == "__main__":
    setup()
    keep("fit", measure())
