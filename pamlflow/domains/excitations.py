"""Excitations in files: one that all tasks share, or those of several runs or tasks one after another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pamlflow.domains.base import Excitation


def excitations_to_datasets(drawn: Sequence[Excitation]) -> dict[str, Any]:
    """Return the datasets `excitation/...` of a single excitation, `excitations/...` of several, or none."""
    if not drawn:
        return {}
    if len(drawn) == 1:
        return {
            "excitation/controls": drawn[0].controls,
            "excitation/initial_state": drawn[0].initial_state,
        }
    return {
        "excitations/controls": np.concatenate([each.controls for each in drawn]),
        "excitations/steps": np.array([len(each.controls) for each in drawn]),
        "excitations/initial_states": np.stack([each.initial_state for each in drawn]),
    }


def excitations_from_datasets(datasets: Mapping[str, Any]) -> list[Excitation]:
    """Return the excitations in datasets that `excitations_to_datasets` made; others are ignored."""
    if not {"excitation/controls", "excitations/controls"} & datasets.keys():
        return []
    if "excitation/controls" in datasets:
        return [Excitation(datasets["excitation/controls"], datasets["excitation/initial_state"])]
    ends = np.cumsum(datasets["excitations/steps"])[:-1]
    controls = np.split(datasets["excitations/controls"], ends)
    return [
        Excitation(*pair)
        for pair in zip(controls, datasets["excitations/initial_states"], strict=True)
    ]
