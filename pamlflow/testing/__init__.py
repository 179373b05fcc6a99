"""Tests for authors: each checks in one call that a part does all that pamlflow expects of it.

Call one in a test of your own; it needs no pytest. What is wrong is an AssertionError that names the part,
what was expected and what was found.
"""

from pamlflow.testing.domains import check_domain
from pamlflow.testing.models import check_model
from pamlflow.testing.strategies import check_strategy

__all__ = ["check_domain", "check_model", "check_strategy"]
