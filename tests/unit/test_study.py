"""The files of a study, and what the job of each is given."""

import copy
from pathlib import Path

import pytest
import yaml

from pamlflow.configuration.validation import validated
from pamlflow.origins import origin
from pamlflow.seeding import job_seed
from pamlflow.study import Study

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
TABLES = {"summary.csv", "comparison.csv"}
FIGURES = {"learning_curves", "error_maps", "latent_space", "choices", "chosen_values"}
PICTURES = {"montage", "reconstructions"}


@pytest.fixture
def study():
    """The study of a configuration after changes of it: `run__trials=3`."""

    def make(**changes):
        config = copy.deepcopy(CONFIG)
        for path, value in changes.items():
            *sections, key = path.split("__")
            section = config
            for name in sections:
                section = section[name]
            section[key] = value
        return Study(validated(config))

    return make


def names(paths):
    """The names of products: tables in full, figures without their two suffixes."""
    files = {Path(path).name for path in paths}
    return {name.removesuffix(".svg").removesuffix(".png") for name in files}


def test_an_experiment_compares_its_own_strategies_or_those_of_the_study(study):
    made = study(run__strategies=["uniform", "oracle"])
    assert (
        made.strategies("cart_pole_pixels")
        == CONFIG["experiments"]["cart_pole_pixels"]["strategies"]
    )
    assert made.strategies("pendubot") == ["uniform", "oracle"]
    assert made.choosing("pendubot") == ["uniform"]


@pytest.mark.parametrize(
    ("strategies", "mapped"),
    [
        (["uniform", "paml", "oracle"], "uniform"),
        (["oracle", "paml"], "paml"),
        (["oracle"], None),
    ],
)
def test_the_latent_space_of_the_first_strategy_is_drawn(study, strategies, mapped):
    assert study(run__strategies=strategies).mapped("pendubot") == mapped


@pytest.mark.parametrize(
    ("strategies", "expected"),
    [
        (["oracle"], {"summary.csv", "learning_curves", "error_maps"}),
        (["paml", "oracle"], {"summary.csv"} | FIGURES),
        (["paml", "uniform"], TABLES | FIGURES | {"comparison"}),
    ],
)
def test_products_follow_from_the_strategies(study, strategies, expected):
    made = study(run__strategies=strategies)
    assert names(made.products("pendubot")) == expected
    assert all(path.startswith("results/pendubot/") for path in made.products("pendubot"))


def test_pictures_have_figures_of_their_own(study):
    own = PICTURES | {"rank_correlation", "rank_correlation.csv"}
    always = TABLES | FIGURES | {"comparison"} | own
    assert names(study().products("cart_pole_pixels")) == always | {"traversal"}
    changed = {"experiments__cart_pole_pixels__latent_dimensions": 3}
    assert names(study(**changed).products("cart_pole_pixels")) == always


def test_only_several_experiments_have_an_overview(study):
    assert len(study(inference__protocols=["paper", "prior"]).overviews()) == 4
    assert study(run__experiments=["pendubot"]).overviews() == []


def test_a_trial_has_a_pool_or_a_design(study):
    made = study()
    assert made.pool("cart_pole_pixels", "03") == "data/cart_pole_pixels/trial_03/pool.h5"
    assert made.pool("pendubot", "03") is None and made.design("cart_pole_pixels", "03") is None
    assert made.design("pendubot", "03") == "data/pendubot/trial_03/design.h5"


def test_rounds_start_from_one_that_all_strategies_share(study):
    made = study(experiments__pendubot__added_tasks=2)
    assert made.rounds_of("pendubot", "paml", "01") == [
        "results/pendubot/initial/trial_01/round_00.h5",
        "results/pendubot/paml/trial_01/round_01.h5",
        "results/pendubot/paml/trial_01/round_02.h5",
    ]
    oracle = ["results/pendubot/oracle/trial_01/round_00.h5"]
    assert made.rounds_of("pendubot", "oracle", "01") == oracle
    for number in (1, 2):
        previous = made.previous_round("pendubot", "paml", "01", f"{number:02d}")
        assert previous == made.rounds_of("pendubot", "paml", "01")[number - 1]
    last = made.last_rounds("pendubot", ["paml", "uniform"], ["00"])
    assert last == [f"results/pendubot/{name}/trial_00/round_02.h5" for name in ("paml", "uniform")]


