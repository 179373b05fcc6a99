"""A folder of recordings: carts of different loads on a rail, each pushed by a force, and a table of them."""

import numpy as np
import pandas as pd

LOADS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
STEP = 0.05
OPTIONS = {
    "runs": "recordings/runs.csv",
    "descriptors": {"load": "kg"},
    "time": "t",
    "states": {"position": "m", "speed": "m/s"},
    "controls": {"force": "N"},
}


def run(load, seed, rows=31):
    """The log of a cart; its speed changes by force / load in each step."""
    force = np.random.default_rng(seed).uniform(-3.0, 3.0, rows)
    speed = np.concatenate([[0.0], np.cumsum(force[:-1] / (1.0 + load) * STEP)])
    position = np.concatenate([[0.0], np.cumsum(speed[:-1] * STEP)])
    seconds = STEP * np.arange(rows)
    return pd.DataFrame({"t": seconds, "position": position, "speed": speed, "force": force})


def write(folder, loads=LOADS):
    """Write `recordings` below a folder: a table, and a file for each load."""
    recordings = folder / "recordings"
    recordings.mkdir()
    names = [f"cart_{number:02d}.csv" for number in range(len(loads))]
    for number, (name, load) in enumerate(zip(names, loads, strict=True)):
        run(load, number).to_csv(recordings / name, index=False)
    pd.DataFrame({"file": names, "load": loads}).to_csv(recordings / "runs.csv", index=False)
    return recordings
