"""The name under which Snakemake finds pamlflow's progress lines: `--logger pamlflow`."""

from pamlflow.jobs.progress import LogHandler

__all__ = ["LogHandler"]
