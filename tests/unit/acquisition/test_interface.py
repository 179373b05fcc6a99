"""What a strategy may return."""

import numpy as np
import pytest

from pamlflow.acquisition import Selection
from pamlflow.models.interface import LatentPosterior

LATENT = LatentPosterior(np.zeros((3, 2)), np.ones((3, 2)))
CANDIDATES = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.bool_])
def test_numbers_of_any_kind_become_those_of_a_round_file(kind):
    latent = LatentPosterior(LATENT.mean.astype(kind), LATENT.variance.astype(kind))
    selection = Selection(CANDIDATES.astype(np.float32), latent, np.array([0, 1, 0], kind), 1)
    assert selection.candidates.dtype == selection.utilities.dtype == np.float64
    assert selection.latent.mean.dtype == selection.latent.variance.dtype == np.float64
    np.testing.assert_array_equal(selection.utilities, [0.0, 1.0, 0.0])


def test_a_selection_is_a_copy_of_what_a_strategy_may_use_again():
    given = CANDIDATES.copy(), LatentPosterior(LATENT.mean.copy(), LATENT.variance.copy())
    utilities = np.zeros(3)
    selection = Selection(given[0], given[1], utilities, 1)
    for buffer in (given[0], given[1].mean, given[1].variance, utilities):
        buffer += 7.0
    np.testing.assert_array_equal(selection.candidates, CANDIDATES)
    np.testing.assert_array_equal(selection.latent.mean, LATENT.mean)
    np.testing.assert_array_equal(selection.latent.variance, LATENT.variance)
    assert not selection.utilities.any()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"utilities": np.zeros(2)}, r"utilities: expected one number for each of 3 .* \(2,\)"),
        ({"utilities": np.zeros((3, 1))}, r"utilities: expected one number .* \(3, 1\)"),
        (
            {"utilities": np.array([0.0, -np.inf, 1.0])},
            "utilities: not finite for candidate 1; lea",
        ),
        (
            {"candidates": np.where(CANDIDATES == 4.0, np.nan, CANDIDATES)},
            "not finite for cand.* 2",
        ),
        (
            {"latent": LatentPosterior(*(part[:2] for part in LATENT[:2]))},
            r"latent: .*, found \(2, 2\) a",
        ),
        ({"latent": LatentPosterior(LATENT.mean, np.ones(3))}, r"found \(3, 2\) and \(3,\)"),
        (
            {"latent": LatentPosterior(LATENT.mean, np.diag([1.0, np.nan, 1.0])[:, :2])},
            "latent.variance: not finite for candidate 1",
        ),
        ({"chosen": 3}, "chosen: expected the number of one of 3 candidates, found 3"),
        ({"chosen": 1.0}, r"chosen: expected the number of one of 3 candidates, found 1\.0"),
        ({"chosen": None}, "chosen: expected the number of one of 3 candidates, found None"),
        ({"candidates": CANDIDATES[:, 0]}, r"candidates: expected \[C, R\], .* shape \(3,\)"),
        ({"candidates": CANDIDATES + 0j}, "candidates: .* found complex numbers"),
        ({"utilities": np.ma.masked_equal([0.0, 1.0, 2.0], 2.0)}, "utilities: .* masked values"),
        ({"chosen": -1}, "chosen: expected the number of one of 3 candidates, found -1"),
        ({"candidates": CANDIDATES[:0], "utilities": np.zeros(0)}, "one of 0 candidates, found"),
    ],
)
def test_what_no_round_file_could_keep_is_refused(changed, message):
    given = {"candidates": CANDIDATES, "latent": LATENT, "utilities": np.zeros(3), "chosen": 0}
    with pytest.raises(ValueError, match=message):
        Selection(**given | changed)
