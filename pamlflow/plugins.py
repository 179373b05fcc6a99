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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pamlflow.errors import UserError

Part = TypeVar("Part")

NAME = re.compile(r"\w+(\.\w+)*:[^\W\d]\w*")
"""The form of the name of a user's part: `package.module:Name`."""

_OURS = str(Path(__file__).parent)
_PYTHON = sysconfig.get_path("stdlib")
_INSTALLED = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
_LONGEST = 300


class PartError(ValueError):
    """A part cannot be loaded or made; the message names it and the failing line of its code."""


def load(
    name: str, registry: Mapping[str, Part], kind: str, form: type[Part] | None = None
) -> Part:
    """Return the part registered as `name`, or the user's own, named as `package.module:Name`.

    `kind` is what the message of the PartError calls it, such as "domain". The user's must be a
    `form`, or something to call where none is given. Whatever the user's module raises is told with
    its file and line; what it prints goes to stderr, so that what a program writes to a pipe stays
    whole.
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
        if not (callable(part) if form is None else isinstance(part, form)):
            expected = "something to call" if form is None else f"a {form.__name__}"
            raise PartError(f"the {kind} '{name}': expected {expected}, found {reprlib.repr(part)}")
        return part
    if name not in registry:
        nearest = difflib.get_close_matches(name, registry, n=1)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        raise PartError(
            f"unknown {kind} '{name}': {hint}known are {', '.join(sorted(registry))}; "
            f"name one of your own as package.module:Name"
        )
    return registry[name]


@contextlib.contextmanager
def needs(what: str, extra: str) -> Iterator[None]:
    """Raise PartError if an import in the block fails: `what` needs the packages of an extra of pamlflow."""
    try:
        yield
    except ImportError as error:
        text = f"{what} needs a Python package that is missing ({error})"
        raise PartError(f"{text}: pip install -e '.[{extra}]'") from error


def told(error: BaseException) -> str:
    """Return in one line what was raised where a user's code is called, and the file and line of that code.

    What pamlflow itself refuses is its message alone.
    """
    try:
        text = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
    except Exception:  # the error class of a user may fail too
        text = ""
    text = f"{text[:_LONGEST]}..." if len(text) > _LONGEST else text
    kind, place = type(error).__name__, _place(error)
    if text and not place and isinstance(error, ValueError | UserError):
        return text
    what = f"{kind}: {text}" if text else kind
    return f"{place}: {what}" if place else what


def _place(error: BaseException) -> str:
    """Return the deepest line of the user's code that led to `error`; empty where there is none.

    Of code that is installed it is the last line in the file that pamlflow called, not in NumPy or what
    else that calls.
    """
    if isinstance(error, SyntaxError) and error.filename:
        lines = [(error.filename, error.lineno)]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [(frame.filename, frame.lineno) for frame in frames]
    theirs = [line for line in lines if _is_theirs(line[0])]
    own = [line for line in theirs if not line[0].startswith(_INSTALLED)]
    if not theirs:
        return ""
    file, number = own[-1] if own else [line for line in theirs if line[0] == theirs[0][0]][-1]
    near = os.path.relpath(file)
    return f"{file if near.startswith('..') else near}, line {number}"


def _is_theirs(file: str) -> bool:
    """Return whether a file belongs neither to pamlflow nor to Python."""
    if file.startswith("<") or file.startswith(_OURS):
        return False
    return file.startswith(_INSTALLED) or not file.startswith(_PYTHON)
