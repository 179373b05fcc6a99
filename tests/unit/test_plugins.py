"""Parts named in the configuration."""

import itertools
import math

import pytest

from pamlflow import plugins
from pamlflow.errors import UserError

REGISTRY = {"cart_pole": 1, "pendubot": 2}


def test_registered_name():
    assert plugins.load("pendubot", REGISTRY, "domain") == 2


def test_own_part_by_module_and_name():
    assert plugins.load("math:sqrt", {}, "domain") is math.sqrt


def test_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown domain 'cart_poll'.*'cart_pole'.*pendubot"):
        plugins.load("cart_poll", REGISTRY, "domain")


def test_name_like_no_other_lists_what_is_known():
    with pytest.raises(ValueError, match="unknown domain 'xyz': known are cart_pole, pendubot"):
        plugins.load("xyz", REGISTRY, "domain")


@pytest.mark.parametrize("name", ["no_such_package:Name", "math:no_such_name"])
def test_own_part_that_is_not_there(name):
    with pytest.raises(ValueError, match=f"cannot load the domain '{name}'.*no_such"):
        plugins.load(name, REGISTRY, "domain")


def test_own_part_outside_any_package():
    with pytest.raises(ValueError, match=r"cannot load the strategy '\.spring:choose'.*package"):
        plugins.load(".spring:choose", {}, "strategy")


def test_own_part_that_cannot_be_called():
    with pytest.raises(ValueError, match="strategy 'math:pi': expected something to call, found 3"):
        plugins.load("math:pi", {}, "strategy")


NUMBERS = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that no test has loaded before, and return its name."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

    def write(source):
        name = f"own_part_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


@pytest.mark.parametrize(
    ("source", "line", "expected"),
    [
        ("x = 1\ndef Name(:\n", 2, "SyntaxError: invalid syntax"),
        ("if True:\nx = 1\n", 2, "IndentationError: expected an indented block"),
        ("x = 1\n1 / 0\n", 2, "ZeroDivisionError: division by zero"),
        ("import no_such_package\n", 1, "ModuleNotFoundError: No module named 'no_such_package'"),
        ("from math import no_such_name\n", 1, "ImportError: cannot import name"),
        ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError: Expecting property name"),
        ("import sys\nsys.exit('bye')\n", 2, "SystemExit: bye"),
        ("raise SystemExit\n", 1, "SystemExit"),
        ("def f():\n    f()\nf()\n", 2, "RecursionError: maximum recursion depth exceeded"),
        ("raise BaseException('one\\n\\ntwo')\n", 1, "BaseException: one two"),
        ("class E(Exception):\n    __str__ = 3\nraise E\n", 3, "E"),
        ("def __getattr__(name):\n    raise OSError(name)\n", 2, "OSError: Name"),
    ],
)
def test_what_a_module_raises_is_told_in_one_line_with_its_place(module, source, line, expected):
    name = module(source)
    with pytest.raises(plugins.PartError) as raised:
        plugins.load(f"{name}:Name", {}, "domain")
    begin = f"cannot load the domain '{name}:Name': {name}.py, line {line}: {expected}"
    assert str(raised.value).startswith(begin)
    assert "\n" not in str(raised.value)


def test_what_pamlflow_refuses_is_its_message_alone():
    assert plugins.told(ValueError("mass: expected\na number")) == "mass: expected a number"
    assert plugins.told(UserError("the task is unstable")) == "the task is unstable"


def test_a_long_error_is_cut():
    assert len(plugins.told(RuntimeError("x" * 1000))) < 400


def test_a_module_that_is_not_found_is_a_matter_of_the_path():
    with pytest.raises(plugins.PartError, match="the folder it is in must be in PYTHONPATH"):
        plugins.load("no_such_package.module:Name", {}, "domain")


def test_what_the_user_stops_is_stopped(module):
    with pytest.raises(KeyboardInterrupt):
        plugins.load(f"{module('raise KeyboardInterrupt')}:Name", {}, "domain")


def test_what_a_module_prints_leaves_stdout_alone(module, capsys):
    name = module("print(1)\nName = print\n")
    assert plugins.load(f"{name}:Name", {}, "domain") is print
    assert capsys.readouterr() == ("", "1\n")


@pytest.mark.parametrize("name", ["a:b:c", ":b", "a:", ":", "a.:b", "a b:c", "math:sqrt\n", "a:1"])
def test_a_name_of_another_form(name):
    with pytest.raises(plugins.PartError, match=r"expected package\.module:Name"):
        plugins.load(name, {}, "domain")


@pytest.mark.parametrize("name", [None, 3, ["math:sqrt"]])
def test_a_name_that_is_no_text(name):
    with pytest.raises(plugins.PartError, match="domain: expected a name, found"):
        plugins.load(name, REGISTRY, "domain")


def test_a_package_of_an_extra_that_is_missing_is_told_with_the_extra():
    message = r"^a bag needs a Python package that is missing \(.*no_such.*\): pip install .*logs"
    with pytest.raises(plugins.PartError, match=message), plugins.needs("a bag", "logs"):
        import no_such_package  # noqa: F401
