"""Shared by all rules: the checked configuration, wildcards, and what a job looks up by its wildcards."""

from pamlflow import EVALUATION_VERSION, TRAINING_VERSION
from pamlflow.configuration.dimensions import latent_dimensions, warnings
from pamlflow.names import ORACLE, SPREADS_NOTHING
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import ConfigurationError, validated
from pamlflow.jobs.recover import orphans
from pamlflow.seeding import job_seed
from pamlflow.settings import world_settings
from pamlflow.storage import store
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# Points of one Latin hypercube, the paper's budget; a larger budget appends hypercubes and moves no point.
DESIGN_BLOCK = 15

try:
    CONFIG = validated(config)
    if workflow.is_main_process:  # and not again in every job
        require_parts(CONFIG)
        for warning in warnings(CONFIG):
            logger.warning(warning)
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    experiment=r"[a-z][a-z0-9_]*",
    strategy=r"[a-z][a-z0-9_]*",
    trial=r"\d{2}",
    round=r"\d{2}",
    protocol="|".join(CONFIG["inference"]["protocols"]),


onstart:
    if left := orphans(Path.cwd()):
        raise WorkflowError(
            f"a lost run has left {', '.join(left)} here: `make recover` ends them"
        )
    try:
        for folder in ("data", "results", "logs"):
            store.require_writable(Path(folder))
    except store.StoreError as error:
        raise WorkflowError(str(error)) from None
    # While there is a limit of jobs per time, each look for jobs to run starts a timer for the next look, and each job that
    # ends adds one: after a thousand jobs they keep a processor busy. A limit other than Snakemake's default is kept.
    limit = workflow.scheduler.job_rate_limiter
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def of_experiment(key):
    """The experiment's own value of `key`."""
    return lambda wildcards: CONFIG["experiments"][wildcards.experiment][key]


def world(wildcards):
    """What fixes the tasks of an experiment; `failed_tasks` does not, and scripts look it up: tasks that exist did not fail."""
    settings = world_settings(CONFIG["experiments"][wildcards.experiment])
    return {key: value for key, value in settings.items() if key != "failed_tasks"}


def strategies(experiment):
    """The strategies that are compared in an experiment."""
    return CONFIG["experiments"][experiment].get(
        "strategies", CONFIG["run"]["strategies"]
    )


def choosing(experiment):
    """Those of them that choose tasks."""
    return [name for name in strategies(experiment) if name != ORACLE]


def mapped(experiment):
    """The one whose latent space is drawn."""
    names = choosing(experiment)
    return "paml" if "paml" in names else next(iter(names), None)


def shows_pictures(experiment):
    """Whether tasks are described by pictures."""
    return "pictures" in CONFIG["experiments"][experiment]["descriptors"]


def ranked(experiment):
    """The rounds after which it is seen how h orders the candidates: the last one, and some before."""
    last = CONFIG["experiments"][experiment]["added_tasks"]
    return [round for round in (0, 1, 5) if round < last] + [last]


def products(experiment):
    """What `rule all` makes of an experiment; a comparison needs two strategies that choose."""
    number = len(choosing(experiment))
    figures = ["learning_curves", "error_maps"]
    if number:
        figures += ["latent_space", "choices", "chosen_values"]
    if number > 1:
        figures += ["comparison"]
    tables = ["summary.csv"] + ["comparison.csv"] * (number > 1)
    if shows_pictures(experiment):
        figures += ["montage"]
        if number:
            figures += ["reconstructions"]
            figures += ["traversal"] * (latent_dimensions(CONFIG, experiment) == 2)
        if number and len(CONFIG["experiments"][experiment]["space"]) == 1:
            figures += ["rank_correlation"]
            tables += ["rank_correlation.csv"]
    names = tables + expand("{figure}.{format}", figure=figures, format=["svg", "png"])
    return expand("results/{experiment}/{name}", experiment=experiment, name=names)


def overviews():
    """What `rule all` makes of all experiments together, if there are several."""
    several = len(CONFIG["run"]["experiments"]) > 1
    return expand(
        "results/overview_{protocol}.{format}",
        protocol=CONFIG["inference"]["protocols"] if several else [],
        format=["svg", "png"],
    )


def model(experiment):
    """The section `model` with the experiment's dimensions of h, without what vectors have no use for: results then do not depend on it."""
    dimensions = latent_dimensions(CONFIG, experiment)
    settings = {**CONFIG["model"], "latent_dimensions": dimensions}
    if shows_pictures(experiment):
        return settings
    return {key: value for key, value in settings.items() if key != "pictures"}


