"""The files of a study according to its configuration, and the settings and seeds of its jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from pamlflow.acquisition import strategy_of
from pamlflow.configuration.dimensions import latent_dimensions
from pamlflow.domains.content import digests
from pamlflow.models import is_default, kind_of, own_sections, without_kind
from pamlflow.names import INITIAL, ORACLE
from pamlflow.seeding import job_seed
from pamlflow.settings import has_pool, is_recorded, world_settings

DESIGN_BLOCK = 15
"""Points of one Latin hypercube, the budget of the paper; a larger budget appends hypercubes."""

RANKED_ROUNDS = (0, 1, 5)
"""The rounds, besides the last one, after which the rank correlation of h is computed."""


@dataclass(frozen=True)
class Study:
    """A checked configuration, with the files and jobs of its study.

    Names of trials and rounds are those in paths, with two digits; paths are relative to the folder of the
    study.
    """

    config: Mapping[str, Any]

    @property
    def experiments(self) -> list[str]:
        """The names of the experiments to run."""
        return list(self.config["run"]["experiments"])

    @property
    def trials(self) -> list[str]:
        """The names of the trials of each experiment."""
        return [f"{trial:02d}" for trial in range(self.config["run"]["trials"])]

    def of(self, experiment: str) -> Mapping[str, Any]:
        """Return the section of an experiment in the configuration."""
        section: Mapping[str, Any] = self.config["experiments"][experiment]
        return section

    def strategies(self, experiment: str) -> list[str]:
        """Return the strategies of an experiment, including the oracle."""
        return list(self.of(experiment).get("strategies", self.config["run"]["strategies"]))

    def choosing(self, experiment: str) -> list[str]:
        """Return the strategies of an experiment that choose tasks: all except the oracle."""
        return [name for name in self.strategies(experiment) if name != ORACLE]

    def mapped(self, experiment: str) -> str | None:
        """Return the strategy whose latent space is drawn: the first one that chooses tasks."""
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
        """Return whether the tasks of an experiment are described by pictures."""
        return "pictures" in self.of(experiment)["descriptors"]

    def ranked(self, experiment: str) -> list[int]:
        """Return the rounds after which the rank correlation is computed: some early ones, and the last."""
        last = self.of(experiment)["added_tasks"]
        return [*(number for number in RANKED_ROUNDS if number < last), last]

    def world(self, experiment: str) -> dict[str, Any]:
        """Return the settings that determine the tasks of an experiment.

        The SHA-256 of each file that the domain reads is among them, as `files`: another content makes other
        tasks. It is that of the first call. `failed_tasks` is not among them, since existing tasks did not
        fail; scripts read it directly.
        """
        settings = world_settings(self.of(experiment))
        settings.pop("failed_tasks", None)
        known = self._known_files
        if experiment not in known:
            known[experiment] = digests(settings["domain"], settings.get("options", {}))
        if files := known[experiment]:
            settings["files"] = dict(files)
        return settings

    @cached_property
    def _known_files(self) -> dict[str, dict[str, str]]:
        return {}

    def model(self, experiment: str) -> Mapping[str, Any]:
        """Return the section `model` of an experiment, with the number of latent dimensions.

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
        """Return the section `training` without the keys `unread`, and without those of the other bound."""
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
        """The settings of `training` that round 00 depends on."""
        return self.training(unread=["next_iterations"])

    def strategy(self, name: str) -> str:
        """Return the strategy that a configuration calls `name`: a built-in one, or `package.module:Name`."""
        return str(self.config["strategies"].get(name, {}).get("strategy", name))

    def options(self, name: str) -> dict[str, Any]:
        """Return all settings of a strategy; results depend on no other options."""
        given = self.config["strategies"].get(name, {}).get("options", {})
        return strategy_of(self.strategy(name)).settings.from_config(given).to_config()

    def seed(
        self, stage: str, experiment: str, trial: str = "", strategy: str = "", round: str = ""
    ) -> int:
        """Return the seed of a job of the rule `stage`."""
        named = {"trial": trial, "round": round}
        numbers = {name: int(value) for name, value in named.items() if value}
        return job_seed(self.config["seed"], stage, experiment, strategy=strategy, **numbers)

    def products(self, experiment: str) -> list[str]:
        """Return the tables and figures of an experiment, with a comparison if several strategies choose."""
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
        """Return the figures of all experiments together, if there are several."""
        protocols = self.config["inference"]["protocols"] if len(self.experiments) > 1 else []
        return [
            f"results/overview_{name}.{suffix}" for name in protocols for suffix in ("svg", "png")
        ]

    def pool(self, experiment: str, trial: str) -> str | None:
        """Return the file of the pool of a trial; None without a pool."""
        return f"data/{experiment}/trial_{trial}/pool.h5" if self.has_pool(experiment) else None

    def design(self, experiment: str, trial: str) -> str | None:
        """Return the file of the design of a trial; None with a pool."""
        return None if self.has_pool(experiment) else f"data/{experiment}/trial_{trial}/design.h5"

    def summaries(self) -> list[str]:
        """Return the summaries of all experiments."""
        return [f"results/{experiment}/summary.h5" for experiment in self.experiments]

    def metrics(self, experiment: str) -> list[str]:
        """Return the metrics of all strategies and trials, trials of the first strategy first."""
        return [
            f"results/{experiment}/{strategy}/trial_{trial}/metrics.h5"
            for strategy, trial in product(self.strategies(experiment), self.trials)
        ]

    def rounds_of(self, experiment: str, strategy: str, trial: str) -> list[str]:
        """Return all rounds of a trial in order; the oracle has one."""
        if strategy == ORACLE:
            folders = [ORACLE]
        else:
            folders = [INITIAL] + [strategy] * self.of(experiment)["added_tasks"]
        return [
            f"results/{experiment}/{folder}/trial_{trial}/round_{number:02d}.h5"
            for number, folder in enumerate(folders)
        ]

    def previous_round(self, experiment: str, strategy: str, trial: str, round: str) -> str:
        """Return the round that another one continues; all strategies share round 00."""
        previous = int(round) - 1
        folder = strategy if previous else INITIAL
        return f"results/{experiment}/{folder}/trial_{trial}/round_{previous:02d}.h5"

    def ranked_rounds(self, experiment: str) -> list[str]:
        """Return the files of the rounds in `ranked`, for all strategies that choose tasks and all trials."""
        return [
            self.rounds_of(experiment, strategy, trial)[number]
            for strategy, trial in product(self.choosing(experiment), self.trials)
            for number in self.ranked(experiment)
        ]

    def last_rounds(
        self, experiment: str, strategies: Iterable[str], trials: Iterable[str]
    ) -> list[str]:
        """Return the last rounds of `strategies` and `trials`, trials of the first strategy first."""
        return [
            self.rounds_of(experiment, strategy, trial)[-1]
            for strategy, trial in product(strategies, trials)
        ]
