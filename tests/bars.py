"""Pictures of bars, which differ in their height alone."""

import numpy as np


def bars(heights, side=8):
    """Pictures [C, side, side, 1] of bars of these heights in pixels, in 0..1."""
    rows, columns = np.arange(side)[:, None], np.arange(side)
    bar = np.clip(np.asarray(heights)[:, None, None] - rows, 0.0, 1.0)
    return (bar * (np.abs(columns - side // 2) < 2))[..., None]
