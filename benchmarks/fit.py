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
    from pamlflow.models.latent_gp.fit.closed_form.vector_model import VectorModel
    from pamlflow.models.latent_gp.fit.layout import INITIAL_LATENT_VARIANCE
    from pamlflow.models.latent_gp.fit.optimiser import Optimiser
    from pamlflow.models.latent_gp.fit.training import train
    from pamlflow.models.latent_gp.fit.with_gpflow.stochastic_training import fit_stochastic
    from pamlflow.models.latent_gp.fit.with_gpflow.vector_model import GPflowVectorModel
    from pamlflow.models.latent_gp.settings import (
        ModelSettings,
        StochasticSettings,
        TrainingSettings,
    )

    tasks, test = cart_poles(1, TASKS), shuffled(cart_poles(99, None))
    paper = ModelSettings(inducing_points=300, signal="shared", noise="per_output")
    mean = np.random.default_rng(0).standard_normal((TASKS, paper.dimensions(2)))
    start = LatentPosterior(mean, np.full_like(mean, INITIAL_LATENT_VARIANCE))

    begin = time.perf_counter()
    published = GPflowVectorModel(tasks, paper, start)
    published.place(start)
    published.choose_inducing_points()
    fitted = fit_stochastic(
        published, StochasticSettings(), TrainingRecord(), seed=1, checkpoints=None
    )
    reference = time.perf_counter() - begin
    prior = float(published.log_prior_density())
    target = float(fitted.bound(fitted.whole())) + prior
    reference_nll = nll(published.with_posterior(fitted.posterior()), test)

    record = TrainingRecord()
    model = VectorModel(tasks, paper)
    model.place(start)
    model.choose_inducing_points()
    Optimiser(model, record).minimise(1000, "fit")
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
