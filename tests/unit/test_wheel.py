"""The package without its source tree, as `pip install .` leaves it."""

import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from pamlflow.versions import __version__

ROOT = Path(__file__).parents[2]
SOURCES = ("pamlflow", "snakemake_logger_plugin_pamlflow", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what a wheel holds, and nothing of the clone beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    clone = folder / "clone"  # a build writes into its sources
    clone.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, clone / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, clone / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "-w", str(folder)]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "."]
    built = subprocess.run([*command, *options], cwd=clone, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    shutil.rmtree(clone)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


@pytest.fixture
def python(installed, tmp_path):
    """Run Python in an empty folder, the installed package before all others."""

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(installed)}
        command = [sys.executable, "-W", "ignore", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


def test_a_wheel_holds_the_package_and_nothing_else(installed):
    assert {path.name for path in installed.iterdir()} == {
        "pamlflow",
        "snakemake_logger_plugin_pamlflow",
        f"pamlflow-{__version__}.dist-info",
    }
    known = {path.relative_to(ROOT) for path in (ROOT / "pamlflow").rglob("*.py")}
    held = {path.relative_to(installed) for path in (installed / "pamlflow").rglob("*.py")}
    assert held == known


def test_an_installed_package_validates_configurations(python, installed):
    config = (ROOT / "config" / "quickstart.yaml").read_text(encoding="utf-8")
    code = """
        import sys, yaml
        import pamlflow
        from pamlflow.configuration.validation import ConfigurationError, validated
        print(pamlflow.__file__)
        config = yaml.safe_load(sys.argv[1])
        print(validated(config)["run"]["trials"])
        try:
            validated(config | {"tranining": {}})
        except ConfigurationError as error:
            print(str(error).splitlines()[-1].strip())
    """
    done = python("-c", textwrap.dedent(code), config)
    assert done.returncode == 0, done.stderr
    file, trials, problem = done.stdout.splitlines()
    assert Path(file).parent == installed / "pamlflow" and int(trials) > 0
    assert problem.startswith("tranining: unknown key; did you mean 'training'?")


def test_the_command_of_an_installed_package_works(python, tmp_path):
    command = ("-c", "import sys; from pamlflow.cli import main; sys.exit(main())")
    assert python(*command, "--version").stdout == f"pamlflow {__version__}\n"
    (tmp_path / "round_00.h5").write_bytes(b"no such file")
    checked = python(*command, "check", "round_00.h5")
    assert checked.returncode == 1 and checked.stdout.startswith("FAIL round_00.h5: ")
    shutil.copy(ROOT / "tests" / "archive" / "v1" / "summary.h5", tmp_path / "summary.h5")
    checked = python(*command, "check", "summary.h5")
    assert (checked.returncode, checked.stderr) == (0, "") and "ok   summary.h5" in checked.stdout
