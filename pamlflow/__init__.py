"""Probabilistic active meta-learning with Gaussian processes, as a Snakemake workflow.

Importing this package loads nothing heavy: the Snakefile does it before any job starts.
"""

__version__ = "0.1.0"
