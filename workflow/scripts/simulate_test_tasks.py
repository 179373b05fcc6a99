"""Snakemake shell of pamlflow.stages.simulate.simulate_test_tasks."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.simulate import simulate_test_tasks

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        simulate_test_tasks(
            experiment=snakemake.params.experiment,
            test_grid=snakemake.params.test_grid,
            seed=snakemake.params.seed,
            output=Path(snakemake.output[0]),
        )
