"""Files of released schema versions are read, and their models say what they said when they were written."""

from pathlib import Path

import numpy as np
import pytest

from pamlflow.models.interface import TaskArrays
from pamlflow.pool import Pool
from pamlflow.rounds import read_round
from pamlflow.stages.simulate import (
    draw_design,
    draw_pool,
    simulate_initial_tasks,
    simulate_test_tasks,
)
from pamlflow.storage import store
from pamlflow.tasks import TaskSet

ARCHIVE = Path(__file__).parents[1] / "archive"
V1 = ARCHIVE / "v1"
# What other processors round differently, a search for h* makes larger.
CLOSE = {"rtol": 1e-4, "atol": 1e-6}


@pytest.fixture(scope="module")
def expected():
    with np.load(V1 / "expected.npz") as arrays:
        return dict(arrays)


SCORES = V1 / "metrics.h5"  # of a version that is made again from the rounds


@pytest.mark.parametrize(
    "path", sorted({*ARCHIVE.glob("*/*.h5")} - {SCORES}), ids=lambda path: path.stem
)
def test_a_file_of_an_earlier_version_is_read(path):
    assert store.read(path).schema_version >= 1


def test_scores_of_an_earlier_version_are_made_again_by_a_command_that_is_named():
    with pytest.raises(store.StoreError, match=r"version 2 .*, found 1; .*--forcerun evaluate_tri"):
        store.read(SCORES)


def test_every_kind_of_file_is_in_the_archive():
    schemas = {store.read(path).schema for path in {*V1.glob("*.h5")} - {SCORES}}
    assert schemas == {
        "test_tasks",
        "initial_tasks",
        "design",
        "pool",
        "round",
        "summary",
    }


@pytest.mark.parametrize(
    ("name", "known", "objective"),
    [
        ("descriptors", {"descriptors"}, "predictive"),
        ("transitions", {"data"}, "predictive"),
        ("elbo", {"data"}, "elbo"),
    ],
)
def test_an_old_model_of_vectors_predicts_what_it_did(expected, name, known, objective):
    test = TaskSet.from_datasets(store.read(V1 / "test_tasks.h5").datasets)
    inputs, outputs, mask = test.padded()
    given = {
        "descriptors": test.descriptors,
        "data": TaskArrays(inputs[:, :5], outputs[:, :5], mask[:, :5]),
    }
    model = read_round(V1 / "round_vectors.h5").model
    latent = model.infer(**{key: given[key] for key in known}, objective=objective)
    mean, variance = model.predict(inputs[:, 5:8], latent, objective)
    # The old search by the ELBO ended a little earlier, for its ELBO scattered.
    near = {"rtol": 3e-3, "atol": 3e-4} if objective == "elbo" else CLOSE
    np.testing.assert_allclose(latent.mean, expected[f"vectors_{name}_latent"], **near)
    np.testing.assert_allclose(mean, expected[f"vectors_{name}_mean"], **near)
    # Variances are right to first order in that of h.
    np.testing.assert_allclose(variance, expected[f"vectors_{name}_variance"], rtol=1e-2, atol=1e-6)


def test_an_old_model_of_pictures_sees_what_it_did(expected):
    pool = Pool.from_datasets(store.read(V1 / "pool.h5", "pool").datasets)
    model = read_round(V1 / "round_pictures.h5").model
    latent = model.infer(descriptors=pool.descriptors)
    decoded = model.predict_descriptors(latent.mean)[:, ::4, ::4]
    np.testing.assert_allclose(latent.mean, expected["pictures_latent"], **CLOSE)
    np.testing.assert_allclose(decoded, expected["pictures_decoded"], rtol=1e-3, atol=1e-4)


REDRAWN = {
    "design": lambda config, **to: draw_design(block=config.pop("block"), experiment=config, **to),
    "test_tasks": lambda config, **to: simulate_test_tasks(
        test_grid=config.pop("test_grid"), experiment=config, **to
    ),
    "pool": lambda config, **to: draw_pool(candidates=config.pop("pool"), experiment=config, **to),
    "initial_tasks": lambda config, **to: simulate_initial_tasks(
        initial_tasks=config.pop("initial_tasks"), experiment=config, pool=V1 / "pool.h5", **to
    ),
}
SIMULATED = ("tasks/inputs", "tasks/outputs", "tasks/descriptors", "pool/descriptors")


@pytest.mark.parametrize("name", REDRAWN)
def test_the_same_seed_draws_what_it_did(name, tmp_path):
    old, output = store.read(V1 / f"{name}.h5"), tmp_path / f"{name}.h5"
    REDRAWN[name](dict(old.config), seed=old.seed, output=output)
    new = store.read(output)
    assert new.config == old.config and new.datasets.keys() == old.datasets.keys()
    for path, values in old.datasets.items():
        if path in SIMULATED:  # other processors round differently
            np.testing.assert_allclose(new.datasets[path], values, rtol=1e-6, atol=1e-9)
        else:
            np.testing.assert_array_equal(new.datasets[path], values, err_msg=path)
