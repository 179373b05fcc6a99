"""What a configuration asks for: the files of a study, and the settings and seed of the job of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from pamlflow.acquisition import strategy_of
from pamlflow.configuration.dimensions import latent_dimensions
from pamlflow.models import is_default, kind_of, own_sections, without_kind
from pamlflow.names import INITIAL, ORACLE
from pamlflow.seeding import job_seed
from pamlflow.settings import has_pool, is_recorded, world_settings

DESIGN_BLOCK = 15
"""Points of one Latin hypercube, the paper's budget; a larger budget appends hypercubes and moves no point."""

RANKED_ROUNDS = (0, 1, 5)
"""The rounds, with the last one, after which it is seen how h orders the candidates."""


@dataclass(frozen=True)
class Study:
    """A checked configuration, and what follows from it.

    Trials and rounds are named as they occur in paths, by two digits; paths are relative to the folder
    of the study.
    """

    config: Mapping[str, Any]

    @property
    def experiments(self) -> list[str]:
        """The experiments that are run."""
        return list(self.config["run"]["experiments"])

    @property
    def trials(self) -> list[str]:
        """The trials of each experiment."""
        return [f"{trial:02d}" for trial in range(self.config["run"]["trials"])]

    def of(self, experiment: str) -> Mapping[str, Any]:
        """The section of an experiment."""
        section: Mapping[str, Any] = self.config["experiments"][experiment]
        return section

    def strategies(self, experiment: str) -> list[str]:
        """The strategies that are compared in an experiment."""
        return list(self.of(experiment).get("strategies", self.config["run"]["strategies"]))

    def choosing(self, experiment: str) -> list[str]:
        """Those of them that choose tasks."""
        return [name for name in self.strategies(experiment) if name != ORACLE]

    def mapped(self, experiment: str) -> str | None:
        """The one whose latent space is drawn: the first of them."""
        return next(iter(self.choosing(experiment)), None)

    def has_pool(self, experiment: str) -> bool:
        """Whether tasks are chosen from a pool."""
        return has_pool(self.of(experiment))

    def candidates(self, experiment: str) -> int | None:
        """The tasks of a pool; None for all recorded ones that are not test tasks."""
        number: int | None = self.of(experiment).get("pool")
        return number

    def test_grid(self, experiment: str) -> list[int]:
        """The points of the grid of test tasks along each parameter; none where tasks are recorded."""
        return list(self.of(experiment).get("test_grid", ()))

    def tests_of_pool(self, experiment: str) -> str | None:
        """The file of the test tasks, which a pool of recorded tasks leaves out."""
        return f"data/{experiment}/test_tasks.h5" if is_recorded(self.of(experiment)) else None

    def shows_pictures(self, experiment: str) -> bool:
        """Whether tasks are described by pictures."""
        return "pictures" in self.of(experiment)["descriptors"]

    def ranked(self, experiment: str) -> list[int]:
        """The rounds after which it is seen how h orders the candidates: the last one, and some before."""
        last = self.of(experiment)["added_tasks"]
        return [*(number for number in RANKED_ROUNDS if number < last), last]

    def world(self, experiment: str) -> dict[str, Any]:
        """What fixes the tasks of an experiment.

        `failed_tasks` does not, and scripts look it up: tasks that exist did not fail.
        """
        settings = world_settings(self.of(experiment))
        return {key: value for key, value in settings.items() if key != "failed_tasks"}

    def model(self, experiment: str) -> Mapping[str, Any]:
        """The section `model` with the dimensions of h, without what vectors have no use for.

        Results then do not depend on it.  A kind is left out where it is the default: files that do not say
        it stay valid.  Another kind has all of its settings, and no others.
        """
        section = self.config["model"]
        if not is_default(section):
            own, _ = own_sections(section, self.config["training"])
            settings = kind_of(section).settings.from_config(own)
            return {"kind": section["kind"], **settings.to_config()}
        dimensions = latent_dimensions(self.config, experiment)
        known = {**without_kind(section), "latent_dimensions": dimensions}
        if self.shows_pictures(experiment):
            return known
        return {key: value for key, value in known.items() if key != "pictures"}

    def training(self, unread: Sequence[str] = ()) -> dict[str, Any]:
        """The section `training`, without the keys `unread` by a stage, nor those of the other bound."""
        settings = self.config["training"]
        if not is_default(self.config["model"]):
            _, own = own_sections(self.config["model"], settings)
            return kind_of(self.config["model"]).training.from_config(own).to_config()
        schedule = ["first_iterations", "next_iterations", "starts"]
        other = ["stochastic"] if settings["bound"] == "collapsed" else schedule
        return {
            key: value for key, value in settings.items() if key not in unread and key not in other
        }

    @property
    def first_training(self) -> dict[str, Any]:
        """The section `training` as the training of round 00 reads it."""
        return self.training(unread=["next_iterations"])

    def strategy(self, name: str) -> str:
        """What `pamlflow.acquisition` knows a strategy as: its name, or `package.module:Name`."""
        return str(self.config["strategies"].get(name, {}).get("strategy", name))

    def options(self, name: str) -> dict[str, Any]:
        """The settings of a strategy, all of them and no others: results depend on nothing else of it."""
        given = self.config["strategies"].get(name, {}).get("options", {})
        return strategy_of(self.strategy(name)).settings.from_config(given).to_config()

    def seed(
        self, stage: str, experiment: str, trial: str = "", strategy: str = "", round: str = ""
    ) -> int:
        """The seed of a job of the rule `stage`."""
        named = {"trial": trial, "round": round}
        numbers = {name: int(value) for name, value in named.items() if value}
        return job_seed(self.config["seed"], stage, experiment, strategy=strategy, **numbers)

    def products(self, experiment: str) -> list[str]:
        """The tables and figures of an experiment; a comparison needs two strategies that choose."""
        number = len(self.choosing(experiment))
        has_latent = kind_of(self.config["model"]).latent
        figures = ["learning_curves", "error_maps"]
        if number:
            figures += ["latent_space"] * has_latent + ["choices", "chosen_values"]
        if number > 1:
            figures += ["comparison"]
        tables = ["summary.csv"] + ["comparison.csv"] * (number > 1)
        if self.shows_pictures(experiment):
            figures += ["montage"]
            if number and has_latent:
                figures += ["reconstructions"]
                figures += ["traversal"] * (latent_dimensions(self.config, experiment) == 2)
            if number and has_latent and len(self.of(experiment)["space"]) == 1:
                figures += ["rank_correlation"]
                tables += ["rank_correlation.csv"]
        names = tables + [f"{name}.{suffix}" for name, suffix in product(figures, ["svg", "png"])]
        return [f"results/{experiment}/{name}" for name in names]

    def overviews(self) -> list[str]:
        """The figures of all experiments together, if there are several."""
        protocols = self.config["inference"]["protocols"] if len(self.experiments) > 1 else []
        return [
            f"results/overview_{name}.{suffix}" for name in protocols for suffix in ("svg", "png")
        ]

    def pool(self, experiment: str, trial: str) -> str | None:
        """The pool of a trial, where the experiment has one."""
        return f"data/{experiment}/trial_{trial}/pool.h5" if self.has_pool(experiment) else None

    def design(self, experiment: str, trial: str) -> str | None:
        """The design of a trial, where the experiment has no pool."""
        return None if self.has_pool(experiment) else f"data/{experiment}/trial_{trial}/design.h5"

    def summaries(self) -> list[str]:
        """The scores of every experiment."""
        return [f"results/{experiment}/summary.h5" for experiment in self.experiments]

    def metrics(self, experiment: str) -> list[str]:
        """The scores of every strategy and trial, trials of the first strategy first."""
        return [
            f"results/{experiment}/{strategy}/trial_{trial}/metrics.h5"
            for strategy, trial in product(self.strategies(experiment), self.trials)
        ]

    def rounds_of(self, experiment: str, strategy: str, trial: str) -> list[str]:
        """Every round of a trial, in order; the oracle has but one."""
        if strategy == ORACLE:
            folders = [ORACLE]
        else:
            folders = [INITIAL] + [strategy] * self.of(experiment)["added_tasks"]
        return [
            f"results/{experiment}/{folder}/trial_{trial}/round_{number:02d}.h5"
            for number, folder in enumerate(folders)
        ]

    def previous_round(self, experiment: str, strategy: str, trial: str, round: str) -> str:
        """The round that another one continues; round 00 is the same for every strategy."""
        previous = int(round) - 1
        folder = strategy if previous else INITIAL
        return f"results/{experiment}/{folder}/trial_{trial}/round_{previous:02d}.h5"

    def ranked_rounds(self, experiment: str) -> list[str]:
        """The rounds in `ranked`, of all strategies that choose and all trials."""
        return [
            self.rounds_of(experiment, strategy, trial)[number]
            for strategy, trial in product(self.choosing(experiment), self.trials)
            for number in self.ranked(experiment)
        ]

    def last_rounds(
        self, experiment: str, strategies: Iterable[str], trials: Iterable[str]
    ) -> list[str]:
        """The last rounds of `trials` of the `strategies`, trials of the first one first."""
        return [
            self.rounds_of(experiment, strategy, trial)[-1]
            for strategy, trial in product(strategies, trials)
        ]
