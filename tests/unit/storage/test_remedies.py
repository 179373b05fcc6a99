import pytest

from pamlflow.storage import remedies


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_can_be_pasted(folder):
    paths = [folder / "my results" / "round_01.h5", folder / "summary.h5"]
    command = "`snakemake --cores all --forcerun 'my results/round_01.h5' summary.h5`"
    assert remedies.rebuild(*paths, what="them all").startswith(f"rebuild them all with {command}")
    assert remedies.remove(paths[0]) == "remove it with `rm 'my results/round_01.h5'`"
    assert remedies.make(paths[1]).startswith("make it with `snakemake --cores all summary.h5`")


def test_rules_can_be_rebuilt_too():
    assert "--forcerun acquire_round`" in remedies.rebuild("acquire_round")


def test_what_may_be_a_recording_is_not_removed(folder):
    said = remedies.recover(folder / "my robot")
    assert "rm " not in said and said.endswith("keep the file until 'my robot' has it")


def test_only_rounds_of_a_learner_are_removed_to_be_made_again(folder):
    (folder / remedies.LEARNER).touch()
    assert remedies.rebuild(folder / "round_03.h5").startswith("remove it with `rm round_03.h5`")
    assert "rm " not in remedies.rebuild(folder / "task_03.h5")
