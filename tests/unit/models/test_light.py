"""What uses a model, or trains one of vectors, loads no TensorFlow; importing models little more than NumPy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ARCHIVE = Path(__file__).parents[2] / "archive" / "v1"
HEAVY = ("tensorflow", "gpflow", "tf_keras", "tensorflow_probability")

USE = """
import contextlib, io, json, sys
from pathlib import Path

import numpy as np

archive, heavy, loaded = Path(sys.argv[1]), sys.argv[2].split(","), {}

def note(step):
    loaded[step] = [name for name in heavy if name in sys.modules]

from pamlflow.rounds import read_pool, read_round
from pamlflow.storage import store
from pamlflow.tasks import TaskSet

before = read_round(archive / "round_vectors.h5")
note("reading a round")

known = store.read(archive / "test_tasks.h5", "test_tasks").datasets
tasks = TaskSet.from_datasets(known)
from pamlflow.models.interface import TaskArrays
data = TaskArrays(*tasks.padded())
h = before.model.infer(data=data, descriptors=tasks.descriptors)
before.model.predict(data.inputs, h)
before.model.covariance(data.inputs[:2, :3], before.model.prior(2))
before.model.predict_descriptors(h.mean)
note("inferring and predicting")

from pamlflow.protocols import parse_protocol
from pamlflow.scoring import ShuffledTasks, evaluate
for name in ("paper", "few_shot_0", "few_shot_3_descriptor"):
    evaluate(before.model, ShuffledTasks(tasks, known["context/order"]), parse_protocol(name), "predictive")
note("scoring")

from pamlflow.acquisition import STRATEGIES, BoxOffer, Situation
from pamlflow.spaces import Box
low, high = before.tasks.descriptors.min(axis=0), before.tasks.descriptors.max(axis=0)
box = Box(before.tasks.descriptor_variables, low, high)
for name in ("paml", "uniform"):
    situation = Situation(1, before.model, BoxOffer(box), before.tasks, np.random.default_rng(0))
    STRATEGIES[name](situation, {})
note("choosing")

from pamlflow.models import KINDS
kind, rng = KINDS["latent_gp"], np.random.default_rng(0)
settings = kind.settings(inducing_points=8)
training = kind.training(first_iterations=2, next_iterations=2, starts=2)
options = {"unchosen": None, "checkpoints": None, "title": "fit"}
first, _ = kind.fit(tasks.subset([0, 1, 2]), settings, training, rng, previous=None, **options)
note("training on vectors")
kind.fit(tasks.subset([0, 1, 2, 3]), settings, training, rng, previous=first, **options)
note("training one more round")

from pamlflow.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    for command in ("show", "check"):
        with contextlib.suppress(SystemExit):
            main([command, str(archive / "round_vectors.h5")])
note("show and check")

pictures = read_round(archive / "round_pictures.h5").model
note("reading a round of pictures")
pictures.infer(descriptors=read_pool(archive / "pool.h5").descriptors[:1])
note("seeing a picture")
print(json.dumps(loaded))
"""


def run(*arguments):
    made = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.fixture(scope="module")
def loaded():
    """By each use of a model, which of the heavy packages are loaded after it."""
    steps: dict[str, list[str]] = json.loads(run("-c", USE, str(ARCHIVE), ",".join(HEAVY)))
    return steps


@pytest.mark.parametrize(
    "step",
    [
        "reading a round",
        "inferring and predicting",
        "scoring",
        "choosing",
        "training on vectors",
        "training one more round",
        "show and check",
        "reading a round of pictures",
    ],
)
def test_what_uses_a_model_does_without(loaded, step):
    assert loaded[step] == []


def test_pictures_are_the_exception(loaded):
    assert "tensorflow" in loaded["seeing a picture"]


def test_importing_models_loads_little():
    code = "import sys, pamlflow.models; print(*{name.partition('.')[0] for name in sys.modules})"
    heavy = {*HEAVY, "scipy", "matplotlib", "pandas", "h5py", "snakemake"}
    assert not heavy & set(run("-c", code).split())


def test_nothing_in_use_imports_what_trains():
    folder = Path(__file__).parents[3] / "pamlflow" / "models" / "latent_gp" / "use"
    modules = list(folder.glob("*.py"))
    assert len(modules) > 5
    assert not [path.name for path in modules if "latent_gp.fit" in path.read_text()]
