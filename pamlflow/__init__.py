"""Probabilistic active meta-learning with Gaussian processes, as a Snakemake workflow.

Importing this package loads nothing heavy: the Snakefile does it before any job starts.
"""

__version__ = "0.1.0"

TRAINING_VERSION = 9
"""Raised when results that exist should be trained anew; a change of the library alone re-runs nothing."""

EVALUATION_VERSION = 6
"""The same for scores."""
