"""The seed of each job, derived from the seed of the study and the name of the job."""

import hashlib
import json

import numpy as np


def job_seed(
    root: int,
    stage: str,
    experiment: str = "",
    trial: int | None = None,
    strategy: str = "",
    round: int | None = None,
) -> int:
    """Return the seed of a job, from 0 to 2**63 - 1.

    The seed depends only on the arguments, so further experiments, strategies, trials and rounds change no
    numbers. Omit an argument to share the seed: without `strategy`, all strategies get the same tasks. Raises
    ValueError if `root` is negative.
    """
    if root < 0:
        raise ValueError(f"seed: expected an integer of at least 0, found {root}")
    name = json.dumps([stage, experiment, trial, strategy, round])
    digest = hashlib.sha256(name.encode()).digest()  # hash() differs between processes
    words = np.frombuffer(digest, dtype="<u4").tolist()
    state = np.random.SeedSequence([root, *words]).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def generator(seed: int) -> np.random.Generator:
    """Return the random number generator of a job: PCG64, independent of NumPy's default."""
    return np.random.Generator(np.random.PCG64(seed))
