"""Snakemake shell of pamlflow.stages.illustrate_pictures.rank_candidates."""

from pathlib import Path

from pamlflow.jobs.runtime import job
from pamlflow.stages.illustrate_pictures import rank_candidates
from pamlflow.storage import notes

if __name__ == "__main__":
    with job(log=snakemake.log[0], threads=snakemake.threads):
        rank_candidates(
            rounds=[Path(path) for path in snakemake.input.rounds],
            pools=[Path(path) for path in snakemake.input.pools],
            strategies=snakemake.params.strategies,
            trials=snakemake.params.trials,
            numbers=snakemake.params.rounds,
            table=Path(snakemake.output.table),
        )
        notes.note(snakemake.output, dict(snakemake.params.items()), snakemake.input)
