"""Parts named in the configuration."""

import math

import pytest

from pamlflow import plugins

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
