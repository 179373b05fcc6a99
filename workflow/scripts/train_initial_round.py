"""Snakemake shell of pamlflow.stages.acquire.train_initial_round."""

from pathlib import Path

from pamlflow.jobs.runtime import job

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        from pamlflow.stages.acquire import train_initial_round

        train_initial_round(
            tasks=Path(snakemake.input.tasks),
            model=snakemake.params.model,
            training=snakemake.params.training,
            seed=snakemake.params.seed,
            output=Path(snakemake.output[0]),
            pool=Path(snakemake.input.pool) if snakemake.input.pool else None,
        )
