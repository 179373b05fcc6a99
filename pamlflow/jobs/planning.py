"""What Snakemake is told before it plans and starts jobs; `workflow` is Snakemake's own object throughout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snakemake.logging import logger
from snakemake_interface_common.exceptions import WorkflowError

from pamlflow.configuration.command_line import read_sources
from pamlflow.configuration.dimensions import warnings
from pamlflow.configuration.preflight import require_parts
from pamlflow.configuration.validation import ConfigurationError, validated
from pamlflow.disagreement import judge, needed
from pamlflow.jobs.recover import orphans
from pamlflow.storage import store
from pamlflow.study import Study

WRITTEN = ("data", "results", "logs")
"""The folders that jobs write to."""

SNAKEMAKES_LIMIT = (100, 1)
"""Snakemake's default limit of jobs: a hundred in a second."""


def checked_configuration(workflow: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return Snakemake's `config` with defaults filled in; WorkflowError with all that is wrong with it.

    Parts are loaded, and warnings logged, in the main process and not again in every job.
    """
    try:
        written_at, found = read_sources(workflow)
        filled = validated(config, written_at, found)
        if workflow.is_main_process:
            require_parts(filled, written_at)
            for warning in warnings(filled):
                logger.warning(warning)
    except ConfigurationError as error:
        raise WorkflowError(str(error)) from None
    return filled


def force_outdated_in(workflow: Any, study: Study) -> None:
    """Let a run make anew what says that it was made from something else than the configuration.

    Snakemake's own notes of what it gave each job get lost with the folder `.snakemake`; the files remain.
    """
    if not workflow.is_main_process:
        return
    # The one moment when targets are known and no job is planned; Snakemake adds unfinished files then, too.
    build_dag = workflow._build_dag

    def build() -> None:
        _force_outdated(workflow, study)
        build_dag()

    workflow._build_dag = build


def _force_outdated(workflow: Any, study: Study) -> None:
    targets = {rule.name for rule in workflow.dag.targetrules}
    files = needed(study, targets | set(map(str, workflow.dag.targetfiles)))
    verdict = judge(files, workflow.dag_settings.allowed_rules)
    for warning in verdict.warnings:
        logger.warning(warning)
    workflow.dag.forcefiles.update(verdict.again)


def require_readiness(folder: Path) -> None:
    """Raise WorkflowError where a lost run has left jobs in `folder`, or its folders cannot be written to."""
    if left := orphans(folder):
        raise WorkflowError(f"a lost run has left {', '.join(left)} here: `make recover` ends them")
    try:
        for name in WRITTEN:
            store.require_writable(folder / name)
    except store.StoreError as error:
        raise WorkflowError(str(error)) from None


def lift_default_limit(workflow: Any) -> None:
    """Take away Snakemake's default limit of jobs per time; one that a user has set is kept.

    While there is a limit, each look for jobs to run starts a timer for the next look, and each job that ends
    adds one: after a thousand jobs they keep a processor busy.
    """
    limit = workflow.scheduler.job_rate_limiter
    if limit and (limit.max_jobs, limit.timespan) == SNAKEMAKES_LIMIT:
        workflow.scheduler.job_rate_limiter = None
