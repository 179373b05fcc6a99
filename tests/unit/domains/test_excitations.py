"""Excitations in files."""

import numpy as np
import pytest

from pamlflow.domains.base import Excitation
from pamlflow.domains.excitations import excitations_from_datasets, excitations_to_datasets


def drawn(*steps):
    rng = np.random.default_rng(0)
    return [Excitation(rng.normal(size=(each, 2)), rng.normal(size=3)) for each in steps]


@pytest.mark.parametrize("steps", [[4], [4, 4], [3, 1, 5]])
def test_excitations_of_any_number_and_length_are_read_again(steps):
    datasets = excitations_to_datasets(drawn(*steps)) | {"tasks/lengths": np.zeros(1)}
    found = excitations_from_datasets(datasets)
    for ours, theirs in zip(found, drawn(*steps), strict=True):
        np.testing.assert_array_equal(ours.controls, theirs.controls)
        np.testing.assert_array_equal(ours.initial_state, theirs.initial_state)


def test_a_single_excitation_is_stored_without_an_axis_for_others():
    (only,) = drawn(4)
    datasets = excitations_to_datasets([only])
    assert datasets.keys() == {"excitation/controls", "excitation/initial_state"}
    assert datasets["excitation/controls"] is only.controls
