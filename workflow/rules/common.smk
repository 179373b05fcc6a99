"""Shared by all rules: the checked configuration, wildcards, and what a job looks up by its wildcards."""

from pamlflow.jobs import planning
from pamlflow.jobs.runtime import prepare_jobs
from pamlflow.study import DESIGN_BLOCK, Study
from pamlflow.versions import EVALUATION_VERSION, TRAINING_VERSION

prepare_jobs()
CONFIG = planning.checked_configuration(workflow, config)
STUDY = Study(CONFIG)
planning.force_outdated_in(workflow, STUDY)


wildcard_constraints:
    experiment=r"[a-z][a-z0-9_]*",
    strategy=r"[a-z][a-z0-9_]*",
    trial=r"\d{2}",
    round=r"\d{2}",
    protocol="|".join(CONFIG["inference"]["protocols"]),


onstart:
    planning.require_readiness(Path())
    planning.lift_default_limit(workflow)


def of_experiment(key):
    """The experiment's own value of `key`."""
    return lambda wildcards: STUDY.of(wildcards.experiment)[key]


def by_experiment(function):
    """What `function` says of the experiment that the wildcards name."""
    return lambda wildcards: function(wildcards.experiment)


def by_trial(function):
    """The file that `function` knows of the experiment and trial that the wildcards name, if any."""
    return lambda wildcards: function(wildcards.experiment, wildcards.trial) or []


def by_wildcards(function):
    """What `function` says of all that the wildcards name."""
    return lambda wildcards: function(**wildcards)


def seed(stage):
    """The seed of the job of `stage` that the wildcards name."""
    return lambda wildcards: STUDY.seed(stage, **wildcards)


def strategy(wildcards):
    """What `pamlflow.acquisition` knows the strategy as."""
    return STUDY.strategy(wildcards.strategy)


def options(wildcards):
    """The strategy's own settings."""
    return STUDY.options(wildcards.strategy)


def last_rounds(strategies, trials):
    """The last rounds of `trials` of what `strategies` says of the experiment."""
    return lambda wildcards: STUDY.last_rounds(
        wildcards.experiment, strategies(wildcards.experiment), trials
    )


def mapped_round(wildcards):
    """The last round of the first trial of the strategy whose latent space is drawn."""
    mapped = STUDY.mapped(wildcards.experiment)
    return STUDY.last_rounds(wildcards.experiment, [mapped], STUDY.trials[:1])
