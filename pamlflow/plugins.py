"""Parts chosen by name in the configuration: built-in ones, and a user's own."""

import contextlib
import difflib
import importlib
import os
import re
import reprlib
import sys
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

Part = TypeVar("Part")

NAME = re.compile(r"\w+(\.\w+)*:[^\W\d]\w*")
"""The form of the name of a user's part: `package.module:Name`."""

_OURS = str(Path(__file__).parent)
_PYTHON = sysconfig.get_path("stdlib")
_INSTALLED = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))


class PartError(ValueError):
    """A part cannot be loaded or made; the message names it and the failing line of its code."""


def load(name: str, registry: Mapping[str, Part], kind: str) -> Part:
    """Return the part registered as `name`, or a user's own as `package.module:Name`.

    Raises PartError if there is no such part or it cannot be loaded; the message calls it a `kind`, such as
    "domain", and has file and line of errors in the user's module. Output of the module goes to stderr, so that
    stdout stays usable in a pipe.
    """
    if not isinstance(name, str):
        raise PartError(f"{kind}: expected a name, found {reprlib.repr(name)}")
    if ":" in name:
        if not NAME.fullmatch(name):
            raise PartError(f"cannot load the {kind} '{name}': expected package.module:Name")
        module, _, attribute = name.partition(":")
        try:
            with contextlib.redirect_stdout(sys.stderr):
                part: Part = getattr(importlib.import_module(module), attribute)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may call sys.exit
            hint = ""
            if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
                hint = "; the folder it is in must be in PYTHONPATH"
            raise PartError(f"cannot load the {kind} '{name}': {told(error)}{hint}") from error
        if not callable(part):
            found = reprlib.repr(part)
            raise PartError(f"the {kind} '{name}': expected something to call, found {found}")
        return part
    if name not in registry:
        nearest = difflib.get_close_matches(name, registry, n=1)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        raise PartError(
            f"unknown {kind} '{name}': {hint}known are {', '.join(sorted(registry))}; "
            f"name one of your own as package.module:Name"
        )
    return registry[name]


def told(error: BaseException) -> str:
    """Return an error of a user's code in one line, with file and line if they are in the user's code."""
    try:
        text = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
    except Exception:  # the error class of a user may fail too
        text = ""
    kind = type(error).__name__
    what = f"{kind}: {text}" if text else kind
    place = _place(error)
    return f"{place}: {what}" if place else what


def _place(error: BaseException) -> str:
    """Return the deepest line of the user's code that led to `error`; empty without such a line."""
    if isinstance(error, SyntaxError) and error.filename:
        lines = [(error.filename, error.lineno)]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(frame.filename, frame.lineno) for frame in frames]
    theirs = [line for line in lines if _is_theirs(line[0])]
    own = [line for line in theirs if not line[0].startswith(_INSTALLED)]
    if not theirs:
        return ""
    file, number = (own or theirs)[-1]
    near = os.path.relpath(file)
    return f"{file if near.startswith('..') else near}, line {number}"


def _is_theirs(file: str) -> bool:
    """Return whether a file belongs neither to pamlflow nor to Python."""
    if file.startswith("<") or file.startswith(_OURS):
        return False
    return file.startswith(_INSTALLED) or not file.startswith(_PYTHON)
