"""How controls are drawn, by policies of the library and of one's own."""

import sys

import numpy as np
import pytest

from pamlflow.domains.policies import POLICIES, Policy, draw_signals
from pamlflow.plugins import PartError


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of one's own."""
    monkeypatch.syspath_prepend(tmp_path)
    text = "def ramp(steps, controls, rng):\n    return np.tile(np.linspace(-1, 1, steps)[:, None], controls)"
    wide = "def wide(steps, controls, rng):\n    return np.full((steps, controls), 1.5)"
    (tmp_path / "own_policy.py").write_text(f"import numpy as np\n{text}\n{wide}\n")
    yield "own_policy"
    sys.modules.pop("own_policy", None)


@pytest.mark.parametrize("kind", POLICIES)
def test_a_share_of_the_range_is_used_with_noise_within_it(kind):
    policy = Policy(kind=kind, share=0.5, noise=0.3)
    found = draw_signals(policy, 300, 3, np.random.default_rng(0))
    assert found.shape == (300, 3) and 0.4 < np.abs(found).max() <= 0.5
    assert (
        np.abs(np.diff(found, axis=0)).min(axis=1).mean() > 0.01
    )  # each step has noise of its own


def test_a_policy_of_ones_own_is_called_for_a_run(own):
    found = draw_signals(Policy(kind=f"{own}:ramp"), 5, 2, np.random.default_rng(0))
    np.testing.assert_allclose(found, np.tile([[-1], [-0.5], [0], [0.5], [1]], 2))


def test_what_is_no_signal_is_refused(own):
    with pytest.raises(
        ValueError, match=r"own_policy:wide': expected numbers from -1 to 1 of shape"
    ):
        draw_signals(Policy(kind=f"{own}:wide"), 5, 2, np.random.default_rng(0))
    with pytest.raises(PartError, match="unknown policy 'wavs': did you mean 'waves'"):
        draw_signals(Policy(kind="wavs"), 5, 2, np.random.default_rng(0))
