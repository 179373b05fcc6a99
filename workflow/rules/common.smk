"""Shared by all rules: the checked configuration, constraints of wildcards, and look-ups by wildcards."""

from pamlflow import EVALUATION_VERSION, TRAINING_VERSION
from pamlflow.configuration.dimensions import warnings
from pamlflow.configuration.command_line import read_sources
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import ConfigurationError, validated
from pamlflow.disagreement import judge, needed
from pamlflow.jobs.recover import orphans
from pamlflow.jobs.runtime import prepare_jobs
from pamlflow.storage import store
from pamlflow.study import DESIGN_BLOCK, Study
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

prepare_jobs()
try:
    places, found = read_sources(workflow)
    CONFIG = validated(config, places, found)
    if workflow.is_main_process:  # and not again in every job
        require_parts(CONFIG, places)
        for warning in warnings(CONFIG):
            logger.warning(warning)
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None
STUDY = Study(CONFIG)


def force_outdated(workflow):
    """Have Snakemake remake the files whose recorded provenance disagrees with the configuration.

    Snakemake's own records are lost with the folder `.snakemake`; the provenance in the files remains.
    """
    targets = {rule.name for rule in workflow.dag.targetrules}
    files = needed(STUDY, targets | set(map(str, workflow.dag.targetfiles)))
    verdict = judge(files, workflow.dag_settings.allowed_rules)
    for warning in verdict.warnings:
        logger.warning(warning)
    workflow.dag.forcefiles.update(verdict.again)


if workflow.is_main_process:
    # The one moment when targets are known and no job is planned yet; Snakemake adds unfinished files there, too.
    build_dag = workflow._build_dag
    workflow._build_dag = lambda: (force_outdated(workflow), build_dag())


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
