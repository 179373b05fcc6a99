"""What a domain of one's own must have."""

import numpy as np
import pytest
from own_domain import Decay

from pamlflow.domains import checks, make_domain
from pamlflow.domains.base import SimulationError, state_transitions
from pamlflow.tasks import Variable


def without(*names):
    """A class like Decay that lacks some of it."""
    kept = {name: value for name, value in vars(Decay).items() if name not in names}
    return type("Lacking", (), kept)


def changed(**members):
    return type("Changed", (Decay,), members)


def broken(self):
    return 1 / 0


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        (without("run"), r"^the domain: Lacking lacks the method `run\(parameters, exc"),
        (without("draw_excitation", "run"), r"`draw_excitation\(.*; Lacking lacks .*`run\("),
        (without("input_variables"), "Lacking lacks the attribute `input_variables`; see pamlflow"),
        (changed(run=None), r"lacks the method `run\(parameters, excitation\)`"),
        (
            changed(run=lambda self, parameters: None),
            r"`run\(parameters, excitation\)`, found one that differs: too many positional "
            r"arguments \(.*test_checks\.py, line \d+\)",
        ),
        (changed(draw_excitation=lambda self, rng, extra: None), "argument: 'extra'"),
        (
            changed(output_variables=("level",)),
            r"`output_variables`: expected a tuple of .*\('level",
        ),
        (changed(output_variables=Variable("level", "m")), "`output_variables`: expected a tuple"),
        (changed(input_variables=()), r"at least one variable, .* found \[\]"),
        (changed(input_variables=[Variable("a", "1")] * 2), "different names, found"),
        (
            changed(input_variables=property(broken)),
            r"`input_variables`: .*line \d+: ZeroDivisionError",
        ),
    ],
)
def test_what_a_domain_lacks_is_named(domain, message):
    with pytest.raises(ValueError, match=message):
        checks.require_domain("the domain", domain())


def test_a_class_is_no_domain_before_it_is_made():
    with pytest.raises(ValueError, match=r"`draw_excitation\(rng\)`, found one that differs"):
        checks.require_domain("the domain", Decay)


def test_what_has_everything_is_a_domain_and_can_show_its_tasks():
    domain = Decay()
    assert checks.require_domain("the domain", domain) is domain
    assert checks.require_pictures("the domain", domain) is domain
    with pytest.raises(ValueError, match=r"the domain cannot show its tasks: Lacking lacks .*pict"):
        checks.require_pictures("the domain", without("picture")())


def test_a_domain_that_cannot_be_made_says_where(monkeypatch):
    monkeypatch.setattr(Decay, "__init__", lambda self, steps: 1 / 0)
    name = "own_domain:Decay"
    with pytest.raises(
        ValueError, match=r"made with steps: .*_checks\.py, line \d+: ZeroDivisionError"
    ):
        make_domain(name, steps=3)
    with pytest.raises(ValueError, match=r"made with steps, substeps: TypeError: .*'substeps'"):
        make_domain(name, steps=3, substeps=2)


def test_an_error_that_names_its_task_is_not_named_again():
    variables = Decay.parameter_variables
    error = SimulationError("the decay with rate = 0.5 1/s blew up")
    assert checks.task_failed(variables, [0.5], error) == str(error)


def test_a_domain_of_version_0_1_is_told_the_method_that_it_lacks():
    class Old(without("run")):
        def transitions(self, states, controls):
            return state_transitions(states, controls, ())

    with pytest.raises(ValueError, match=r"lacks the method `run\(.*this method will do"):
        checks.require_domain("the domain", Old())
    names = {}
    exec(checks.RUN, names)
    Old.run = names["run"]
    old, excitation = Old(), Decay().draw_excitation(np.random.default_rng(0))
    assert checks.require_domain("the domain", old) is old
    expected = Decay().run([0.5], excitation)
    np.testing.assert_array_equal(old.run([0.5], excitation).inputs, expected.inputs)
