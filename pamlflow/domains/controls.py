"""Control signals that excite a task."""

import numpy as np

from pamlflow.types import FloatArray

WAVES = 3  # sines in a sum
PERIODS = (2.0, 8.0)  # shortest and longest period of a sine, in units of `hold`


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


def held_controls(steps: int, hold: int, controls: int, rng: np.random.Generator) -> FloatArray:
    """Return signals [steps, controls] in -1..1, each uniform anew after `hold` steps."""
    blocks = rng.uniform(-1.0, 1.0, size=(-(-steps // hold), controls))
    return np.repeat(blocks, hold, axis=0)[:steps]


def alternating_controls(
    steps: int, hold: int, controls: int, rng: np.random.Generator
) -> FloatArray:
    """Return signals [steps, controls] in -1..1 of `alternating_control`, each with a sign of its own."""
    blocks = max(1, round(steps / hold))
    signs = rng.choice([-1.0, 1.0], size=controls)
    signals: FloatArray = signs * alternating_control(steps, blocks, 1.0, 0.0, rng)[:, None]
    return signals


def wave_controls(steps: int, hold: int, controls: int, rng: np.random.Generator) -> FloatArray:
    """Return signals [steps, controls] in -1..1, smooth sums of WAVES sines of PERIODS."""
    periods = hold * rng.uniform(*PERIODS, size=(WAVES, controls))
    phases = rng.uniform(0.0, 2 * np.pi, size=(WAVES, controls))
    angles = 2 * np.pi * np.arange(steps)[:, None, None] / periods + phases
    waves: FloatArray = np.sin(angles).mean(axis=1)
    return waves
