"""The surroundings of a job: log and threads, progress messages, and recovery from a lost Snakemake."""
