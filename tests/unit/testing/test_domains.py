"""`check_domain` passes what keeps the contract, and names the fault of what does not."""

import dataclasses
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

from pamlflow.domains import MECHANISMS, domain_class
from pamlflow.domains.base import SimulationError, Transitions, state_transitions
from pamlflow.settings import Settings
from pamlflow.tasks import Variable
from pamlflow.testing import check_domain
from tests.own_domain import Decay as Own
from tests.own_records import Decays

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
SPACE = {"rate": [0.1, 0.9]}


@pytest.mark.parametrize("name", MECHANISMS)
def test_every_mechanism_keeps_the_contract(name):
    domain = domain_class(name)
    names = [variable.name for variable in domain.parameter_variables]
    assert check_domain(domain, {each: [0.5, 2.0] for each in names}) == ()


def test_the_domain_of_the_docs_keeps_the_contract(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    import spring

    space = {"mass": [0.5, 5.0], "stiffness": [1.0, 20.0]}
    assert check_domain(spring.Spring, space, fails={"mass": -1.0, "stiffness": 8.0}) == ()
    check_domain(spring.Spring, space, options={"damping": 0.2})
    sys.modules.pop("spring", None)


class Decay(Own):
    """Takes what a configuration makes a domain with."""

    def __init__(self, steps=5, **simulation):
        super().__init__(steps)


def test_a_small_domain_keeps_the_contract():
    assert check_domain(Decay, SPACE) == ()


class GlobalRandom(Decay):
    def draw_excitation(self, rng):
        np.random.seed(0)
        return super().draw_excitation(rng)


class OwnGenerator(Decay):
    def draw_excitation(self, rng):
        return super().draw_excitation(np.random.default_rng())


class DeafToTheGenerator(Decay):
    def draw_excitation(self, rng):
        return super().draw_excitation(np.random.default_rng(0))


class ReusedBuffer(Decay):
    def __init__(self, steps=5, **simulation):
        super().__init__(steps)
        self.buffer = np.zeros((steps, 1))

    def run(self, parameters, excitation):
        inputs, outputs = super().run(parameters, excitation)
        self.buffer[:] = outputs
        return Transitions(inputs, self.buffer)


class Remembers(Decay):
    runs = 0

    def run(self, parameters, excitation):
        self.runs += 1
        inputs, outputs = super().run(parameters, excitation)
        return Transitions(inputs, outputs + self.runs)


OBJECTS = itertools.count()


class EachItsOwn(Decay):
    def __init__(self, steps=5, **simulation):
        super().__init__(steps)
        self.number = next(OBJECTS)

    def run(self, parameters, excitation):
        inputs, outputs = super().run(parameters, excitation)
        return Transitions(inputs, outputs + self.number)


class WritesToParameters(Decay):
    def run(self, parameters, excitation):
        parameters *= 2.0
        return super().run(parameters, excitation)


class DropsAStep(Decay):
    def run(self, parameters, excitation):
        return Transitions(*(values[1:] for values in super().run(parameters, excitation)))


class OneColumnTooMany(Decay):
    def run(self, parameters, excitation):
        inputs, outputs = super().run(parameters, excitation)
        return Transitions(inputs, np.repeat(outputs, 2, axis=1))


class NotFinite(Decay):
    def run(self, parameters, excitation):
        inputs, outputs = super().run(parameters, excitation)
        return Transitions(inputs, outputs / 0.0)


class StatesAlone(Decay):
    def run(self, parameters, excitation):
        return super().run(parameters, excitation).inputs


class AllAlike(Decay):
    def run(self, parameters, excitation):
        return super().run(np.array([0.5]), excitation)


class TwiceTheSameName(Decay):
    parameter_variables = (Variable("rate", "1/s"), Variable("rate", "1/s"))


class TakesNoSteps(Own):
    def __init__(self):
        super().__init__(5)


class OldMethods(Decay):
    run = None


class BrightPicture(Decay):
    def picture(self, parameters, size, height, renderer):
        return np.full((size, size, 1), 255.0)


class FlatPicture(Decay):
    def picture(self, parameters, size, height, renderer):
        return np.full((size, size), 0.5)


class OnePicture(Decay):
    def __init__(self, steps=5, **simulation):
        super().__init__(steps)
        self.canvas = None

    def picture(self, parameters, size, height, renderer):
        self.canvas = np.zeros((size, size, 1)) if self.canvas is None else self.canvas
        self.canvas[:] = parameters[0]
        return self.canvas


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GlobalRandom, "`draw_excitation`: expected random numbers from the generator"),
        (OwnGenerator, "twice with the same generator: .*`controls` differs"),
        (DeafToTheGenerator, "another seed: expected other controls"),
        (
            ReusedBuffer,
            "`run` of another task: expected arrays of its own, .*`outputs` of the first",
        ),
        (Remembers, "same task after others: expected the same numbers, .*`outputs` differs"),
        (EachItsOwn, "by another object: expected the same numbers"),
        (WritesToParameters, r"`run` of rate = 0\.\d+ 1/s: expected what it is given to be left"),
        (DropsAStep, r"inputs: expected shape \(12, 2\), a row for each control"),
        (OneColumnTooMany, r"outputs: expected shape \(12, 1\).* found \(12, 2\)"),
        (NotFinite, "outputs: expected finite numbers"),
        (StatesAlone, "expected pamlflow.domains.base.Transitions, found array"),
        (AllAlike, "different tasks to have different transitions, found that rate change nothing"),
        (TwiceTheSameName, "`parameter_variables`: expected at least one variable, and different"),
        (TakesNoSteps, "made with steps, .*: expected no error, .*unexpected keyword"),
        (OldMethods, r"lacks the method `run\(parameters, excitation\)`"),
        (BrightPicture, "`picture` of .*: expected numbers from 0 to 1"),
        (FlatPicture, r"`picture` of .*: expected shape \(16, 16, 1\), found \(16, 16\)"),
        (OnePicture, "`picture` of another task: expected an array of its own"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_a_fault_is_named_with_the_domain_and_the_place(wrong, said):
    with pytest.raises(AssertionError, match=f"^domain '{wrong.__name__}': .*{said}"):
        check_domain(wrong, SPACE)


class Idle(Decay):
    parameter_variables = (*Decay.parameter_variables, Variable("colour", "1"))


def test_a_parameter_without_effect_is_told(caplog):
    class NoPictures(Idle):
        picture = property()

    assert check_domain(NoPictures, SPACE | {"colour": [0.0, 1.0]}) == ("colour",)
    assert "domain 'NoPictures': parameter 'colour' has no effect" in caplog.text


class Stops(Decay):
    def run(self, parameters, excitation):
        if parameters[0] > 1.0:
            raise SimulationError("the rate is above 1")
        return super().run(parameters, excitation)


def test_a_task_that_cannot_be_run_is_a_simulation_error():
    assert check_domain(Stops, SPACE, fails={"rate": 2.0}) == ()
    with pytest.raises(AssertionError, match="which cannot be run: expected a SimulationError"):
        check_domain(Decay, SPACE, fails={"rate": 2.0})


@dataclasses.dataclass(frozen=True)
class Push(Settings):
    strength: float = 1.0


class WithOptions(Decay):
    options = Push()

    def __init__(self, steps=5, options=options, **simulation):
        super().__init__(steps)
        self.own = options

    def run(self, parameters, excitation):
        states = [excitation.initial_state]
        for force in excitation.controls:
            states.append(parameters[0] * states[-1] + self.own.strength * force)
        return state_transitions(np.array(states), excitation.controls, ())


def test_options_reach_the_domain():
    check_domain(WithOptions, SPACE, options={"strength": 2.0})
    with pytest.raises(AssertionError, match="strengths: unknown key"):
        check_domain(WithOptions, SPACE, options={"strengths": 2.0})
    with pytest.raises(AssertionError, match="takes none"):
        check_domain(Decay, SPACE, options={"strength": 2.0})


def test_a_space_of_other_parameters_is_named():
    with pytest.raises(AssertionError, match=r"`space`: .*expected bounds of \['rate'\]"):
        check_domain(Decay, {"rates": [0.1, 0.9]})


RANGES = {"rate": [0.1, 0.9], "gain": [1.0, 2.0]}


def test_recorded_tasks_keep_the_contract():
    check_domain(Decays, RANGES)
    check_domain(Decays, RANGES, options={"number": 4})


class Shuffled(Decays):
    @property
    def tasks(self):
        tasks = super().tasks
        return tasks.subset(np.random.default_rng().permutation(tasks.num_tasks))


class AllTheSame(Decays):
    @property
    def tasks(self):
        return super().tasks.subset([0, 0])


class NoTasks(Decays):
    tasks = None


@pytest.mark.parametrize(
    ("wrong", "space", "said"),
    [
        (Shuffled, RANGES, "`tasks`, asked for twice: expected the same numbers"),
        (AllTheSame, RANGES, "`tasks` with options {}: .* 2 of them have rate"),
        (NoTasks, RANGES, "expected a pamlflow.tasks.TaskSet, found None"),
        (Decays, RANGES | {"gain": [1.0, 1.1]}, "`space`: .*a recorded task has rate"),
    ],
)
def test_a_fault_of_recorded_tasks_is_named(wrong, space, said):
    with pytest.raises(AssertionError, match=f"^domain '{wrong.__name__}': .*{said}"):
        check_domain(wrong, space)
