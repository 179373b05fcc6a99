"""One seed per job, from the seed of the study and the name of the job."""

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
    """The seed of a job, at least 0 and below 2**63.

    It depends on nothing but the arguments, so a study can grow by experiments, strategies, trials
    and rounds without changing a number. Leave out what jobs are to share: without `strategy` every
    strategy meets the same tasks. Raises ValueError when `root` is negative.
    """
    if root < 0:
        raise ValueError(f"seed: expected an integer of at least 0, found {root}")
    name = json.dumps([stage, experiment, trial, strategy, round])
    digest = hashlib.sha256(name.encode()).digest()  # hash() differs from process to process
    words = np.frombuffer(digest, dtype="<u4").tolist()
    state = np.random.SeedSequence([root, *words]).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def generator(seed: int) -> np.random.Generator:
    """The random numbers of a job: PCG64, whatever becomes NumPy's default."""
    return np.random.Generator(np.random.PCG64(seed))
