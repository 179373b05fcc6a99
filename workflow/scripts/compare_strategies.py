"""Snakemake shell of pamlflow.stages.aggregate.compare_strategies."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.aggregate import compare_strategies
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        compare_strategies(
            summary=Path(snakemake.input.summary),
            seed=snakemake.params.seed,
            table=Path(snakemake.output.table),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
