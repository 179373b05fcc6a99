"""Shared by all rules: the checked configuration, wildcards, and what a job looks up by its wildcards."""

from pamlflow.versions import EVALUATION_VERSION, TRAINING_VERSION
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
    written_at, found = read_sources(workflow)
    CONFIG = validated(config, written_at, found)
    if workflow.is_main_process:  # and not again in every job
        require_parts(CONFIG, written_at)
        for warning in warnings(CONFIG):
            logger.warning(warning)
except ConfigurationError as error:
    raise WorkflowError(str(error)) from None
STUDY = Study(CONFIG)


def force_outdated(workflow):
    """Have Snakemake make anew what says that it was made with something else than the configuration.

    Its own notes of what it gave each job get lost with the folder `.snakemake`; the files remain.
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
