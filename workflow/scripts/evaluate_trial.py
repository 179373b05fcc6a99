"""Snakemake shell of pamlflow.stages.evaluate.evaluate_trial."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.evaluate import evaluate_trial

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        evaluate_trial(
            rounds=[Path(path) for path in snakemake.input.rounds],
            test_tasks=Path(snakemake.input.test_tasks),
            inference=snakemake.params.inference,
            seed=snakemake.params.seed,
            output=Path(snakemake.output[0]),
        )
