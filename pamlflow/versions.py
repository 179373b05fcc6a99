"""The version of the library, and those of what it computes."""

__version__ = "0.1.0"

TRAINING_VERSION = 10
"""Raised when results that exist should be trained anew; a change of the library alone re-runs nothing."""

EVALUATION_VERSION = 7
"""The same for scores."""
