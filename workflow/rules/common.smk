"""Shared by all rules: the checked configuration, constraints of wildcards, and look-ups by wildcards."""

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
    """Return a look-up of `key` in the section of the experiment."""
    return lambda wildcards: STUDY.of(wildcards.experiment)[key]


def by_experiment(function):
    """Return a look-up of `function(experiment)`."""
    return lambda wildcards: function(wildcards.experiment)


def by_trial(function):
    """Return a look-up of the file `function(experiment, trial)`, if any."""
    return lambda wildcards: function(wildcards.experiment, wildcards.trial) or []


def by_wildcards(function):
    """Return a look-up of `function` with all wildcards as arguments."""
    return lambda wildcards: function(**wildcards)


def seed(stage):
    """Return a look-up of the seed of a job of `stage`."""
    return lambda wildcards: STUDY.seed(stage, **wildcards)


def strategy(wildcards):
    """Return the strategy behind the wildcard: a built-in name, or `package.module:Name`."""
    return STUDY.strategy(wildcards.strategy)


def options(wildcards):
    """Return the settings of the strategy."""
    return STUDY.options(wildcards.strategy)


def last_rounds(strategies, trials):
    """Return a look-up of the last rounds of `trials`, for the strategies `strategies(experiment)`."""
    return lambda wildcards: STUDY.last_rounds(
        wildcards.experiment, strategies(wildcards.experiment), trials
    )


def mapped_round(wildcards):
    """Return the last round of the first trial of the strategy whose latent space is drawn."""
    mapped = STUDY.mapped(wildcards.experiment)
    return STUDY.last_rounds(wildcards.experiment, [mapped], STUDY.trials[:1])
