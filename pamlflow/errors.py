"""Errors that a user can correct."""


class UserError(RuntimeError):
    """An error whose message is enough for a user; a job writes its traceback only to the log file."""
