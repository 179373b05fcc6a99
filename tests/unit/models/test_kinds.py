"""A kind of model of a user, without a latent variable: settings, files and the way through the stages."""

import copy
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import ConfigurationError, validated
from pamlflow.models import KINDS, kind_of, trainer_of
from pamlflow.rounds import read_round
from pamlflow.stages.acquire import acquire_round, train_initial_round
from pamlflow.stages.evaluate import evaluate_trial
from pamlflow.stages.illustrate import plot_latent_space
from pamlflow.stages.simulate import draw_design, simulate_initial_tasks, simulate_test_tasks
from pamlflow.storage import store
from pamlflow.study import Study

NAME = "ridge_model:RIDGE"
CONFIG = yaml.safe_load((Path(__file__).parents[3] / "config" / "config.yaml").read_text())
WORLD = {
    "domain": "cart_pole",
    "simulation": {"steps": 30, "time_step": 0.05, "substeps": 5, "initial_noise": 0.05},
    "space": {"pole_mass": [0.5, 5.0], "pole_length": [0.5, 2.0]},
}
FIT = {"model": {"kind": NAME, "penalty": 0.1}, "training": {}}


@pytest.fixture
def config():
    """The study with ridge regression, and what applies to it: vectors, and no choice by a latent variable."""
    changed = copy.deepcopy(CONFIG)
    changed["model"] |= {"kind": NAME, "penalty": 0.1}  # as an overlay does: what is there stays
    del changed["experiments"]["cart_pole_pixels"]["latent_dimensions"]
    changed["run"].update(experiments=["cart_pole"], strategies=["uniform", "latin_hypercube"])
    return changed


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """The folder of a trial of one acquisition, by ridge regression."""
    folder = tmp_path_factory.mktemp("trial_00")
    tasks, design, first, second = (
        folder / f"{name}.h5" for name in ("initial_tasks", "design", "round_00", "round_01")
    )
    simulate_initial_tasks(experiment=WORLD, initial_tasks=3, seed=1, output=tasks)
    draw_design(experiment=WORLD, block=4, seed=2, output=design)
    train_initial_round(tasks=tasks, **FIT, seed=3, output=first)
    acquire_round(
        previous=first,
        initial_tasks=tasks,
        design=design,
        strategy="uniform",
        options={},
        experiment=WORLD,
        **FIT,
        seed=4,
        output=second,
    )
    return folder


def test_a_round_file_has_the_rows_of_its_kind(trial):
    number, tasks, model, record = read_round(trial / "round_01.h5")
    assert number == 1 and tasks.num_tasks == 4 and model.latent is None
    groups = {path.split("/")[0] for path in record.datasets}
    assert groups == {"tasks", "round", "training", "selection", "ridge"}
    chosen = {path for path in record.datasets if path.startswith("selection/")}
    assert chosen == {f"selection/{name}" for name in ("candidates", "utilities", "chosen")}
    assert record.config["model"] == FIT["model"]


def test_rows_of_another_kind_are_refused(trial, tmp_path):
    record = store.read(trial / "round_01.h5")
    datasets = record.datasets | {"latent/mean": np.zeros((4, 1))}
    with pytest.raises(store.StoreError, match="'latent/mean': expected no such dataset"):
        store.write(tmp_path / "round_01.h5", "round", datasets, seed=0, config=record.config)
    datasets = {k: v for k, v in record.datasets.items() if k != "ridge/noise"}
    with pytest.raises(store.StoreError, match="'ridge/noise': expected float64"):
        store.write(tmp_path / "round_01.h5", "round", datasets, seed=0, config=record.config)


def test_a_file_of_a_kind_that_is_not_here_says_which(trial, tmp_path):
    record = store.read(trial / "round_01.h5")
    path, config = tmp_path / "round_01.h5", {"model": {"kind": NAME}}
    store.write(path, "round", record.datasets, seed=0, config=config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "ridge_model", None)
        with pytest.raises(
            store.StoreError, match="cannot load the kind of model 'ridge_model:RID"
        ):
            store.read(path)


def test_every_round_is_scored(trial):
    simulate_test_tasks(experiment=WORLD, test_grid=[2, 2], seed=5, output=trial / "test_tasks.h5")
    evaluate_trial(
        rounds=[trial / "round_00.h5", trial / "round_01.h5"],
        test_tasks=trial / "test_tasks.h5",
        inference={"protocols": ["paper", "few_shot_0", "few_shot_5", "prior"]},
        seed=6,
        output=trial / "metrics.h5",
    )
    scores = store.read(trial / "metrics.h5", "metrics").datasets
    assert scores["nll"].shape == (2, 4, 4) and np.all(np.isfinite(scores["nll"]))


def test_a_latent_space_that_there_is_not_cannot_be_drawn(trial, tmp_path):
    with pytest.raises(ValueError, match="the model has no latent variable"):
        plot_latent_space(
            last_round=trial / "round_01.h5",
            experiment="cart_pole",
            strategy="uniform",
            svg=tmp_path / "a.svg",
            png=tmp_path / "a.png",
        )


def test_a_study_is_checked_by_the_kind_and_says_all_of_its_settings(config):
    checked = validated(config)
    require_parts(checked)
    study = Study(checked)
    assert study.model("cart_pole") == {"kind": NAME, "penalty": 0.1}
    assert study.training() == study.first_training == {"sweeps": 1}
    products = " ".join(study.products("cart_pole"))
    assert "choices" in products and "latent_space" not in products


def test_the_default_kind_is_not_said():
    for section in ({}, {"kind": "latent_gp"}):
        study = Study(validated(CONFIG | {"model": {**CONFIG.get("model", {}), **section}}))
        assert "kind" not in study.model("cart_pole")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model.penalty", -1, "model.penalty: expected a number from 1e-09 to 1e+09, found -1"),
        ("model.penalti", 9, "model.penalti: unknown key; did you mean 'penalty'? (known here: penalty)"),
        ("training.swirls", 2, "training.swirls: unknown key"),
        ("model.kind", "no_such:Kind", "model.kind: cannot load the kind of model 'no_such:Kind'"),
        ("model.kind", "json:loads", "model.kind: the kind of model 'json:loads': expected a ModelK"),
        ("model.kind", "latent", "model.kind: expected \"latent_gp\" or \"package.module:Name\""),
        ("run.strategies", ["paml"], "run.strategies: paml needs a latent variable, and a model"),
        ("run.experiments", ["cart_pole_pixels"], "pictures: a model of the kind ridge takes no"),
        ("experiments.cart_pole.latent_dimensions", 2, "latent_dimensions: a setting of the model"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused_before_any_job(config, path, value, message):
    *sections, key = path.split(".")
    section = config
    for name in sections:
        section = section[name]
    section[key] = value
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        require_parts(validated(config))


def test_a_kind_says_whether_it_has_a_latent_variable():
    assert KINDS["latent_gp"].latent and not kind_of({"kind": NAME}).latent
    assert trainer_of(*FIT.values()).settings.penalty == 0.1
