"""Snakemake shell of pamlflow.stages.illustrate.plot_latent_space."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.illustrate import plot_latent_space
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        plot_latent_space(
            last_round=Path(snakemake.input[0]),
            experiment=snakemake.wildcards.experiment,
            strategy=snakemake.params.strategy,
            svg=Path(snakemake.output.svg),
            png=Path(snakemake.output.png),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
