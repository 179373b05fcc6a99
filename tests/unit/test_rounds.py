"""Where a long fit keeps its state."""

import pytest

from pamlflow.rounds import checkpoint_folder

CONFIG = {"training": {"bound": "stochastic"}}


@pytest.fixture
def parents(tmp_path):
    paths = [tmp_path / "round_00.h5", tmp_path / "initial_tasks.h5"]
    for path in paths:
        path.write_text(path.name)
    return paths


def test_checkpoints_of_another_fit_are_not_gone_on_from(parents, tmp_path):
    output = tmp_path / "round_01.h5"
    first = checkpoint_folder(output, 1, CONFIG, parents[:1])
    assert first == checkpoint_folder(output, 1, CONFIG, parents[:1])
    first.mkdir()
    of_another_round = tmp_path / ".round_02.checkpoints.0f"
    of_another_round.mkdir()
    changed = [
        checkpoint_folder(output, 2, CONFIG, parents[:1]),
        checkpoint_folder(output, 1, {"training": {"bound": "collapsed"}}, parents[:1]),
        checkpoint_folder(output, 1, CONFIG, parents[1:]),
    ]
    assert len({first, *changed}) == 4
    assert not first.exists() and of_another_round.exists()
