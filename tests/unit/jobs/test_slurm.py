import pytest

from pamlflow.jobs.slurm import SlurmError, cancel, jobs

RUN = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@pytest.fixture
def commands(tmp_path_factory, monkeypatch):
    """The folder of `squeue`, which prints the file `queue`, and `scancel`, which strikes lines out."""
    made = tmp_path_factory.mktemp("commands")
    scripts = {
        "squeue": f"cat {made}/queue",
        "scancel": f'for job; do sed -i "/^$job|/d" {made}/queue; done',
    }
    for name, body in scripts.items():
        (made / name).write_text(f"#!/bin/sh\n{body}\n")
        (made / name).chmod(0o755)
    (made / "queue").write_text("")
    monkeypatch.setenv("PATH", str(made), prepend=":")
    return made


def queue(commands, *rows):
    (commands / "queue").write_text("".join(f"{'|'.join(map(str, row))}\n" for row in rows))


def test_jobs_of_the_folder_are_known_by_the_name_snakemake_gives_them(commands, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    rows = [(1, RUN, tmp_path), (2, f"pamlflow_{RUN}", tmp_path), (3, RUN, elsewhere)]
    queue(commands, *rows, (4, "snakemake", tmp_path), (5, f"my job|{RUN}", tmp_path))
    assert jobs(tmp_path) == ["1", "2"]


def test_a_folder_is_found_by_any_name(commands, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "study")
    queue(commands, (1, RUN, link))
    assert jobs(tmp_path / "study") == ["1"]


def test_cancelled_jobs_are_gone_and_others_stay(commands, tmp_path):
    queue(commands, (1, RUN, tmp_path), (2, RUN, tmp_path), (3, "mine", tmp_path))
    assert cancel(tmp_path) == ["1", "2"]
    assert (commands / "queue").read_text() == f"3|mine|{tmp_path}\n"
    assert cancel(tmp_path) == []


def test_a_job_that_stays_is_named(commands, tmp_path, monkeypatch):
    (commands / "scancel").write_text("#!/bin/sh\n")
    monkeypatch.setattr("pamlflow.jobs.slurm.PATIENCE", 0.0)
    queue(commands, (17, RUN, tmp_path))
    with pytest.raises(SlurmError, match="still holds 17"):
        cancel(tmp_path)


def test_a_slurm_that_does_not_answer_is_an_error_where_it_was_used(
    commands, tmp_path, monkeypatch
):
    (commands / "squeue").write_text("#!/bin/sh\necho unable to contact controller >&2; exit 1\n")
    assert jobs(tmp_path) == []  # its jobs cannot be there
    (tmp_path / ".snakemake" / "slurm_logs").mkdir(parents=True)
    with pytest.raises(SlurmError, match="`squeue` failed: unable to contact controller; jobs of"):
        jobs(tmp_path)
    (commands / "squeue").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("pamlflow.jobs.slurm.ANSWER", 0.1)
    with pytest.raises(SlurmError, match="`squeue` gave no answer"):
        jobs(tmp_path)


def test_without_slurm_there_are_no_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert jobs(tmp_path) == cancel(tmp_path) == []
