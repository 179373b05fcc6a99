"""Snakemake shell of pamlflow.stages.aggregate.plot_comparison."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.aggregate import plot_comparison
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        plot_comparison(
            table=Path(snakemake.input.table),
            svg=Path(snakemake.output.svg),
            png=Path(snakemake.output.png),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
