"""Snakemake shell of pamlflow.stages.illustrate_pictures.plot_montage."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.illustrate_pictures import plot_montage
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        plot_montage(
            pool=Path(snakemake.input[0]),
            experiment=snakemake.wildcards.experiment,
            svg=Path(snakemake.output.svg),
            png=Path(snakemake.output.png),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