@pytest.mark.parametrize(("added", "expected"), [(15, [0, 1, 5, 15]), (5, [0, 1, 5]), (1, [0, 1])])
def test_candidates_are_ranked_after_the_last_round_and_some_before(study, added, expected):
    made = study(experiments__cart_pole_pixels__added_tasks=added, run__trials=1)
    assert made.ranked("cart_pole_pixels") == expected
    rounds = made.ranked_rounds("cart_pole_pixels")
    assert [Path(path).stem for path in rounds[: len(expected)]] == [
        f"round_{n:02d}" for n in expected
    ]


def test_scores_are_listed_strategy_by_strategy(study):
    made = study(run__trials=2, run__strategies=["paml", "oracle"])
    assert made.metrics("pendubot") == [
        f"results/pendubot/{strategy}/trial_{trial}/metrics.h5"
        for strategy in ("paml", "oracle")
        for trial in ("00", "01")
    ]


def test_jobs_are_given_only_what_they_read(study):
    made = study(experiments__pendubot__failed_tasks="replace", training__bound="collapsed")
    assert "failed_tasks" not in made.world("pendubot")
    assert "pictures" in made.model("cart_pole_pixels") and "pictures" not in made.model("pendubot")
    schedule = {"first_iterations", "next_iterations", "starts"}
    assert set(made.training()) == {"bound"} | schedule
    assert set(made.first_training) == set(made.training()) - {"next_iterations"}
    assert set(study(training__bound="stochastic").training()) == {"bound", "stochastic"}


def test_a_strategy_is_given_its_own_settings_and_no_others(study):
    own = {"strategy": "paml", "options": {"candidates": "descriptor"}}
    made = study(strategies__spread=own, strategies__paml={"options": {"num_candidates": 7}})
    assert made.options("uniform") == {}
    assert made.options("paml") == {"candidates": "latent", "num_candidates": 7}
    assert made.options("spread") == {"candidates": "descriptor", "num_candidates": 1000}
    assert made.options("paml_descriptor") == made.options("spread")
    assert (
        made.strategy("spread") == "paml" and made.strategy("paml_descriptor") == "paml_descriptor"
    )


def test_each_job_has_the_seed_of_its_name(study):
    made = study(seed=7)
    assert made.seed("simulate_test_tasks", "pendubot") == job_seed(
        7, "simulate_test_tasks", "pendubot"
    )
    wildcards = {"experiment": "pendubot", "strategy": "paml", "trial": "02", "round": "03"}
    expected = job_seed(7, "acquire_round", "pendubot", trial=2, strategy="paml", round=3)
    assert made.seed("acquire_round", **wildcards) == expected


def test_recorded_tasks_are_chosen_from_a_pool_that_leaves_out_the_test_tasks(study):
    shelf = {"domain": "shelf:Shelf", "space": {"load": [0.0, 1.0]}, "test_tasks": 4}
    made = study(
        experiments__shelf=shelf | {"strategies": ["paml"], "added_tasks": 2},
        run__experiments=["shelf"],
        inference__protocols=["few_shot_0"],
    )
    assert made.pool("shelf", "01") == "data/shelf/trial_01/pool.h5"
    assert made.design("shelf", "01") is None
    assert made.world("shelf") == shelf | {"descriptors": {"hidden": [], "superfluous": {}}}
    pool = origin(made, made.pool("shelf", "01"))
    assert pool.parents == ["data/shelf/test_tasks.h5"] and pool.config == made.world("shelf")
    assert origin(made, "data/shelf/test_tasks.h5").config == made.world("shelf")
    assert (made.candidates("shelf"), made.test_grid("shelf")) == (None, [])
    simulated = study()
    assert simulated.tests_of_pool("cart_pole_pixels") is None
    assert simulated.test_grid("cart_pole_pixels") == [25]
