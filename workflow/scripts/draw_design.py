"""Snakemake shell of pamlflow.stages.simulate.draw_design."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.simulate import draw_design

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        draw_design(
            experiment=snakemake.params.experiment,
            block=snakemake.params.block,
            seed=snakemake.params.seed,
            output=Path(snakemake.output[0]),
        )
