"""Write `recordings/`, a folder of logs to try docs/own_logs.md with: arms of other masses and lengths."""

from pathlib import Path

import numpy as np
import pandas as pd

RUNS, ROWS, STEP = 24, 1000, 0.01  # s
GRAVITY, DAMPING, LARGEST_TORQUE = 9.81, 0.4, 12.0  # m/s2, N m s, N m


def record(mass: float, length: float, rng: np.random.Generator) -> pd.DataFrame:
    """The log of an arm that hangs from a motor, which pushes it to and fro."""

    def rates(state: np.ndarray, torque: float) -> np.ndarray:
        angle, rate = state
        pull = torque - DAMPING * rate - mass * GRAVITY * length * np.sin(angle)
        return np.array([rate, pull / (mass * length**2)])

    torques = np.repeat(rng.uniform(-LARGEST_TORQUE, LARGEST_TORQUE, ROWS // 50), 50)
    states = [rng.normal(0.0, 0.1, 2)]
    for torque in torques[:-1]:  # midpoint rule
        half = states[-1] + 0.5 * STEP * rates(states[-1], torque)
        states.append(states[-1] + STEP * rates(half, torque))
    angle, rate = np.transpose(states)
    degrees = (np.rad2deg(angle) + 180.0) % 360.0 - 180.0  # as an encoder reads it
    columns = {"time": STEP * np.arange(ROWS), "angle": degrees, "rate": rate, "torque": torques}
    return pd.DataFrame(columns).round(5)


def main() -> None:
    """Write a log for each arm, and the table of them."""
    rng = np.random.default_rng(0)
    folder = Path("recordings")
    folder.mkdir()
    runs = []
    for number in range(RUNS):
        mass, length = rng.uniform([0.5, 0.5], [2.0, 1.0]).round(3)
        name = f"arm_{number:02d}.csv"
        record(mass, length, rng).to_csv(folder / name, index=False)
        runs.append({"file": name, "mass": mass, "length": length})
    pd.DataFrame(runs).to_csv(folder / "runs.csv", index=False)


if __name__ == "__main__":
    main()
