"""Snakemake shell of pamlflow.stages.aggregate.aggregate_metrics."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.aggregate import aggregate_metrics
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        doubts = aggregate_metrics(
            metrics=[Path(path) for path in snakemake.input.metrics],
            experiment=snakemake.wildcards.experiment,
            strategies=snakemake.params.strategies,
            trials=snakemake.params.trials,
            summary=Path(snakemake.output.summary),
            table=Path(snakemake.output.table),
        )
        notes.note([snakemake.output.table], dict(snakemake.params.items()), snakemake.input)
    print(*doubts, sep="\n", end="\n" * bool(doubts), flush=True)  # the terminal says so, too
