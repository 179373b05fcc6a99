"""Snakemake shell of pamlflow.stages.simulate.draw_pool."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.simulate import draw_pool

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        draw_pool(
            experiment=snakemake.params.experiment,
            candidates=snakemake.params.candidates,
            seed=snakemake.params.seed,
            output=Path(snakemake.output[0]),
            test_tasks=Path(snakemake.input.test_tasks) if snakemake.input.test_tasks else None,
        )
