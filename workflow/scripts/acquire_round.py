"""Snakemake shell of pamlflow.stages.acquire.acquire_round."""

from pathlib import Path

from pamlflow.jobs.runtime import job

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        from pamlflow.stages.acquire import acquire_round

        experiment = snakemake.config["experiments"][snakemake.wildcards.experiment]
        failed_tasks = experiment.get("failed_tasks", "stop")
        acquire_round(
            previous=Path(snakemake.input.previous),
            initial_tasks=Path(snakemake.input.initial_tasks),
            strategy=snakemake.params.strategy,
            experiment=snakemake.params.experiment | {"failed_tasks": failed_tasks},
            model=snakemake.params.model,
            training=snakemake.params.training,
            options=snakemake.params.options,
            seed=snakemake.params.seed,
            output=Path(snakemake.output[0]),
            design=Path(snakemake.input.design) if snakemake.input.design else None,
            pool=Path(snakemake.input.pool) if snakemake.input.pool else None,
        )
