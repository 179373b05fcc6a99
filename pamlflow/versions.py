"""The version of the library, and those of what it computes."""

__version__ = "0.1.0"

TRAINING_VERSION = 9
"""Raised when results that exist should be trained anew; a change of the library alone re-runs nothing."""

EVALUATION_VERSION = 6
"""The same for scores."""
