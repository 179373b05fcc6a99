"""The signal that excites a task."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pamlflow.domains.controls import (
    alternating_control,
    alternating_controls,
    held_controls,
    wave_controls,
)


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


ALL = [held_controls, alternating_controls, wave_controls]


@pytest.mark.parametrize("signals", ALL)
@pytest.mark.parametrize(("steps", "hold", "controls"), [(1, 1, 1), (7, 100, 3), (100, 7, 0)])
def test_signals_of_any_size_stay_within_one(signals, steps, hold, controls):
    found = signals(steps, hold, controls, np.random.default_rng(0))
    assert found.shape == (steps, controls) and (np.abs(found) <= 1.0).all()


@pytest.mark.parametrize("signals", ALL)
def test_signals_differ_from_each_other_and_use_their_range(signals):
    found = signals(1000, 10, 20, np.random.default_rng(0))
    assert len(np.unique(found.round(12), axis=1).T) == (
        2 if signals is alternating_controls else 20
    )
    assert found.min() < -0.7 and found.max() > 0.7
    assert np.abs(found.mean(axis=0)).max() < 0.25


def test_waves_are_smooth_and_have_periods_of_some_holds():
    found = wave_controls(4000, 10, 30, np.random.default_rng(0))
    assert np.abs(np.diff(found, axis=0)).max() < 2 * np.pi / 20  # the steepest sine
    power = np.square(np.abs(np.fft.rfft(found, axis=0)))
    periods = 4000 / np.arange(1, 2001)
    inside = (periods > 15) & (periods < 100)
    assert power[1:][inside].sum() > 0.99 * power[1:].sum()
