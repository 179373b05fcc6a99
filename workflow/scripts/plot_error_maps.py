"""Snakemake shell of pamlflow.stages.illustrate.plot_error_maps."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.illustrate import plot_error_maps
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        plot_error_maps(
            metrics=[Path(path) for path in snakemake.input.metrics],
            last_rounds=[Path(path) for path in snakemake.input.last_rounds],
            test_tasks=Path(snakemake.input.test_tasks),
            experiment=snakemake.wildcards.experiment,
            strategies=snakemake.params.strategies,
            choosing=snakemake.params.choosing,
            trials=snakemake.params.trials,
            svg=Path(snakemake.output.svg),
            png=Path(snakemake.output.png),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
