"""Snakemake shell of pamlflow.stages.simulate.simulate_initial_tasks."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.simulate import simulate_initial_tasks

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        experiment = snakemake.config["experiments"][snakemake.wildcards.experiment]
        failed_tasks = experiment.get("failed_tasks", "stop")
        simulate_initial_tasks(
            experiment=snakemake.params.experiment | {"failed_tasks": failed_tasks},
            initial_tasks=snakemake.params.initial_tasks,
            seed=snakemake.params.seed,
            output=Path(snakemake.output[0]),
            pool=Path(snakemake.input.pool) if snakemake.input.pool else None,
        )
