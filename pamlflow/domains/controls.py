"""Control signals that excite a task."""

import numpy as np

from pamlflow.types import FloatArray


def alternating_control(
    steps: int, blocks: int, limit: float, noise: float, rng: np.random.Generator
) -> FloatArray:
    """Return a control signal [steps] that pushes back and forth, harder each time.

    Constant blocks of alternating sign, `blocks` of them fitting into the signal, rise from half
    the limit to the limit; normal noise with standard deviation `noise` is added, and the sum is
    clipped to the limit.
    """
    # A push that starts at rest is undone by the next one if it lasts exactly half as long and the
    # others all last the same: then the pushed body swings about its origin and does not run away.
    half = max(1, round(steps / (2 * blocks)))
    block = (np.arange(steps) + half) // (2 * half)
    signal = (-1.0) ** block * np.linspace(limit / 2, limit, block[-1] + 1)[block]
    control: FloatArray = np.clip(signal + noise * rng.standard_normal(steps), -limit, limit)
    return control


def random_control(steps: int, hold: int, rng: np.random.Generator) -> FloatArray:
    """Return a control signal [steps], uniform in -1 to 1, which is drawn anew every `hold` steps."""
    return np.repeat(rng.uniform(-1.0, 1.0, size=-(-steps // hold)), hold)[:steps]
