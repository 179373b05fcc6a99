import pytest
from running import SMOKE, run


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """The folder of a finished run of smoke.yaml, to be looked at and copied, never changed."""
    folder = tmp_path_factory.mktemp("smoke")
    (folder / "output.txt").write_text(run(folder, "--configfile", SMOKE))
    return folder
