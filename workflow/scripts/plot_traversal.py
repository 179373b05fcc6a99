"""Snakemake shell of pamlflow.stages.illustrate_pictures.plot_traversal."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.illustrate_pictures import plot_traversal
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        plot_traversal(
            last_round=Path(snakemake.input.last_round[0]),
            pool=Path(snakemake.input.pool),
            experiment=snakemake.wildcards.experiment,
            strategy=snakemake.params.strategy,
            svg=Path(snakemake.output.svg),
            png=Path(snakemake.output.png),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
