"""The signal that excites a task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.domains.controls import alternating_control


def blocks_of(signal):
    """Return the blocks of equal sign."""
    return np.split(signal, np.flatnonzero(np.diff(np.sign(signal))) + 1)


@pytest.mark.parametrize(
    ("steps", "blocks", "lengths"),
    [
        (100, 10, [5, *9 * [10], 5]),
        (95, 10, [5, *9 * [10]]),
        (99, 5, [10, *4 * [20], 9]),
        (3, 10, [1, 2]),
        (1, 10, [1]),
    ],
)
def test_first_block_is_half_as_long_as_the_others(steps, blocks, lengths):
    signal = alternating_control(steps, blocks, 25.0, 0.0, np.random.default_rng(0))
    assert [len(part) for part in blocks_of(signal)] == lengths


def test_blocks_alternate_in_sign_and_rise_from_half_the_limit():
    signal = alternating_control(100, 10, 25.0, 0.0, np.random.default_rng(0))
    values = [np.unique(part) for part in blocks_of(signal)]
    np.testing.assert_allclose(
        values, ((-1.0) ** np.arange(11) * np.linspace(12.5, 25.0, 11))[:, None]
    )


@given(st.integers(1, 100), st.integers(1, 10))
def test_every_push_undoes_the_one_before_it(half, blocks):
    """Without the rise in force, momentum swings evenly about zero."""
    force = np.sign(
        alternating_control(2 * half * blocks, blocks, 1.0, 0.0, np.random.default_rng(0))
    )
    momentum = np.cumsum(force)
    np.testing.assert_array_equal(
        momentum[half - 1 :: 2 * half], half * (-1.0) ** np.arange(blocks)
    )


@given(
    st.integers(1, 300),
    st.integers(1, 20),
    st.floats(0.1, 100),
    st.floats(0, 100),
    st.integers(0, 2**32),
)
def test_signal_never_exceeds_the_limit(steps, blocks, limit, noise, seed):
    signal = alternating_control(steps, blocks, limit, noise, np.random.default_rng(seed))
    assert signal.shape == (steps,)
    assert (abs(signal) <= limit).all()


def test_noise_is_added_before_clipping():
    noiseless = alternating_control(10_000, 10, 25.0, 0.0, np.random.default_rng(0))
    signal = alternating_control(10_000, 10, 25.0, 1.0, np.random.default_rng(0))
    free = abs(noiseless) < 20
    assert np.std((signal - noiseless)[free]) == pytest.approx(1.0, rel=0.05)
    last = abs(noiseless) == 25.0
    assert 0.4 < np.mean(abs(signal[last]) == 25.0) < 0.6
