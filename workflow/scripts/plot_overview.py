"""Snakemake shell of pamlflow.stages.aggregate.plot_overview."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.aggregate import plot_overview
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        plot_overview(
            summaries=[Path(path) for path in snakemake.input.summaries],
            protocol=snakemake.wildcards.protocol,
            svg=Path(snakemake.output.svg),
            png=Path(snakemake.output.png),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
