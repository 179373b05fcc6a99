"""A cluster for all tests, and a study that ran on it undisturbed."""

import shutil

import pytest
from cluster import Cluster, missing_packages
from study import RESULTS, finish, start


def pytest_sessionstart(session):
    """End at once, and say what to do, where SLURM is not installed."""
    if missing := " ".join(missing_packages()):
        install = f"apt-get install --no-install-recommends {missing}"
        pytest.exit(f"SLURM is not installed here; on Debian and Ubuntu: {install}", returncode=1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running cluster."""
    made = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def undisturbed(cluster, tmp_path_factory):
    """The folder of a study that nothing happened to, to be looked at and copied, never changed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(start(cluster, folder))
    return folder


@pytest.fixture
def folder(undisturbed, tmp_path):
    """A study whose round of PAML, and what follows from it, has yet to be made."""
    copy = shutil.copytree(undisturbed, tmp_path / "study")
    shutil.rmtree(copy / RESULTS / "paml")
    shutil.rmtree(copy / "logs" / "smoke" / "paml")
    (copy / RESULTS / "summary.csv").unlink()
    return copy
