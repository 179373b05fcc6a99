import os
import subprocess

import pytest

from pamlflow.storage import remedies


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


ROUND = "paml/trial_00/round_01.h5"


def test_commands_can_be_pasted_in_the_folder_of_the_study(folder):
    (folder / "Snakefile").touch()
    paths = [folder / "results/my study" / ROUND, folder / "results/other/summary.h5"]
    names = f"'results/my study/{ROUND}' results/other/summary.h5"
    remedy = remedies.rebuild(*paths, what="them all")
    assert remedy.startswith(f"rebuild them all with `snakemake --cores all --forcerun {names}` ")
    assert remedies.remove(paths[0]) == f"remove it with `rm 'results/my study/{ROUND}'`"
    make = "make it with `snakemake --cores all results/other/summary.h5` "
    assert remedies.make(paths[1]).startswith(make)
    assert "all --forcerun acquire_round` " in remedies.rebuild_all(paths[0], ["acquire_round"])


@pytest.mark.parametrize("name", ["Snakefile", "workflow/Snakefile"])
def test_commands_can_be_pasted_elsewhere(folder, monkeypatch, name):
    """Snakemake takes targets from the folder of the study, and the workflow from where one is."""
    study = folder.parent / "my study"
    path = study / "results/cart_pole" / ROUND
    elsewhere = f"--directory '{study}'` "
    command = f"`snakemake --cores all --forcerun results/cart_pole/{ROUND} "
    assert f"{command}--snakefile {remedies.SNAKEFILE} {elsewhere}" in remedies.rebuild(path)
    assert remedies.SNAKEFILE.is_file()
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    assert command + elsewhere in remedies.rebuild(path)
    below = folder / "mine/results/cart_pole" / ROUND
    assert f"{command}--directory mine` " in remedies.rebuild(below)


def test_files_of_several_studies_have_a_command_each(folder):
    (folder / "Snakefile").touch()
    paths = [folder / name / "results/x/summary.csv" for name in ("one", "two")]
    command = "`snakemake --cores all --forcerun results/x/summary.csv --directory"
    one, two = f"{command} one`", f"{command} two`"
    assert f"rebuild them with {one} and {two} (" in remedies.rebuild(*paths, what="them")


def test_what_no_stage_writes_cannot_be_made(folder):
    path = folder / "copy.h5"
    assert "snakemake" not in remedies.rebuild(path) + remedies.make(path)
    assert "restore it from a copy" in remedies.rebuild(path)
    assert remedies.make(path).endswith(f"see `ls {folder}`")


@pytest.mark.parametrize("name", [b"a\nb", b"\xff.h5", b"it's\t", b"back\\\n"])
def test_any_name_can_be_pasted(folder, name):
    (folder / os.fsdecode(name)).touch()
    command = remedies.remove(folder / os.fsdecode(name)).split("`")[1]
    assert command.isprintable()
    subprocess.run(["bash", "-c", command], check=True)
    assert list(folder.iterdir()) == []


def test_what_may_be_a_recording_is_not_removed(folder):
    said = remedies.recover(folder / "my robot" / ".task_03.npz.0.tmp")
    assert "rm " not in said and said.endswith("keep the file until 'my robot' has it")


def test_only_rounds_of_a_learner_are_removed_to_be_made_again(folder):
    (folder / remedies.LEARNER).touch()
    assert remedies.rebuild(folder / "round_03.h5").startswith("remove it with `rm round_03.h5`")
    assert "rm " not in remedies.rebuild(folder / "task_03.h5")
