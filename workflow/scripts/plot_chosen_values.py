"""Snakemake shell of pamlflow.stages.illustrate.plot_chosen_values."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.illustrate import plot_chosen_values
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        plot_chosen_values(
            last_rounds=[Path(path) for path in snakemake.input.last_rounds],
            experiment=snakemake.wildcards.experiment,
            strategies=snakemake.params.strategies,
            trials=snakemake.params.trials,
            svg=Path(snakemake.output.svg),
            png=Path(snakemake.output.png),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
