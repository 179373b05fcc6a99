import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.seeding import generator, job_seed

NAME = st.text("abc_", max_size=8)
NUMBER = st.none() | st.integers(0, 99)
JOB = st.tuples(NAME, NAME, NUMBER, NAME, NUMBER)


@given(st.integers(0, 2**70), JOB)
def test_seeds_fit_in_63_bits_and_repeat(root, job):
    seed = job_seed(root, *job)
    assert 0 <= seed < 2**63
    assert seed == job_seed(root, *job)


@given(JOB, JOB)
def test_jobs_differ(first, second):
    assert (job_seed(7, *first) == job_seed(7, *second)) == (first == second)


@given(st.integers(0, 2**70), st.integers(0, 2**70))
def test_roots_differ(first, second):
    assert (job_seed(first, "train") == job_seed(second, "train")) == (first == second)


def test_no_two_jobs_of_a_large_study_share_a_seed():
    """Experiments, trials, strategies and rounds, as the rules of the workflow name their jobs."""
    experiments = ("cart_pole", "cart_pole_partial", "cart_pole_noisy", "pendubot")
    seeds = [
        job_seed(2020, "acquire_round", experiment, trial, strategy, round_)
        for experiment in experiments
        for trial in range(10)
        for strategy in ("paml", "uniform", "latin_hypercube")
        for round_ in range(1, 16)
    ]
    seeds += [job_seed(2020, "simulate_test_tasks", experiment) for experiment in experiments]
    seeds += [
        job_seed(2020, stage, experiment, trial)
        for stage in ("simulate_initial_tasks", "draw_design", "train_initial_round")
        for experiment in experiments
        for trial in range(10)
    ]
    assert len(set(seeds)) == len(seeds)


def test_what_a_job_is_called_matters():
    seeds = [
        job_seed(1, "ab"),
        job_seed(1, "a", "b"),
        job_seed(1, "a", strategy="b"),
        job_seed(1, "ab", trial=0),
        job_seed(1, "ab", round=0),
        job_seed(1, "ab", trial=0, round=0),
    ]
    assert len(set(seeds)) == len(seeds)


def test_seeds_are_the_same_on_every_machine_and_in_every_process():
    seed = 1267388294285223483
    assert job_seed(2020, "acquire_round", "cart_pole", 3, "paml", 7) == seed
    code = (
        "from pamlflow.seeding import job_seed;"
        "print(job_seed(2020, 'acquire_round', 'cart_pole', 3, 'paml', 7))"
    )
    command = [sys.executable, "-c", code]
    assert int(subprocess.run(command, check=True, capture_output=True).stdout) == seed


def test_a_negative_root_is_refused():
    with pytest.raises(ValueError, match="seed: expected an integer of at least 0, found -1"):
        job_seed(-1, "train")


def test_generators_repeat():
    np.testing.assert_array_equal(generator(3).random(4), generator(3).random(4))
    assert not np.array_equal(generator(3).random(4), generator(4).random(4))


def test_streams_of_neighbouring_jobs_are_uncorrelated():
    draws = np.array([generator(job_seed(1, "s", trial=i)).normal(size=2000) for i in range(20)])
    correlations = np.corrcoef(draws)[np.triu_indices(20, k=1)]
    assert np.max(np.abs(correlations)) < 0.1  # 4.5 standard errors
