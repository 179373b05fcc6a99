"""Errors that a user can mend."""


class UserError(RuntimeError):
    """An error whose message says all that a user needs: a job keeps its traceback for the log file."""
