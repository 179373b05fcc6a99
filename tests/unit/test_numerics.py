"""What is computed is the same whatever a user has made of NumPy's and SciPy's error state."""

import numpy as np
import pytest
from scipy import special

from pamlflow.numerics import NUMPY, SCIPY, default_error_state


@pytest.fixture
def strict():
    """Every floating-point event is an error."""
    with np.errstate(all="raise"), special.errstate(all="raise"):
        yield np.geterr(), special.geterr()


def test_the_defaults_are_those_of_numpy_and_scipy():
    assert np.geterr() == NUMPY
    assert special.geterr() == {**special.geterr(), "memory": "raise", "underflow": "ignore"}
    with default_error_state():
        assert np.geterr() == NUMPY and special.geterr()["domain"] == SCIPY["all"]


def test_a_strict_state_is_not_relied_on_and_not_changed(strict):
    @default_error_state()
    def compute(again):
        with pytest.warns(RuntimeWarning, match="overflow"):
            return (np.exp(-1e4), np.exp(1e4), special.log1p(-2.0)) + (
                compute(again - 1) if again else ()
            )

    with pytest.raises(FloatingPointError):
        np.exp(np.array(-1e4))
    assert compute(2)[:2] == (0.0, np.inf)
    assert (np.geterr(), special.geterr()) == strict
    with pytest.raises(ZeroDivisionError), default_error_state():
        raise ZeroDivisionError
    assert (np.geterr(), special.geterr()) == strict
