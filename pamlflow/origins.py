"""The origin of each file of a study, according to the configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pamlflow.names import ORACLE
from pamlflow.storage.places import Place
from pamlflow.study import DESIGN_BLOCK, Study
from pamlflow.versions import EVALUATION_VERSION, TRAINING_VERSION

_PRODUCT = re.compile(r"results/(?P<experiment>\w+)/(?P<name>\w+)\.(?P<suffix>svg|png|csv)")
_OVERVIEW = re.compile(r"results/overview_\w+\.(svg|png)")


class Origin(NamedTuple):
    """The rule that makes a file, the settings and the seed of its job, and the files that the job reads.

    `schema` is the schema of an HDF5 file; None for tables and figures.
    """

    rule: str
    config: Mapping[str, Any]
    parents: list[str]
    seed: int = 0
    schema: str | None = None


def origin(study: Study, path: str) -> Origin | None:
    """Return the origin of the file at `path`, relative to the folder of the study.

    Returns None if the study has no such file.
    """
    if _OVERVIEW.fullmatch(path):
        return Origin("plot_overview", {}, study.summaries())
    if found := _PRODUCT.fullmatch(path):
        experiment = found["experiment"]
        name = f"{found['name']}.csv" if found["suffix"] == "csv" else found["name"]
        known = experiment in study.config["experiments"]
        return _products(study, experiment).get(name) if known else None
    place = Place.of(Path(path))
    if place is None or place.experiment not in study.config["experiments"]:
        return None
    if place.schema in ("round", "metrics", "summary"):
        return _result(study, place)
    return _data(study, place)


def _data(study: Study, place: Place) -> Origin:
    """Return the origin of tasks, designs and pools."""
    experiment, trial = place.experiment, place.trial
    own = study.of(experiment)
    grid, candidates = study.test_grid(experiment), study.candidates(experiment)
    rule, read, parents = {
        "test_tasks": ("simulate_test_tasks", {"test_grid": grid} if grid else {}, []),
        "initial_tasks": (
            "simulate_initial_tasks",
            {"initial_tasks": own["initial_tasks"]},
            _existing(study.pool(experiment, trial)),
        ),
        "design": ("draw_design", {"block": DESIGN_BLOCK}, []),
        "pool": (
            "draw_pool",
            {"pool": candidates} if candidates else {},
            _existing(study.tests_of_pool(experiment)),
        ),
    }[place.schema]
    seed = study.seed(rule, experiment, trial)
    return Origin(rule, study.world(experiment) | read, parents, seed, place.schema)


def _result(study: Study, place: Place) -> Origin | None:
    """Return the origin of rounds, scores and summaries."""
    _, schema, experiment, strategy, trial, number = place
    if schema == "summary":
        config = {"experiment": experiment, **_compared(study, experiment)}
        return Origin("aggregate_metrics", config, study.metrics(experiment), 0, schema)
    data = f"data/{experiment}"
    job = {"experiment": experiment, "trial": trial, "strategy": strategy}
    if schema == "metrics":
        settings = {"inference": study.config["inference"], "version": EVALUATION_VERSION}
        parents = [f"{data}/test_tasks.h5", *study.rounds_of(**job)]
        return Origin(
            "evaluate_trial", settings, parents, study.seed("evaluate_trial", **job), schema
        )
    fit = {"model": study.model(experiment), "version": TRAINING_VERSION}
    if place.has_one_round:
        rule, parents = "train_initial_round", [f"{data}/trial_{trial}/initial_tasks.h5"]
        parents += _existing(study.pool(experiment, trial))
        if strategy == ORACLE:
            rule, parents = "train_oracle", [f"{data}/test_tasks.h5"]
        seed = study.seed(rule, experiment, trial)
        return Origin(rule, fit | {"training": study.first_training}, parents, seed, schema)
    if not place.number:
        return None
    settings = {
        **study.world(experiment),
        **fit,
        "training": study.training(),
        "strategy": study.strategy(strategy),
        "options": study.options(strategy),
    }
    parents = [
        study.previous_round(**job, round=number),
        f"{data}/trial_{trial}/initial_tasks.h5",
        *_existing(study.design(experiment, trial), study.pool(experiment, trial)),
    ]
    seed = study.seed("acquire_round", **job, round=number)
    return Origin("acquire_round", settings, parents, seed, schema)


def _products(study: Study, experiment: str) -> dict[str, Origin]:
    """Return the origins of tables and figures of an experiment, by name."""
    folder, data = f"results/{experiment}", f"data/{experiment}"
    first, pool = study.trials[:1], f"{data}/trial_00/pool.h5"
    compared = _compared(study, experiment)
    choosing = study.choosing(experiment)
    chose = {"strategies": choosing, "trials": compared["trials"]}
    last_rounds = study.last_rounds(experiment, choosing, study.trials)
    summary = [f"{folder}/summary.h5"]
    products = {
        "summary.csv": Origin("aggregate_metrics", compared, study.metrics(experiment)),
        "learning_curves": Origin("plot_learning_curves", {}, summary),
        "comparison.csv": Origin(
            "compare_strategies", {}, summary, study.seed("compare_strategies", experiment)
        ),
        "comparison": Origin("plot_comparison", {}, [f"{folder}/comparison.csv"]),
        "choices": Origin("plot_choices", chose, last_rounds),
        "chosen_values": Origin("plot_chosen_values", chose, last_rounds),
        "error_maps": Origin(
            "plot_error_maps",
            compared | {"choosing": choosing},
            [
                *study.metrics(experiment),
                *study.last_rounds(experiment, choosing, first),
                f"{data}/test_tasks.h5",
            ],
        ),
        "montage": Origin("plot_montage", {}, [pool]),
        "rank_correlation.csv": Origin(
            "rank_candidates",
            chose | {"rounds": study.ranked(experiment)},
            study.ranked_rounds(experiment)
            + [f"{data}/trial_{trial}/pool.h5" for trial in study.trials],
        ),
        "rank_correlation": Origin(
            "plot_rank_correlation", {}, [f"{folder}/rank_correlation.csv", pool]
        ),
    }
    if mapped := study.mapped(experiment):
        drawn, last = {"strategy": mapped}, study.last_rounds(experiment, [mapped], first)
        products |= {
            "latent_space": Origin("plot_latent_space", drawn, last),
            "reconstructions": Origin("plot_reconstructions", drawn, [*last, pool]),
            "traversal": Origin("plot_traversal", drawn, [*last, pool]),
        }
    return products


def _compared(study: Study, experiment: str) -> dict[str, list[Any]]:
    """Return the settings of a summary."""
    trials = [int(trial) for trial in study.trials]
    return {"strategies": study.strategies(experiment), "trials": trials}


def _existing(*paths: str | None) -> list[str]:
    return [path for path in paths if path]
