"""How the controls of a run are drawn: one of the policies of the library, or a user's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from pamlflow import plugins
from pamlflow.arrays import shown
from pamlflow.domains.controls import alternating_controls, held_controls, wave_controls
from pamlflow.settings import Bounds, SettingError, Settings
from pamlflow.types import FloatArray

POLICIES: Mapping[str, Callable[[int, int, int, np.random.Generator], FloatArray]] = {
    "held": held_controls,
    "alternating": alternating_controls,
    "waves": wave_controls,
}


@dataclass(frozen=True)
class Policy(Settings):
    """How controls are drawn.

    `held` draws each of them uniformly, anew every `hold` steps; `alternating` pushes back and forth, harder
    each time, for `hold` steps in each direction; `waves` are sums of sines, of periods from 2 to 8 times
    `hold`. One's own is `package.module:name`. Normal noise of standard deviation `noise`, relative to half
    of the range, is added, and `share` of the range is used, about its middle.
    """

    kind: str = "held"
    hold: Annotated[int, Bounds(1, 100_000)] = 10
    share: Annotated[float, Bounds(0.0, 1.0)] = 1.0
    noise: Annotated[float, Bounds(0.0, 1.0)] = 0.0


HELD = Policy()
"""The policy where the options say nothing."""


def require_policy(policy: Policy, steps: int, controls: int) -> None:
    """Draw signals once; SettingError of the option `policy` when it cannot be done."""
    try:
        draw_signals(policy, steps, controls, np.random.default_rng(0))
    except Exception as error:  # of a policy of the user's own
        raise SettingError(("policy", "kind"), plugins.told(error)) from error


def draw_signals(policy: Policy, steps: int, controls: int, rng: np.random.Generator) -> FloatArray:
    """Return signals [steps, controls] from -1, the lowest control, to 1, the highest.

    A policy of the user's own is called with the numbers of steps and of controls and the generator. Raises
    ValueError when it returns anything else, PartError when it cannot be loaded.
    """
    draw: Callable[..., FloatArray] = plugins.load(policy.kind, POLICIES, "policy")
    if policy.kind in POLICIES:
        signals = draw(steps, policy.hold, controls, rng)
    else:
        signals = np.asarray(draw(steps, controls, rng))
    is_signal = signals.shape == (steps, controls) and signals.dtype.kind in "fiub"
    if not is_signal or not (np.abs(signals) <= 1.0).all():
        text = f"numbers from -1 to 1 of shape {(steps, controls)}"
        raise ValueError(f"policy '{policy.kind}': expected {text}, found {shown(signals)}")
    noisy = signals + policy.noise * rng.standard_normal(signals.shape)
    return policy.share * noisy.clip(-1.0, 1.0)
