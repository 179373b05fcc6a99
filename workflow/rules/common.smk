"""Shared by all rules: the checked configuration, wildcards, and what a job looks up by its wildcards."""

from pamlflow import store
from pamlflow.configuration import ORACLE, ConfigurationError, validated
from pamlflow.recover import orphans
from pamlflow.seeding import job_seed
from pamlflow.settings import WORLD_KEYS
from snakemake.exceptions import WorkflowError

# Raise it when results that exist should be trained anew; a change of the library alone re-runs nothing.
TRAINING_VERSION = 2

# Points of one Latin hypercube, the paper's budget; a larger budget appends hypercubes and moves no point.
DESIGN_BLOCK = 15

try:
    CONFIG = validated(config)
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None

# The strategies that choose tasks, and the one whose latent space is drawn.
CHOOSING = [name for name in CONFIG["run"]["strategies"] if name != ORACLE]
MAPPED = "paml" if "paml" in CHOOSING else next(iter(CHOOSING), None)

# What `rule all` makes of an experiment; a comparison needs two strategies that choose.
FIGURES = ["learning_curves", "error_maps"]
if CHOOSING:
    FIGURES += ["latent_space", "choices", "chosen_values"]
if len(CHOOSING) > 1:
    FIGURES += ["comparison"]
TABLES = ["summary.csv"] + ["comparison.csv"] * (len(CHOOSING) > 1)
PRODUCTS = TABLES + expand("{figure}.{format}", figure=FIGURES, format=["svg", "png"])


wildcard_constraints:
    experiment=r"[a-z][a-z0-9_]*",
    strategy=r"[a-z][a-z0-9_]*",
    trial=r"\d{2}",
    round=r"\d{2}",


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


def of_experiment(key):
    """The experiment's own value of `key`."""
    return lambda wildcards: CONFIG["experiments"][wildcards.experiment][key]


def world(wildcards):
    """What fixes the tasks of an experiment: the keys of pamlflow.world."""
    experiment = CONFIG["experiments"][wildcards.experiment]
    return {key: experiment[key] for key in WORLD_KEYS}


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
    return CONFIG["strategies"].get(wildcards.strategy, wildcards.strategy)


def trials():
    """The trials as they occur in paths."""
    return [f"{trial:02d}" for trial in range(CONFIG["run"]["trials"])]


def previous_round(wildcards):
    """The round that the wildcards' one continues; round 00 is the same for every strategy."""
    previous = int(wildcards.round) - 1
    folder = wildcards.strategy if previous else "initial"
    return f"results/{wildcards.experiment}/{folder}/trial_{wildcards.trial}/round_{previous:02d}.h5"


def rounds(wildcards):
    """Every round of a trial, in order; the oracle has but one."""
    results = "results/{experiment}/{folder}/trial_{trial}/round_{round:02d}.h5"
    if wildcards.strategy == ORACLE:
        folders = [ORACLE]
    else:
        added = CONFIG["experiments"][wildcards.experiment]["added_tasks"]
        folders = ["initial"] + [wildcards.strategy] * added
    return [
        results.format(
            experiment=wildcards.experiment,
            trial=wildcards.trial,
            folder=folder,
            round=round,
        )
        for round, folder in enumerate(folders)
    ]


def last_rounds(strategies, trials):
    """The last round of trials of `strategies`, trials of the first strategy first."""

    def of_job(wildcards):
        return expand(
            "results/{experiment}/{strategy}/trial_{trial}/round_{round:02d}.h5",
            experiment=wildcards.experiment,
            strategy=strategies,
            trial=trials,
            round=CONFIG["experiments"][wildcards.experiment]["added_tasks"],
        )

    return of_job
