"""Formulas of a configuration: attributes and entries of objects, numbers, and arithmetic on them.

`model.opt.gravity[2]` is a path, which can be read and set. `masspole * length` and
`atan2(observation[1], observation[0])` are formulas of paths, which can be read.
"""

from __future__ import annotations

import ast
import copy
import inspect
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pamlflow.wording import nearest

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "atan2": np.arctan2,
    "cos": np.cos,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tan": np.tan,
}
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
MOST_NAMED = 20  # attributes in a message
_PATH = (ast.Name, ast.Attribute, ast.Subscript)


class FormulaError(ValueError):
    """A formula cannot be read, or names what is not there."""


@dataclass(frozen=True)
class Formula:
    """A formula, to be evaluated in the attributes of objects.

    Raises FormulaError when the text is no formula: other functions than those of FUNCTIONS, and
    indices that are no whole numbers or texts, are refused.
    """

    text: str
    _tree: ast.expr = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the text."""
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError) as error:
            text = "expected an attribute such as `state[0]`, or a formula of some"
            raise FormulaError(f"{text}, found {self.text!r}") from error
        for part in _parts(tree):
            if problem := _problem(part):
                raise FormulaError(f"{self.text!r}: {problem}")
        object.__setattr__(self, "_tree", tree)

    @property
    def is_path(self) -> bool:
        """Whether it is one attribute or entry, which can be set."""
        return isinstance(self._tree, _PATH)

    @property
    def names(self) -> frozenset[str]:
        """The names that its paths begin with."""
        return frozenset(it.id for it in _parts(self._tree) if isinstance(it, ast.Name))

    def value(self, *scopes: object) -> Any:
        """Return its value; a name is an attribute of the first of the scopes that has it.

        Raises FormulaError when there is no such attribute or entry.
        """
        return _value(self._tree, scopes)

    def assign(self, root: object, value: object) -> None:
        """Set what the path names below `root`, of which it must be there.

        Lists, tuples, dictionaries and arrays are replaced by changed copies, since others may share them.
        Raises FormulaError when it is no path, or there is no such attribute or entry.
        """
        if not self.is_path:
            raise FormulaError(f"{self.text!r}: expected one attribute, which can be set")
        self.value(root)
        _assign(self._tree, root, value)


def _parts(tree: ast.expr) -> Iterator[ast.AST]:
    """The nodes of a formula, without the names of functions and what belongs to an index."""
    yield tree
    match tree:
        case ast.BinOp(left=left, right=right):
            yield from _parts(left)
            yield from _parts(right)
        case ast.UnaryOp(operand=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
            yield from _parts(inner)
        case ast.Call(args=arguments):
            for argument in arguments:
                yield from _parts(argument)


def _problem(part: ast.AST) -> str | None:
    """What is wrong with one node."""
    match part:
        case ast.Constant(value=value):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return None if is_number else f"expected a number, found {value!r}"
        case ast.BinOp(op=op) | ast.UnaryOp(op=op):
            return None if type(op) in _OPERATORS else "known operators are + - * / **"
        case ast.Subscript(slice=index):
            text = "expected a whole number or a text in an index, such as `state[0]`"
            return None if _is_index(index) else text
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
            return None
        case ast.Call():
            return f"known functions are {', '.join(FUNCTIONS)}"
        case ast.Name() | ast.Attribute():
            return None
    return f"unexpected `{ast.unparse(part)}`"


def _is_index(node: ast.expr) -> bool:
    try:
        return type(ast.literal_eval(node)) in (int, str)  # True is an int, too
    except ValueError:
        return False


def _value(node: ast.expr, scopes: tuple[object, ...]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, scopes), _value(right, scopes))
        case ast.UnaryOp(op=op, operand=operand):
            return _OPERATORS[type(op)](_value(operand, scopes))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*(_value(each, scopes) for each in arguments))
        case ast.Name(id=name):
            scope = next((each for each in scopes if hasattr(each, name)), scopes[-1])
            return _attribute(scope, name)
        case ast.Attribute(value=inner, attr=name):
            return _attribute(_value(inner, scopes), name)
        case ast.Subscript(value=inner, slice=index):
            return _entry(_value(inner, scopes), ast.literal_eval(index), ast.unparse(inner))
    raise AssertionError(ast.dump(node))


def _attribute(owner: object, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        names = (each for each in dir(owner) if not each.startswith("_"))
        text = f"{type(owner).__name__} has no attribute '{name}'{nearest(name, names)}"
        numbers = ", ".join(_numbers(owner))
        raise FormulaError(f"{text} (its numbers: {numbers})" if numbers else text) from None


def _numbers(owner: object) -> list[str]:
    """The first names of attributes that are numbers, which parameters may set."""
    members = inspect.getmembers_static(owner)  # calls no property
    names = [name for name, value in members if type(value) in (int, float) and name[0] != "_"]
    return names[:MOST_NAMED] + ["..."] * (len(names) > MOST_NAMED)


def _entry(owner: Any, index: int | str, name: str) -> Any:
    try:
        return owner[index]
    except (LookupError, TypeError):
        try:
            found = f"has {len(owner)}"
        except TypeError:
            found = f"is {owner!r}"
        raise FormulaError(f"`{name}` has no entry {index!r}: it {found}") from None


def _assign(node: ast.expr, root: object, value: object) -> None:
    match node:
        case ast.Name(id=name):
            setattr(root, name, value)
        case ast.Attribute(value=inner, attr=name):
            setattr(_value(inner, (root,)), name, value)
        case ast.Subscript(value=inner, slice=place):
            owner, index = _value(inner, (root,)), ast.literal_eval(place)
            if isinstance(owner, tuple):
                entries = list(owner)
                entries[index] = value
                _assign(inner, root, tuple(entries))
            elif isinstance(owner, list | dict | np.ndarray):
                changed: Any = copy.copy(owner)
                changed[index] = value
                _assign(inner, root, changed)
            else:
                owner[index] = value
