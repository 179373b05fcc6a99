"""What surrounds a job: its log and threads, Snakemake's messages, and the way back after a lost Snakemake."""