def training(unread=()):
    """The section `training`, without the keys `unread` by a rule, nor those of the other bound."""
    settings = CONFIG["training"]
    schedule = ["first_iterations", "next_iterations", "starts"]
    other = ["stochastic"] if settings["bound"] == "collapsed" else schedule
    return {
        key: value
        for key, value in settings.items()
        if key not in unread and key not in other
    }


def acquisition(wildcards):
    """The section `acquisition` of the strategy; empty where it reads none, so that results do not depend on it."""
    pooled = "pool" in CONFIG["experiments"][wildcards.experiment]
    reads_none = [*SPREADS_NOTHING] + ["paml"] * pooled
    changes = CONFIG["strategies"].get(wildcards.strategy, {}).get("acquisition", {})
    settings = {**CONFIG["acquisition"], **changes}
    return {} if strategy(wildcards) in reads_none else settings


def by_experiment(function):
    """What `function` says of the experiment that the wildcards name."""
    return lambda wildcards: function(wildcards.experiment)


def seed(stage):
    """The seed of the job of `stage` that the wildcards name."""

    def of_job(wildcards):
        names = {name: wildcards.get(name) for name in ("trial", "round")}
        numbers = {name: int(value) for name, value in names.items() if value}
        return job_seed(
            CONFIG["seed"],
            stage,
            wildcards.experiment,
            strategy=wildcards.get("strategy", ""),
            **numbers,
        )

    return of_job


def strategy(wildcards):
    """What `pamlflow.acquisition` knows the strategy as: its name, or `package.module:Name`."""
    own = CONFIG["strategies"].get(wildcards.strategy, {})
    return own.get("strategy", wildcards.strategy)


def trials():
    """The trials as they occur in paths."""
    return [f"{trial:02d}" for trial in range(CONFIG["run"]["trials"])]


def pool(wildcards):
    """The pool of the trial, where the experiment has one."""
    has_one = "pool" in CONFIG["experiments"][wildcards.experiment]
    return (
        f"data/{wildcards.experiment}/trial_{wildcards.trial}/pool.h5"
        if has_one
        else []
    )


def design(wildcards):
    """The design of the trial, where the experiment has no pool."""
    has_one = "pool" not in CONFIG["experiments"][wildcards.experiment]
    return (
        f"data/{wildcards.experiment}/trial_{wildcards.trial}/design.h5"
        if has_one
        else []
    )


def summaries(wildcards):
    """The scores of every experiment."""
    return expand(
        "results/{experiment}/summary.h5", experiment=CONFIG["run"]["experiments"]
    )


def metrics(wildcards):
    """The scores of every strategy and trial, trials of the first strategy first."""
    return expand(
        "results/{experiment}/{strategy}/trial_{trial}/metrics.h5",
        experiment=wildcards.experiment,
        strategy=strategies(wildcards.experiment),
        trial=trials(),
    )


def previous_round(wildcards):
    """The round that the wildcards' one continues; round 00 is the same for every strategy."""
    previous = int(wildcards.round) - 1
    folder = wildcards.strategy if previous else "initial"
    return f"results/{wildcards.experiment}/{folder}/trial_{wildcards.trial}/round_{previous:02d}.h5"


def rounds_of(experiment, strategy, trial):
    """Every round of a trial, in order; the oracle has but one."""
    if strategy == ORACLE:
        folders = [ORACLE]
    else:
        added = CONFIG["experiments"][experiment]["added_tasks"]
        folders = ["initial"] + [strategy] * added
    return [
        f"results/{experiment}/{folder}/trial_{trial}/round_{round:02d}.h5"
        for round, folder in enumerate(folders)
    ]


def rounds(wildcards):
    """Every round of the trial that the wildcards name."""
    return rounds_of(wildcards.experiment, wildcards.strategy, wildcards.trial)


def ranked_rounds(wildcards):
    """The rounds in `ranked`, of all strategies that choose and all trials."""
    return [
        rounds_of(wildcards.experiment, strategy, trial)[round]
        for strategy in choosing(wildcards.experiment)
        for trial in trials()
        for round in ranked(wildcards.experiment)
    ]


def last_rounds(strategies, trials):
    """The last round of trials of the `strategies` of an experiment, trials of the first one first."""

    def of_job(wildcards):
        return expand(
            "results/{experiment}/{strategy}/trial_{trial}/round_{round:02d}.h5",
            experiment=wildcards.experiment,
            strategy=strategies(wildcards.experiment),
            trial=trials,
            round=CONFIG["experiments"][wildcards.experiment]["added_tasks"],
        )

    return of_job
