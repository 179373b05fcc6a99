"""A built-in part is one file and one line of a registry (and its import): all else knows it from there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"

STRATEGY = """
from pamlflow.acquisition import STRATEGIES
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.readme import markdown
from pamlflow.configuration.validation import validated
from pamlflow.plotting import style

assert "farthest" in STRATEGIES
section = {"strategies": {"farthest": {"options": {"num_candidates": 20}}}}
study = {"seed": 1, "run": {"experiments": ["mine"], "strategies": ["farthest"], "trials": 1}}
study["experiments"] = {"mine": {
    "domain": "cart_pole", "space": {"pole_mass": [1, 2], "pole_length": [1, 2]}, "test_grid": [2, 2]
}}
filled = validated(study | section)
assert filled["strategies"]["farthest"]["options"] == {"num_candidates": 20}
require_parts(filled)
try:
    validated(study | {"strategies": {"farthest": {"options": {"num_candidate": 20}}}})
except ValueError as error:
    assert "num_candidate: unknown key" in str(error), error
else:
    raise AssertionError("an unknown option was accepted")
assert "| `farthest` | nothing | `num_candidates`" in markdown()
assert style.strategy_name("farthest") == "Farthest"
"""

MODEL = """
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.readme import markdown
from pamlflow.configuration.validation import validated
from pamlflow.models import KINDS, kind_of
from pamlflow.storage.schemas import schema_of

assert "ridge" in KINDS and '"ridge"' in markdown()
study = {"seed": 1, "run": {"experiments": ["mine"], "strategies": ["uniform"], "trials": 1}}
study["experiments"] = {"mine": {
    "domain": "cart_pole", "space": {"pole_mass": [1, 2], "pole_length": [1, 2]}, "test_grid": [2, 2]
}}
section = {"model": {"kind": "ridge", "penalty": 0.5}}
filled = validated(study | section)
require_parts(filled)
assert kind_of(filled["model"]).name == "ridge" and filled["model"]["penalty"] == 0.5
assert schema_of("round", filled).row("ridge/slopes") is not None
for wrong, said in (
    ({"model": {"kind": "ridge", "penalties": 0.5}}, "penalties: unknown key"),
    (section | {"run": study["run"] | {"strategies": ["paml"]}}, "latent"),
):
    try:
        require_parts(validated(study | wrong))
    except ValueError as error:
        assert said in str(error), error
    else:
        raise AssertionError(f"accepted: {wrong}")
"""

DOMAIN = """
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.readme import markdown
from pamlflow.configuration.validation import validated
from pamlflow.domains import make_domain

assert '"spring"' in markdown()
study = {"seed": 1, "run": {"experiments": ["mine"], "strategies": ["uniform"], "trials": 1}}
space = {"mass": [1, 2], "stiffness": [1, 2]}
experiment = {"domain": "spring", "space": space, "test_grid": [2, 2]}
filled = validated(study | {"experiments": {"mine": experiment}})
require_parts(filled)
assert make_domain("spring").parameter_variables[0].name == "mass"
try:
    experiment = experiment | {"space": {"mass": [1, 2], "stiffnes": [1, 2]}}
    require_parts(validated(study | {"experiments": {"mine": experiment}}))
except ValueError as error:
    assert "stiffnes" in str(error), error
else:
    raise AssertionError("an unknown parameter was accepted")
"""


def with_part(folder, example, registry, changes):
    """A copy of the package in which an example is built in: its file, and its line in the registry."""
    shutil.copytree(ROOT / "pamlflow", folder / "pamlflow")
    schemas = Path("workflow") / "schemas"
    if (ROOT / schemas / "config.schema.yaml").exists():  # it is beside the package, or in it
        shutil.copytree(ROOT / schemas, folder / schemas)
    package = folder / "pamlflow" / registry
    shutil.copy(EXAMPLES / f"{example}.py", package)
    text = (package / "__init__.py").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    (package / "__init__.py").write_text(text, encoding="utf-8")


def said(folder, code):
    """What a fresh process with the copy says against the code."""
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    command = [sys.executable, "-c", code]
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return run.stderr if run.returncode else ""


CASES = {
    "farthest": (
        "acquisition",
        {
            "UNIFORM, LATIN_HYPERCUBE)": "UNIFORM, LATIN_HYPERCUBE, FARTHEST)",
            "import log_repeat\n": "import log_repeat\nfrom pamlflow.acquisition.farthest import FARTHEST\n",
        },
        STRATEGY,
    ),
    "ridge": (
        "models",
        {
            "(LATENT_GP,)": "(LATENT_GP, RIDGE)",
            "import LATENT_GP\n": "import LATENT_GP\nfrom pamlflow.models.ridge import RIDGE\n",
        },
        MODEL,
    ),
    "spring": (
        "domains",
        {
            '    "pendubot":': '    "spring": "pamlflow.domains.spring:Spring",\n    "pendubot":',
        },
        DOMAIN,
    ),
}


@pytest.mark.parametrize("example", CASES)
def test_a_built_in_part_is_one_file_and_one_line(tmp_path, example):
    registry, changes, code = CASES[example]
    with_part(tmp_path, example, registry, changes)
    assert said(tmp_path, code) == ""
